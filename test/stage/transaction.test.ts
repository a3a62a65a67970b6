/** What a deploy does within its transactions, and what it lets nobody else decide about them. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, DatabaseError, StoppedError } from "#src/errors.js";
import { connect } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { appliedTo, as, inLedger, StageProject } from "./project.js";

const ROOT = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer)";

const deploys = suite("the transaction of a deploy");

deploys("checks at each version's end what that one put off", async () => {
  const project = await StageProject.create(`CREATE TABLE customers (id integer PRIMARY KEY); ${ROOT}`);
  await project.version("1.1.0", [
    "ALTER TABLE orders ADD FOREIGN KEY (amount) REFERENCES customers DEFERRABLE INITIALLY DEFERRED",
    "INSERT INTO orders VALUES (1, 7); INSERT INTO customers SELECT 7 WHERE NOT EXISTS (SELECT FROM customers)",
  ]);
  await project.version("1.2.0", [
    "ALTER TABLE orders ADD COLUMN note text",
    "INSERT INTO orders VALUES (2, 8); INSERT INTO customers VALUES (8)",
  ]);
  await project.version("1.3.0", ["ALTER TABLE orders ADD COLUMN more text"]);
  const [first] = (await project.deploy(await freshDatabase())).databases;
  assert.is(first?.outcome, "applied");
  const db = await project.stage("1.0.0", "INSERT INTO customers VALUES (1)");
  const error = await thrownBy(BlockedError, project.deploy(db, { rehearse: false }));
  assert.is(error.code, "STATEMENT_FAILED");
  assert.match(error.where ?? "", "1.1.0.deltas:2");
  assert.equal(await appliedTo(db), ["1.0.0"]);
});

deploys(
  "keeps its ledger in a schema of the database where that is set, and out of the checksum",
  async () => {
    const project = await StageProject.create(ROOT, { ledger: "schema" });
    await project.version("1.1.0", [
      "INSERT INTO orders VALUES (1, 1)",
      "CREATE INDEX CONCURRENTLY amounts ON orders (amount)",
    ]);
    const db = await freshDatabase();
    await project.deploy(db, { rehearse: true });
    assert.is((await project.deploy(db)).databases[0]?.outcome, "nothing");
    assert.equal(await db.query("SELECT version FROM wovtool.applied ORDER BY number"), [
      { version: "1.0.0" },
      { version: "1.1.0" },
    ]);

    await project.version("1.2.0", ["ALTER TABLE orders ADD COLUMN note text"]);
    await db.query("UPDATE wovtool.format SET number = 99");
    for (const terms of [{ plan: true }, { dryRun: true }, {}, { baseline: "1.1.0" }]) {
      const error = await thrownBy(DatabaseError, project.deploy(db, { ...terms, rehearse: undefined }));
      assert.is(error.code, "NEWER_LEDGER");
      assert.match(error.message, "The ledger has format 99; this version of the tool knows up to");
      assert.match(error.hint ?? "", "npm install wovtools@latest");
    }
    assert.equal(
      await db.query("SELECT count(*)::integer AS deploys, (TABLE wovtool.format) FROM wovtool.deploy"),
      [{ deploys: 1, number: 99 }],
    );
    assert.is((await db.query("SELECT FROM pg_attribute WHERE attname = 'note'")).length, 0);
  },
);

deploys("an empty database gets its indexes in the one transaction that it gets all else in", async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", [
    "INSERT INTO orders VALUES (1, 1)",
    "CREATE UNIQUE INDEX /* CONCURRENTLY is below */\n  concurrently ämter ON orders (amount)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_amount ON orders (amount DESC)",
    "DROP INDEX CONCURRENTLY by_amount",
  ]);
  const db = await freshDatabase();
  const [planned] = (await project.deploy(db, { plan: true })).databases;
  assert.is(planned?.transactions, 1);
  const [done] = (await project.deploy(db, { rehearse: undefined })).databases;
  assert.equal([done?.outcome, done?.transactions, done?.rehearsed], ["applied", 1, false]);
  assert.equal(
    await db.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'ämter'::regclass"),
    [{ valid: true }],
  );
  const behind = await project.stage("1.0.0");
  const [later] = (await project.deploy(behind, { plan: true })).databases;
  assert.equal(
    later?.statements[0]?.statements.map(({ outsideTransaction }) => outsideTransaction),
    [false, true, true, true],
  );
});

deploys("tells which statement of a transaction it has come to, and how long each took", async () => {
  const project = await StageProject.create(`${ROOT}; CREATE TABLE items (id integer)`);
  await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text"]);
  await project.version("1.2.0", [
    "ALTER TABLE orders ADD COLUMN other text",
    "ALTER TABLE items ADD COLUMN note text",
  ]);
  await project.version("1.3.0", ["ALTER TABLE orders ADD COLUMN more text"]);
  const db = await project.stage("1.0.0");
  const reader = await connect(db.connection);
  await reader.query("BEGIN; LOCK TABLE items IN ACCESS SHARE MODE");
  const freed: Promise<unknown>[] = [];
  await project.deploy(db, {
    lockTimeout: 30,
    attempts: 1,
    // The lock is held until it is told what waits for it.
    progress: (doing) => {
      if (doing.includes("1.2.0.deltas:2")) freed.push(reader.query("SELECT pg_sleep(0.2); ROLLBACK"));
    },
  });
  await Promise.all(freed);
  await reader.end();
  const took = await inLedger(
    db,
    "SELECT version FROM wovtool.applied WHERE database = $1 ORDER BY took_ms DESC LIMIT 1",
  );
  assert.equal(took, [{ version: "1.2.0" }]);
});

deploys("is never applied again once it may be committed, whatever the ledger says then", async () => {
  const project = await StageProject.create(ROOT, { ledger: "schema" });
  await project.version("1.1.0", ["UPDATE orders SET amount = amount + 1"]);
  const db = await project.stage("1.0.0", "INSERT INTO orders VALUES (1, 1)");
  // As a server answers where the ledger's transactions stand in each other's way.
  await db.query(`
    CREATE FUNCTION wovtool.refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'try again' USING ERRCODE = 'serialization_failure'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON wovtool.intent FOR EACH ROW EXECUTE FUNCTION wovtool.refuse()`);
  const error = await thrownBy(StoppedError, project.deploy(db));
  assert.is(error.code, "DEPLOY_INTERRUPTED");
  assert.equal(await db.query("SELECT amount FROM orders"), [{ amount: 2 }]);
  await db.query("DROP TRIGGER refuse ON wovtool.intent");
  const [again] = (await project.deploy(db)).databases;
  assert.equal([again?.outcome, again?.recovered], ["nothing", true]);
  assert.equal(await db.query("SELECT amount FROM orders"), [{ amount: 2 }]);
});

deploys("takes its time, whatever the role's sessions may take, and reads what others commit", async () => {
  const project = await StageProject.create(ROOT, { ledger: "schema" });
  await project.version("1.1.0", ["UPDATE orders SET amount = length(pg_sleep(0.4)::text)"]);
  const db = await project.stage("1.0.0", "INSERT INTO orders VALUES (1, 1)");
  const role = `hurried_${process.pid}`;
  await db.query(`
    CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'only-for-this-test';
    ALTER ROLE ${role} SET default_transaction_isolation = serializable;
    ALTER ROLE ${role} SET statement_timeout = '200ms'; ALTER ROLE ${role} SET transaction_timeout = '200ms';
    ALTER ROLE ${role} SET idle_session_timeout = '200ms';
    CREATE FUNCTION wovtool.look() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN ASSERT current_setting('transaction_isolation') = 'read committed'; RETURN NEW; END $$;
    CREATE TRIGGER look BEFORE INSERT ON wovtool.applied FOR EACH ROW EXECUTE FUNCTION wovtool.look()`);
  const login = as(db, { user: role, password: "only-for-this-test" });
  assert.is((await project.deploy(login, { rehearse: true })).databases[0]?.outcome, "applied");
  assert.equal(await db.query("SELECT amount FROM orders"), [{ amount: 0 }]);
});

deploys.run();

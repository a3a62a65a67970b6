import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, DatabaseError, StoppedError } from "#src/errors.js";
import { connect, withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, type TestDatabase, urlOf } from "../support/server.js";
import { startPooler } from "./pooler.js";
import { appliedTo, as, inLedger, StageProject } from "./project.js";

const ROOT = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer)";
const made: { shop?: StageProject } = {};

/** 1.1.0 adds a column; 1.2.0 fills it and makes an index outside of the transaction; 1.3.0 needs amounts to be there. */
function shop(): StageProject {
  if (made.shop === undefined) throw new Error("not made yet");
  return made.shop;
}

async function deploysOf(db: TestDatabase): Promise<unknown[]> {
  const rows = await inLedger(db, "SELECT outcome FROM wovtool.deploy WHERE database = $1 ORDER BY number");
  return rows.map(({ outcome }) => outcome);
}

const deploys = suite("deploy");

deploys.before(async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text"]);
  await project.version("1.2.0", [
    "UPDATE orders SET note = coalesce(note, '') || 'x'",
    "CREATE INDEX CONCURRENTLY orders_note ON orders (note)",
  ]);
  await project.version("1.3.0", [
    "ALTER TABLE orders ALTER COLUMN amount SET NOT NULL",
    "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(amount) FROM orders'",
  ]);
  made.shop = project;
});

deploys(
  "loads an empty database at once, records every version, and has nothing to do the second time",
  async () => {
    const db = await freshDatabase();
    const [first] = (await shop().deploy(db, { pver: "1.1.0", rehearse: true })).databases;
    assert.is(first?.outcome, "applied");
    assert.is(first?.rehearsed, true);
    assert.equal(first?.versions, ["1.0.0", "1.1.0"]);
    assert.equal(
      await inLedger(db, "SELECT version, how FROM wovtool.applied WHERE database = $1 ORDER BY number"),
      [
        { version: "1.0.0", how: "loaded" },
        { version: "1.1.0", how: "loaded" },
      ],
    );
    const [second] = (await shop().deploy(db, { pver: "1.1.0" })).databases;
    assert.is(second?.outcome, "nothing");
  },
);

deploys("fills the materialized views of a schema that it loads, so that they can be read", async () => {
  const project = await StageProject.create(
    `${ROOT}; CREATE MATERIALIZED VIEW amounts AS SELECT count(amount) AS count FROM orders;
     CREATE MATERIALIZED VIEW total AS SELECT sum(count) FROM amounts`,
  );
  await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text"]);
  const db = await project.stage("1.1.0");
  assert.equal(await db.query("SELECT sum::integer FROM total"), [{ sum: 0 }]);
});

deploys("applies delta by delta where one of them writes rows, which no archived schema holds", async () => {
  const db = await freshDatabase();
  await shop().deploy(db);
  assert.equal(
    await inLedger(db, "SELECT version, how FROM wovtool.applied WHERE database = $1 ORDER BY number"),
    [
      { version: "1.0.0", how: "loaded" },
      { version: "1.1.0", how: "applied" },
      { version: "1.2.0", how: "applied" },
      { version: "1.3.0", how: "applied" },
    ],
  );
});

deploys("believes a baseline only when the schema is that version's", async () => {
  const db = await freshDatabase(`${ROOT}; ALTER TABLE orders ADD COLUMN note text`);
  assert.is((await thrownBy(BlockedError, shop().deploy(db))).code, "NO_BASELINE");
  const wrong = await thrownBy(BlockedError, shop().deploy(db, { baseline: "1.0.0" }));
  assert.is(wrong.code, "NOT_THE_BASELINE");
  assert.match(wrong.message, "column note added");
  assert.equal(await appliedTo(db), []);
  await shop().deploy(db, { baseline: "1.1.0" });
  assert.equal(await appliedTo(db), ["1.2.0", "1.3.0"]);
  // Put back to an older state, of which the ledger knows nothing.
  await db.query(
    "DROP INDEX orders_note; DROP FUNCTION total(); ALTER TABLE orders ALTER COLUMN amount DROP NOT NULL",
  );
  const restored = await thrownBy(BlockedError, shop().deploy(db));
  assert.is(restored.code, "DRIFT");
  assert.match(restored.hint ?? "", "wov-deploy shopdb --stage local --baseline 1.1.0");
  const events = await inLedger(db, "SELECT event FROM wovtool.log WHERE database = $1 ORDER BY number");
  assert.equal(
    events.map(({ event }) => event),
    ["baseline", "deployed", "deployed"],
  );
});

deploys("names what has drifted and goes no further, unless that is accepted", async () => {
  const db = await shop().stage("1.0.0");
  await db.query("CREATE TABLE by_hand (id integer)");
  const error = await thrownBy(BlockedError, shop().deploy(db, { pver: "1.1.0" }));
  assert.is(error.code, "DRIFT");
  assert.match(error.message, /added\s+table\s+public\.by_hand/);
  assert.match(error.hint ?? "", "--accept-drift");
  // The stage's name alone would lead the commands of the hint to another database.
  assert.match(
    error.hint ?? "",
    new RegExp(`each of these commands.*\n  --url postgres://USER@.*/${db.name}$`),
  );
  assert.equal(await appliedTo(db), ["1.0.0"]);
  const [outcome] = (await shop().deploy(db, { pver: "1.1.0", acceptDrift: true })).databases;
  assert.is(outcome?.outcome, "applied");
  assert.match(outcome?.notes.join() ?? "", "by_hand");
  assert.is((await db.query("SELECT note FROM orders, by_hand")).length, 0);
});

deploys("shows a plan that touches nothing, and applies that plan or none", async () => {
  const db = await shop().stage("1.0.0");
  const [planned] = (await shop().deploy(db, { plan: true })).databases;
  assert.is(planned?.outcome, "planned");
  assert.is(planned?.transactions, 2);
  const index = planned?.statements.find(({ version }) => version === "1.2.0")?.statements[1];
  assert.is(index?.outsideTransaction, true);
  assert.equal(await appliedTo(db), ["1.0.0"]);
  await shop().deploy(db, { pver: "1.1.0" });
  const stale = await thrownBy(BlockedError, shop().deploy(db, { planId: planned?.plan ?? "" }));
  assert.is(stale.code, "OTHER_PLAN");
  const [again] = (await shop().deploy(db, { plan: true })).databases;
  assert.is((await shop().deploy(db, { planId: again?.plan ?? "" })).databases[0]?.outcome, "applied");
});

deploys(
  "takes everything back when a statement fails that no rehearsal could see, and says which",
  async () => {
    const db = await shop().stage("1.2.0", "INSERT INTO orders VALUES (1, NULL)");
    const error = await thrownBy(BlockedError, shop().deploy(db, { rehearse: true }));
    assert.is(error.code, "STATEMENT_FAILED");
    assert.match(error.where ?? "", /1\.3\.0\.deltas:1$/);
    assert.match(error.message, "ALTER COLUMN amount SET NOT NULL");
    assert.equal(await deploysOf(db), ["applied", "failed"]);
    await db.query("UPDATE orders SET amount = 0");
    await shop().deploy(db);
    assert.equal((await appliedTo(db)).at(-1), "1.3.0");
  },
);

deploys("says of a rehearsal that fails for want of rows that a stage may have them", async () => {
  const project = await StageProject.create(
    `${ROOT}; CREATE TABLE lines (of integer NOT NULL REFERENCES orders)`,
  );
  await project.archive("1.1.0", "1.0.0", "INSERT INTO lines VALUES (1);\n");
  const db = await project.stage("1.0.0", "INSERT INTO orders VALUES (1, 0)");
  const error = await thrownBy(BlockedError, project.deploy(db, { rehearse: true }));
  assert.is(error.code, "REHEARSAL_FAILED");
  assert.match(error.hint ?? "", /^A shadow has no rows but those [\s\S]*\n {2}--no-rehearse$/);
  await project.deploy(db);
  assert.equal(await db.query("SELECT of FROM lines"), [{ of: 1 }]);
});

deploys("stops partway where the statements leave no other choice, and goes on from there", async () => {
  const db = await shop().stage("1.1.0", "INSERT INTO orders VALUES (1, NULL)");
  const error = await thrownBy(StoppedError, shop().deploy(db));
  assert.is(error.exitStatus, 5);
  assert.match(error.where ?? "", /1\.3\.0\.deltas:1$/);
  assert.equal(await deploysOf(db), ["applied", "stopped"]);
  assert.equal(
    await inLedger(
      db,
      "SELECT version, partial_version, partial_statements FROM wovtool.database WHERE name = $1",
    ),
    [{ version: "1.1.0", partial_version: "1.2.0", partial_statements: 2 }],
  );
  const elsewhere = await thrownBy(BlockedError, shop().deploy(db, { pver: "1.1.0" }));
  assert.is(elsewhere.code, "STOPPED_ELSEWHERE");
  await db.query("UPDATE orders SET amount = 0");
  await shop().deploy(db);
  assert.equal(await db.query("SELECT note FROM orders"), [{ note: "x" }]);
  assert.equal((await appliedTo(db)).slice(-2), ["1.2.0", "1.3.0"]);
});

deploys("clears up an index that a killed deploy left half made", async () => {
  const db = await shop().stage("1.1.0", "INSERT INTO orders VALUES (1, 1)");
  // Holds the index up in the middle: it is there, and not valid.
  const reader = await connect(db.connection);
  await reader.query("BEGIN");
  await reader.query("INSERT INTO orders VALUES (2, 2)");
  const building = shop().deploy(db, { lockTimeout: 60 });
  const lost = thrownBy(StoppedError, building);
  await withClient({ ...db.connection }, async (client) => {
    const waiting =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'";
    while ((await client.query(waiting)).rowCount === 0);
  });
  assert.is((await lost).code, "DEPLOY_INTERRUPTED");
  await reader.query("COMMIT");
  await reader.end();
  const state = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_note'::regclass";
  assert.equal(await db.query(state), [{ indisvalid: false }]);
  const [outcome] = (await shop().deploy(db)).databases;
  assert.is(outcome?.recovered, true);
  assert.equal(await db.query(state), [{ indisvalid: true }]);
  assert.equal(await db.query("SELECT note FROM orders ORDER BY id"), [{ note: "x" }, { note: null }]);
});

deploys("gives up after some attempts at a lock, and changes nothing", async () => {
  const db = await shop().stage("1.0.0");
  const reader = await connect(db.connection);
  await reader.query("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE");
  const error = await thrownBy(
    BlockedError,
    shop().deploy(db, { pver: "1.1.0", lockTimeout: 0.05, attempts: 2 }),
  );
  assert.is(error.code, "LOCK_NOT_AVAILABLE");
  assert.match(error.message, "2 attempts");
  assert.match(
    error.hint ?? "",
    /Tables are locked by\n {2}wovtools \(process \d+ of the server, role \w+, since .*\): orders\n/,
  );
  // Freed before the second attempt, it goes through.
  const freed: Promise<unknown>[] = [];
  await shop().deploy(db, {
    pver: "1.1.0",
    lockTimeout: 0.05,
    progress: (doing) => {
      if (doing.includes("attempt 2")) freed.push(reader.query("ROLLBACK"));
    },
    attempts: 30,
  });
  await Promise.all(freed);
  await reader.end();
  assert.equal(await appliedTo(db), ["1.0.0", "1.1.0"]);
});

deploys("names who holds the lock", async () => {
  const db = await shop().stage("1.0.0");
  const reader = await connect(db.connection);
  await reader.query("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE");
  let tellWaiting = () => {};
  const waiting = new Promise<void>((resolve) => (tellWaiting = resolve));
  const first = shop().deploy(db, {
    pver: "1.1.0",
    lockTimeout: 0,
    progress: (doing) => doing.includes("1.1.0.deltas") && tellWaiting(),
  });
  await waiting;
  const error = await thrownBy(BlockedError, shop().deploy(db, { pver: "1.1.0", wait: 0 }));
  assert.is(error.code, "DEPLOY_LOCKED");
  assert.match(error.message, /wovtools deploy by .+@.+ \(process \d+ of the server, role postgres/);
  await reader.end();
  await first;
});

deploys("is done once where twenty are started together", async () => {
  const db = await shop().stage("1.0.0", "INSERT INTO orders VALUES (1, 1)");
  const all = await Promise.all(Array.from({ length: 20 }, () => shop().deploy(db, { wait: 600 })));
  const outcomes = all.map(({ databases }) => databases[0]?.outcome).sort();
  assert.equal(outcomes, ["applied", ...Array<string>(19).fill("nothing")]);
  assert.equal(await appliedTo(db), ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]);
  assert.equal(await db.query("SELECT note FROM orders"), [{ note: "x" }]);
});

deploys("says which right is missing", async () => {
  const db = await shop().stage("1.0.0");
  const role = `reader_${process.pid}`;
  await db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'only-for-this-test' IN ROLE pg_read_all_data`);
  const login = as(db, { user: role, password: "only-for-this-test" });
  const ledger = await thrownBy(DatabaseError, shop().deploy(login, { pver: "1.1.0" }));
  assert.is(ledger.code, "NO_RIGHT_FOR_LEDGER");
  const inLedgerDatabase = (sql: string) =>
    withClient({ ...db.connection, database: "wovtool" }, (client) => client.query(sql));
  await inLedgerDatabase(
    `GRANT USAGE ON SCHEMA wovtool TO ${role}; GRANT ALL ON wovtool.database, wovtool.log, wovtool.deploy, wovtool.intent TO ${role}`,
  );
  // What would be missed only after a commit is missed before anything is done.
  const some = await thrownBy(DatabaseError, shop().deploy(login, { pver: "1.1.0" }));
  assert.is(some.code, "NO_RIGHT_FOR_LEDGER");
  await inLedgerDatabase(`GRANT ALL ON ALL TABLES IN SCHEMA wovtool TO ${role}`);
  await db.query(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
  const readOnly = await thrownBy(DatabaseError, shop().deploy(login, { pver: "1.1.0" }));
  assert.is(readOnly.code, "READ_ONLY_SESSION");
  assert.match(readOnly.hint ?? "", `ALTER ROLE "${role}" RESET default_transaction_read_only;`);
  assert.is((await shop().deploy(login, { pver: "1.1.0", plan: true })).databases[0]?.outcome, "planned");
  await db.query(`ALTER ROLE ${role} RESET default_transaction_read_only`);
  const statement = await thrownBy(DatabaseError, shop().deploy(login, { pver: "1.1.0" }));
  assert.is(statement.code, "NO_RIGHT_FOR_STATEMENT");
  assert.match(statement.message, "must be owner of table orders");
  assert.match(statement.where ?? "", /1\.1\.0\.deltas:1$/);
});

for (const mode of ["transaction", "statement"] as const) {
  deploys(`finds a pooler in ${mode} mode out before anything is done`, async () => {
    const db = await shop().stage("1.0.0");
    const pooler = await startPooler(db.connection, mode);
    const through = { url: urlOf({ ...db.connection, host: "127.0.0.1", port: pooler.port }) };
    const error = await thrownBy(DatabaseError, shop().deploy(through, { pver: "1.1.0" }));
    await pooler.stop();
    assert.is(error.code, "TRANSACTION_POOLER");
    assert.match(error.message, "transaction or statement mode");
    assert.equal(await appliedTo(db), ["1.0.0"]);
  });
}

deploys("says that the server went away, and what was not committed is gone", async () => {
  const db = await shop().stage("1.0.0");
  const reader = await connect(db.connection);
  await reader.query("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE");
  const cut: Promise<unknown>[] = [];
  const error = await thrownBy(
    DatabaseError,
    shop().deploy(db, {
      pver: "1.1.0",
      lockTimeout: 0,
      progress: (doing) => {
        if (!doing.includes("1.1.0.deltas")) return;
        const terminate =
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'wovtools deploy%'";
        cut.push(reader.query(terminate));
      },
    }),
  );
  await Promise.all(cut);
  await reader.end();
  assert.is(error.code, "SERVER_LOST");
  await shop().deploy(db, { pver: "1.1.0" });
  assert.equal(await appliedTo(db), ["1.0.0", "1.1.0"]);
});

deploys("goes by the schema where the server cannot say what became of a transaction", async () => {
  const [root, next] = [shop().versions.get("1.0.0"), shop().versions.get("1.1.0")];
  const meant = { version: "1.1.0", versionId: next?.id, deltas: next?.deltas, how: "applied", tookMs: 1 };
  for (const at of ["1.0.0", "1.1.0"]) {
    const db = await shop().stage(at);
    // As if the data had been restored on another server after a deploy died between its commit and the ledger.
    await withClient({ ...db.connection, database: "wovtool" }, async (client) => {
      await client.query("DELETE FROM wovtool.applied WHERE database = $1 AND version = '1.1.0'", [db.name]);
      await client.query("UPDATE wovtool.database SET version = '1.0.0', version_id = $2 WHERE name = $1", [
        db.name,
        root?.id,
      ]);
      await client.query(
        `INSERT INTO wovtool.intent (deploy, database, system_identifier, xid, progress)
         SELECT number, database, 'another', '700', $2 FROM wovtool.deploy WHERE database = $1`,
        [db.name, { completed: [meant], partial: null, finishes: true }],
      );
    });
    const [outcome] = (await shop().deploy(db, { pver: "1.1.0" })).databases;
    assert.is(outcome?.recovered, true);
    assert.is(outcome?.outcome, at === "1.0.0" ? "applied" : "nothing");
    assert.equal(await appliedTo(db), ["1.0.0", "1.1.0"]);
  }
});

deploys.run();

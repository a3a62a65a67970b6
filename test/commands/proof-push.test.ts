/** Archiving proves first: what is refused, what is noted, and that nothing is left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, check, init, log, pushDb, status } from "#src/index.js";
import { connect, withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, testServer } from "../support/server.js";
import {
  ADD_MAIL,
  ADD_NOTE,
  commandsIn,
  endedWith,
  HISTORY,
  inShop,
  jsonOf,
  PENDING,
  type Shop,
} from "./support.js";

/** The shadows that are on the test server now; other tests run at the same time. */
async function shadows(): Promise<string[]> {
  return withClient(await testServer(), async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE starts_with(datname, 'wov_shadow_')",
    );
    return rows.map(({ datname }) => datname);
  });
}

/** Waits until a session of some shadow waits for a lock. @returns the shadow's name */
async function blockedShadow(): Promise<string> {
  return withClient(await testServer(), async (client) => {
    for (;;) {
      const { rows } = await client.query<{ datname: string }>(
        `SELECT datname FROM pg_stat_activity
         WHERE starts_with(datname, 'wov_shadow_') AND wait_event_type = 'Lock' AND query LIKE '%pg_shdescription%'`,
      );
      if (rows[0] !== undefined) return rows[0].datname;
    }
  });
}

/** Statements in which a shadow waits for the test: they read a catalog that it has locked. */
const WAITING = "SELECT count(*) FROM pg_catalog.pg_shdescription;\n";

/** Locks what `WAITING` reads, until what is returned is called. */
async function lockCatalog(): Promise<() => Promise<void>> {
  const client = await connect(await testServer());
  await client.query("BEGIN; LOCK TABLE pg_catalog.pg_shdescription IN ACCESS EXCLUSIVE MODE");
  return () => client.end();
}

async function archivedNothing(shop: Shop, head: string): Promise<void> {
  assert.is(await shop.project.git("rev-parse", "HEAD"), head);
  assert.equal(await shop.versions(), ["1.0.0 < null"]);
  assert.equal([...new Set(await shop.ledger())], ["archived 1.0.0"]);
}

const refused = suite("archiving without a proof");

refused(
  "is refused with what the deltas miss and what they do beyond the database, and the commands that mend it",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    const head = await shop.project.git("rev-parse", "HEAD");
    await shop.db.query(
      `${ADD_NOTE}CREATE VIEW names AS SELECT name FROM customers; DROP TABLE IF EXISTS nothing;`,
    );
    await shop.project.write(
      PENDING,
      "ALTER TABLE orders ADD COLUMN nota text;\nCREATE TABLE more (id integer);\n",
    );
    const ended = endedWith(1, await shop.project.command("wov-push-db", []));
    assert.is(
      ended.stderr,
      `error The pending deltas of shopdb do not lead from 1.0.0 to the schema that it has on local.
Done in the database, and not by them:
  added    view   public.names
  changed  table  public.orders
           column note added: note text
Done by them, and not in the database:
  added    table  public.more
  changed  table  public.orders
           column nota added: nota text
  wovtools/db/shopdb.deltas
  Have written what is missing:
    wov-db shopdb --wdb-deltas
  or write it yourself:
    wov-db shopdb --wdb-edit
  or archive it unproven, which the history then says:
    wov-push-db shopdb --no-proof
`,
    );
    const error = await jsonOf(shop, "error", ["wov-push-db"], { status: 1 });
    assert.match(JSON.stringify(error), '"code":"NOT_PROVEN"');
    await archivedNothing(shop, head);
    assert.match((await shop.read(PENDING)) ?? "", "nota");
  }),
);

refused(
  "is refused for deltas that the database has not had, which --check says before",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    const head = await shop.project.git("rev-parse", "HEAD");
    await shop.project.write(PENDING, ADD_NOTE);
    const { databases } = await check({ cwd: shop.root });
    const [blocker] = databases[0]?.blockers ?? [];
    assert.is(blocker?.state, "pendingDeltas");
    assert.match(blocker?.message ?? "", "has the schema of 1.0.0, as if they had not been applied.");
    const [apply = ""] = commandsIn(blocker?.hint ?? "");
    assert.is(apply, "wov-db shopdb -f wovtools/db/shopdb.deltas");
    const error = await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.is(error.code, "NOT_PROVEN");
    assert.is(commandsIn(error.hint ?? "")[0], apply);
    await archivedNothing(shop, head);
    // What it says mends it.
    endedWith(0, await shop.project.run("bash", ["-c", apply]));
    const { databases: now } = await check({ cwd: shop.root });
    assert.not.match(now[0]?.blockers.find(({ state }) => state === "pendingDeltas")?.message ?? "", "as if");
    await pushDb({ cwd: shop.root });
    assert.equal(await shop.versions(), ["1.0.0 < null", "1.1.0 < 1.0.0"]);
  }),
);

refused(
  "names the statement that the shadow refuses, with its line",
  inShop(async (shop) => {
    await shop.db.query(ADD_NOTE + ADD_MAIL);
    await shop.project.write(PENDING, `${ADD_NOTE}\n-- Again.\n${ADD_NOTE}${ADD_MAIL}`);
    const error = await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.is(error.code, "NOT_PROVEN");
    assert.is(error.where, `${PENDING}:4`);
    assert.match(error.message, 'column "note" of relation "orders" already exists');
    assert.match(error.message, "ALTER TABLE orders ADD COLUMN note text");
  }),
);

refused(
  "leaves all databases alone where one of them is not proven",
  inShop(async (shop) => {
    const cwd = shop.root;
    const stock = await freshDatabase("CREATE TABLE items (id integer PRIMARY KEY)");
    await init({ cwd, database: "stockdb", from: stock.url });
    await shop.project.commitAll("Another database");
    await pushDb({ cwd, databases: ["stockdb"], snapshot: "initial" });
    await shop.setVersion("1.1.0");
    await shop.change(ADD_NOTE);
    await stock.query("ALTER TABLE items ADD COLUMN name text");
    await shop.project.write("wovtools/db/stockdb.deltas", "ALTER TABLE items ADD COLUMN title text;\n");
    const head = await shop.project.git("rev-parse", "HEAD");
    for (const databases of [undefined, ["stockdb", "shopdb"]]) {
      const error = await thrownBy(BlockedError, pushDb({ cwd, databases }));
      assert.match(error.message, "The pending deltas of stockdb do not lead from 1.0.0");
      await archivedNothing(shop, head);
      assert.is(await shop.read(PENDING), ADD_NOTE);
    }
  }),
);

refused(
  "is refused where the database was changed while it was proven",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    const head = await shop.project.git("rev-parse", "HEAD");
    await shop.db.query(ADD_NOTE);
    await shop.project.write(PENDING, WAITING + ADD_NOTE);
    const release = await lockCatalog();
    const archiving = thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    await blockedShadow();
    await shop.db.query(ADD_MAIL);
    await release();
    const error = await archiving;
    assert.is(error.code, "DATABASE_CHANGED");
    assert.equal(commandsIn(error.hint ?? ""), ["wov-push-db shopdb"]);
    await archivedNothing(shop, head);
  }),
);

refused.run();

const shadow = suite("the shadow of a proof");

/** Waits until the server has seen that a process which used a shadow is gone. */
async function abandoned(name: string): Promise<void> {
  await withClient(await testServer(), async (client) => {
    for (;;) {
      const { rowCount } = await client.query(
        `SELECT FROM pg_locks WHERE locktype = 'advisory'
         AND objid = (hashtext($1)::bigint & x'ffffffff'::bigint)::oid`,
        [name],
      );
      if (rowCount === 0) return;
    }
  });
}

shadow(
  "is gone after every proof, and one that a killed proof left is dropped by the next",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    const head = await shop.project.git("rev-parse", "HEAD");
    await shop.db.query(ADD_NOTE);
    await shop.project.write(PENDING, WAITING + ADD_NOTE);
    const release = await lockCatalog();
    const program = join(shop.root, "node_modules/.bin/wov-push-db");
    const child = spawn(program, [], { cwd: shop.root, stdio: "ignore" });
    const name = await blockedShadow();
    child.kill("SIGKILL");
    await once(child, "exit");
    await release();
    await archivedNothing(shop, head);
    assert.equal(await shop.status(), ["?? wovtools/db/shopdb.deltas"]);
    await abandoned(name);
    // From here on whoever makes a shadow on this server drops it, which may be another file's test.
    await shop.project.write(PENDING, "ALTER TABLE orders ADD COLUMN nota text;\n");
    await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.not.ok((await shadows()).includes(name), "the next run drops it, though it archives nothing");
    await shop.project.write(PENDING, ADD_NOTE);
    await pushDb({ cwd: shop.root });
    assert.equal(await shop.versions(), ["1.0.0 < null", "1.1.0 < 1.0.0"]);
  }),
);

shadow.run();

const overruled = suite("archiving with --no-proof");

overruled(
  "is noted in the history under the chain of ids, and shown by every command that shows versions",
  inShop(async (shop) => {
    const { cwd } = { cwd: shop.root };
    await shop.setVersion("1.1.0");
    await shop.project.write(PENDING, ADD_NOTE);
    const ended = endedWith(0, await shop.project.command("wov-push-db", ["--no-proof"]));
    assert.match(ended.stdout, /^archived shopdb 1\.1\.0 after 1\.0\.0 {2}\(not proven, commit /);
    assert.match((await shop.read(HISTORY)) ?? "", '"proven": false');
    const { databases } = await log({ cwd });
    assert.equal(
      databases[0]?.versions.map(({ proven }) => proven),
      [true, false],
    );
    assert.match(
      endedWith(0, await shop.project.command("wov-push-db", ["--log"])).stdout,
      /1\.1\.0 .* not proven$/m,
    );
    await jsonOf(shop, "status", ["wov", "status"]);
    assert.equal((await status({ cwd })).databases[0]?.unproven, ["1.1.0"]);
    assert.match(
      endedWith(0, await shop.project.command("wov", ["status"])).stdout,
      "archived without proof: 1.1.0",
    );
    // What follows is proven from the schema that was archived.
    await shop.project.write(PENDING, ADD_MAIL);
    await shop.db.query(ADD_MAIL);
    await pushDb({ cwd });
    assert.equal((await status({ cwd })).databases[0]?.unproven, ["1.1.0"]);
    const history = (await shop.read(HISTORY)) ?? "";
    await shop.project.write(HISTORY, history.replace('"proven": false', '"proven": true'));
    const forged = endedWith(4, await shop.project.command("wov-push-db", ["--log"]));
    assert.match(forged.stderr, /1\.1\.0/);
  }),
);

overruled.run();

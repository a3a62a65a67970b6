/** Deltas and object scripts in one deploy. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { woImport } from "#src/commands/wo/import.js";
import { BlockedError, StoppedError } from "#src/errors.js";
import { withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase, type TestDatabase, urlOf } from "../support/server.js";
import { inLedger, StageProject } from "./project.js";

const ORDERS = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer NOT NULL)";
const TOTALS = "CREATE VIEW totals AS SELECT sum(amount) AS total FROM orders;\n";
const TOTAL =
  "CREATE FUNCTION total() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT total::numeric FROM totals; END;\n";
const VIEW = "views/public.totals.sql";
const WIDER = "ALTER TABLE orders ALTER COLUMN amount TYPE bigint";

async function write(project: StageProject, path: string, text: string): Promise<void> {
  const file = join(project.paths.objects, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** A shop whose view, and the function over it, are scripts; and a stage of it. */
async function shop(): Promise<{ project: StageProject; stage: TestDatabase }> {
  const project = await StageProject.create(`${ORDERS}; ${TOTALS}; ${TOTAL}`);
  await write(project, VIEW, TOTALS);
  await write(project, "functions/public.total.sql", TOTAL);
  const stage = await freshDatabase();
  await project.deploy(stage);
  return { project, stage };
}

/** 1.1.0 alters the column that the view and the function depend on. */
async function widen(project: StageProject): Promise<void> {
  await project.dev.query("DROP FUNCTION total(); DROP VIEW totals");
  await project.dev.query(WIDER);
  await project.dev.query(TOTALS + TOTAL);
  await project.archive("1.1.0", "1.0.0", `${WIDER};\n`);
}

/** Another database with the same rows, at the same version by the ledger. */
async function copyOf({ name, connection }: TestDatabase, copy: string): Promise<void> {
  await withClient({ ...connection, database: "postgres" }, (client) =>
    client.query(`CREATE DATABASE "${copy}" TEMPLATE "${name}"`),
  );
  await withClient({ ...connection, database: "wovtool" }, (client) =>
    client.query(
      `INSERT INTO wovtool.database (name, version, version_id)
       SELECT $1, version, version_id FROM wovtool.database WHERE name = $2`,
      [copy, name],
    ),
  );
}

async function definition(db: TestDatabase): Promise<unknown> {
  return (await db.query("SELECT pg_get_viewdef('totals') AS sql"))[0]?.sql;
}

async function recorded(db: TestDatabase): Promise<unknown[]> {
  return (await db.query("SELECT po_id, po_path FROM wo_objects ORDER BY 1")).map(Object.values);
}

async function typeOfAmount(db: TestDatabase): Promise<unknown> {
  const rows = await db.query(
    "SELECT format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'amount'",
  );
  return rows[0]?.type;
}

const objects = suite("objects in a deploy");

objects("an empty database gets the archived schema and its bookkeeping, once", async () => {
  const { project, stage } = await shop();
  assert.equal(await recorded(stage), [
    ["function.public.total", "wovtools/db/shopdb/objects/functions/public.total.sql"],
    ["view.public.totals", "wovtools/db/shopdb/objects/views/public.totals.sql"],
  ]);
  const [again] = (await project.deploy(stage)).databases;
  assert.is(again?.outcome, "nothing");
});

objects("a delta alters a column under a view and a function, which are made again", async () => {
  const { project, stage } = await shop();
  await stage.query("INSERT INTO orders VALUES (1, 7)");
  await widen(project);
  const [planned] = (await project.deploy(stage, { plan: true })).databases;
  assert.equal(planned?.objects.map(({ action, id }) => `${action} ${id}`).sort(), [
    "remake function.public.total",
    "remake view.public.totals",
  ]);
  const [done] = (await project.deploy(stage, { planId: planned?.plan ?? "", rehearse: true })).databases;
  assert.is(done?.transactions, 1);
  assert.is(done?.rehearsed, true);
  assert.equal(done?.objects.map(({ action, id }) => `${action} ${id}`).sort(), [
    "remake function.public.total",
    "remake view.public.totals",
  ]);
  assert.equal(await stage.query("SELECT total() = 7 AS right"), [{ right: true }]);
  assert.is((await project.deploy(stage)).databases[0]?.outcome, "nothing");
});

objects("a changed view alone is a deploy, and counts in the plan's id", async () => {
  const { project, stage } = await shop();
  const [before] = (await project.deploy(stage, { plan: true })).databases;
  assert.is(before?.outcome, "nothing");
  await write(project, VIEW, TOTALS.replace("CREATE", "CREATE OR REPLACE").replace("sum", "1 + sum"));
  const [planned] = (await project.deploy(stage, { plan: true })).databases;
  assert.equal(
    planned?.objects.map(({ action, id }) => [action, id]),
    [["replace", "view.public.totals"]],
  );
  await write(project, VIEW, TOTALS.replace("CREATE", "CREATE OR REPLACE").replace("sum", "2 + sum"));
  const other = await thrownBy(BlockedError, project.deploy(stage, { planId: planned?.plan ?? "" }));
  assert.is(other.code, "OTHER_PLAN");
  const [done] = (await project.deploy(stage, { rehearse: true })).databases;
  assert.equal([done?.outcome, done?.from, done?.to, done?.versions], ["applied", "1.0.0", "1.0.0", []]);
  assert.match(String(await definition(stage)), "2 +");
  // It is no drift, though the archive has another view.
  assert.is((await project.deploy(stage)).databases[0]?.outcome, "nothing");
  assert.equal(
    (
      await inLedger(
        stage,
        "SELECT from_version, outcome FROM wovtool.deploy WHERE database = $1 ORDER BY number",
      )
    ).map(Object.values),
    [
      [null, "applied"],
      ["1.0.0", "applied"],
    ],
  );
});

objects(
  "a role that the archived schema names, and its script makes, need not be on the server",
  async () => {
    const role = `role_${randomBytes(6).toString("hex")}`;
    const grants = `GRANT SELECT ON totals TO ${role};\n`;
    const project = await StageProject.create(`${ORDERS}; ${TOTALS}; CREATE ROLE ${role}; ${grants}`);
    await write(project, VIEW, TOTALS);
    await write(project, `roles/${role}.sql`, `CREATE ROLE ${role} IN ROLE ${role}_base;\n${grants}`);
    await write(project, `roles/${role}_base.sql`, `CREATE ROLE ${role}_base;\n`);
    await project.dev.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    const stage = await freshDatabase();
    const [done] = (await project.deploy(stage)).databases;
    const made = done?.objects.filter(({ id }) => id.startsWith("role."));
    assert.equal(
      made?.map(({ action, id }) => [action, id]),
      [
        ["create", `role.${role}_base`],
        ["create", `role.${role}`],
      ],
    );
    const [may] = await stage.query(
      `SELECT has_table_privilege('${role}', 'totals', 'SELECT') AS read, pg_has_role('${role}', '${role}_base', 'MEMBER') AS member`,
    );
    assert.equal(may, { read: true, member: true });
    assert.is((await project.deploy(stage)).databases[0]?.outcome, "nothing");
  },
);

objects("a view changed by hand is drift, unless its script says the same", async () => {
  const { project, stage } = await shop();
  const changed = TOTALS.replace("CREATE", "CREATE OR REPLACE").replace("sum", "3 + sum");
  await stage.query(changed);
  const drift = await thrownBy(BlockedError, project.deploy(stage));
  assert.is(drift.code, "DRIFT");
  assert.match(drift.message, "public.totals");
  await write(project, VIEW, changed);
  await project.deploy(stage);
  assert.is((await project.deploy(stage)).databases[0]?.outcome, "nothing");
});

objects("a script that fails takes the deltas back, and says where", async () => {
  const { project, stage } = await shop();
  await widen(project);
  await write(project, VIEW, "CREATE VIEW totals AS\n  SELECT sum(amounts) AS total FROM orders;\n");
  const rehearsed = await thrownBy(BlockedError, project.deploy(stage, { rehearse: true }));
  assert.is(rehearsed.code, "REHEARSAL_FAILED");
  const failed = await thrownBy(BlockedError, project.deploy(stage));
  assert.is(failed.code, "OBJECT_SCRIPT_FAILED");
  assert.is(failed.where, `wovtools/db/shopdb/objects/${VIEW}:2`);
  assert.is(await typeOfAmount(stage), "integer");
  await write(project, VIEW, TOTALS);
  assert.is((await project.deploy(stage)).databases[0]?.to, "1.1.0");
});

objects("what was imported from the schema is taken over as it is, deltas or not", async () => {
  const project = await StageProject.create(
    `${ORDERS}; ${TOTALS}; ${TOTAL}; CREATE MATERIALIZED VIEW most AS SELECT max(amount) AS most FROM orders; CREATE INDEX ON most (most)`,
  );
  const [stage, late] = [await freshDatabase(), await freshDatabase()];
  for (const db of [stage, late]) await project.deploy(db);
  await woImport({ source: stage.url, dir: project.paths.objects, withoutTables: true, env: {} });
  await write(project, VIEW, TOTALS.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").replace("sum", "count"));
  const oid = (db: TestDatabase) => db.query("SELECT 'most'::regclass::oid");
  const before = [await oid(stage), await oid(late)];
  const taken = ["adopt function.public.total", "adopt materialized-view.public.most"];
  const shown = (one: { action: string; id: string }[] = []) =>
    one.map(({ action, id }) => `${action} ${id}`).sort();
  const [done] = (await project.deploy(stage)).databases;
  assert.equal(shown(done?.objects), [...taken, "replace view.public.totals"]);
  await project.dev.query("ALTER TABLE orders ADD COLUMN note text");
  await project.archive("1.1.0", "1.0.0", "ALTER TABLE orders ADD COLUMN note text;\n");
  const [later] = (await project.deploy(late)).databases;
  assert.equal(shown(later?.objects), [...taken, "replace view.public.totals"]);
  assert.equal([await oid(stage), await oid(late)], before);
  for (const db of [stage, late]) await project.deploy(db);
  assert.is((await project.deploy(late)).databases[0]?.outcome, "nothing");
});

objects("what deltas drop, and what is granted on what falls for them, is told before", async () => {
  const { project, stage } = await shop();
  const role = `role_${randomBytes(6).toString("hex")}`;
  await write(project, `roles/${role}.sql`, `CREATE ROLE ${role};\nGRANT SELECT ON totals TO ${role};\n`);
  await project.deploy(stage);
  await widen(project);
  await project.dev.query("DROP FUNCTION total()");
  await project.archive("1.2.0", "1.1.0", "DROP FUNCTION IF EXISTS total();\n");
  const shown = async (plan: boolean) => {
    const [one] = (await project.deploy(stage, { plan })).databases;
    return one?.objects.map(({ action, id }) => `${action} ${id}`).sort();
  };
  const all = [`grant role.${role}`, "remake function.public.total", "remake view.public.totals"];
  assert.equal(await shown(true), all);
  assert.equal(await shown(false), all);
  await stage.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

objects("what is taken over, and falls with another or under a delta, is told once", async () => {
  const project = await StageProject.create(`${ORDERS}; ${TOTALS}; ${TOTAL}`);
  const [stage, late] = [await freshDatabase(), await freshDatabase()];
  for (const db of [stage, late]) await project.deploy(db);
  await woImport({ source: stage.url, dir: project.paths.objects, withoutTables: true, env: {} });
  await widen(project);
  const shown = async (plan: boolean) => {
    const [one] = (await project.deploy(late, { plan })).databases;
    return one?.objects.map(({ action, id }) => `${action} ${id}`).sort();
  };
  const both = ["remake function.public.total", "remake view.public.totals"];
  assert.equal(await shown(true), both);
  assert.equal(await shown(false), both);
  // The server does not replace a view by one without its columns.
  await write(
    project,
    VIEW,
    "CREATE OR REPLACE VIEW totals AS SELECT 1 AS one, sum(amount) AS total FROM orders;\n",
  );
  const [done] = (await project.deploy(stage)).databases;
  assert.equal(done?.objects.map(({ action, id }) => `${action} ${id}`).sort(), both);
  assert.equal(await recorded(stage), await recorded(late));
});

objects("an older version leaves the objects as they are", async () => {
  const { project, stage } = await shop();
  await widen(project);
  await project.version("1.2.0", ["CREATE TABLE more (id integer)"]);
  await write(project, VIEW, TOTALS.replace("sum(amount)", "sum(amount) + 1"));
  const [done] = (await project.deploy(stage, { pver: "1.1.0", rehearse: true })).databases;
  assert.is(done?.to, "1.1.0");
  assert.match(done?.notes.join() ?? "", "the objects stay");
  assert.not.match(String(await definition(stage)), /1$|\+ 1/);
  await project.deploy(stage);
  assert.match(String(await definition(stage)), "+ ");
});

objects("an object that the archive has goes by deltas, not by its script's going", async () => {
  const { project, stage } = await shop();
  await write(project, "views/public.extra.sql", "CREATE VIEW extra AS SELECT 1 AS one;\n");
  await project.deploy(stage);
  await rm(join(project.paths.objects, "views/public.extra.sql"));
  const [gone] = (await project.deploy(stage)).databases;
  assert.equal(
    gone?.objects.map(({ action, id }) => [action, id]),
    [["drop", "view.public.extra"]],
  );
  await rm(join(project.paths.objects, "functions/public.total.sql"));
  const refused = await thrownBy(BlockedError, project.deploy(stage));
  assert.is(refused.code, "OBJECT_ARCHIVED");
  await project.version("1.1.0", ["DROP FUNCTION IF EXISTS total()"]);
  await project.deploy(stage);
  assert.equal(
    (await recorded(stage)).map((row) => (Array.isArray(row) ? row[0] : row)),
    ["view.public.totals"],
  );
});

objects("the databases of a fleet get the same, several at once", async () => {
  const { project, stage } = await shop();
  const prefix = `tenant_${randomBytes(4).toString("hex")}_`;
  const names = [0, 1, 2, 3].map((number) => `${prefix}${number}`);
  for (const name of names) await copyOf(stage, name);
  await widen(project);
  await write(project, VIEW, TOTALS.replace("sum(amount)", "sum(amount) + 5"));
  const fleet = { url: urlOf({ ...stage.connection, database: `${prefix}*` }) };
  const [last = ""] = names.slice(-1);
  const odd = { ...stage.connection, database: last };
  await withClient(odd, (client) => client.query("CREATE VIEW outside AS SELECT * FROM totals"));
  const { databases } = await project.deploy(fleet, { jobs: 3, acceptDrift: true });
  assert.equal(
    databases.map(({ outcome, error }) => [outcome, error?.code ?? null]),
    [...Array(3).fill(["applied", null]), ["failed", "OBJECT_NEEDED"]],
  );
  assert.match(databases.at(-1)?.error?.message ?? "", "view outside depends on view totals");
  for (const name of names.slice(0, 3)) {
    const database = { ...stage.connection, database: name };
    const text = await withClient(database, (client) =>
      client.query("SELECT pg_get_viewdef('totals') AS sql"),
    );
    assert.match(String(text.rows[0]?.sql), "+ ");
  }
  await withClient(odd, (client) => client.query("DROP VIEW outside"));
  const again = (await project.deploy(fleet, { jobs: 3 })).databases.map(({ outcome }) => outcome);
  assert.equal(again, ["nothing", "nothing", "nothing", "applied"]);
});

objects(
  "what falls for a path of several transactions is made again in the last, also after a stop",
  async () => {
    const { project, stage } = await shop();
    await stage.query("INSERT INTO orders VALUES (1, 7), (2, 7)");
    const index = "CREATE UNIQUE INDEX CONCURRENTLY by_amount ON orders (amount)";
    await project.dev.query("DROP FUNCTION total(); DROP VIEW totals");
    for (const sql of [WIDER, index, TOTALS + TOTAL]) await project.dev.query(sql);
    await project.archive("1.1.0", "1.0.0", `${WIDER};\n${index};\n`);
    const [planned] = (await project.deploy(stage, { plan: true })).databases;
    assert.match(
      planned?.notes.join() ?? "",
      "made again in the last: function.public.total, view.public.totals",
    );
    await thrownBy(StoppedError, project.deploy(stage));
    assert.is(await typeOfAmount(stage), "bigint");
    assert.equal(await stage.query("SELECT to_regclass('totals') AS view"), [{ view: null }]);
    await stage.query("UPDATE orders SET amount = 8 WHERE id = 2");
    const [done] = (await project.deploy(stage)).databases;
    assert.equal([done?.outcome, done?.to], ["applied", "1.1.0"]);
    assert.equal(await stage.query("SELECT total() = 15 AS right"), [{ right: true }]);
    assert.is((await project.deploy(stage)).databases[0]?.outcome, "nothing");
  },
);

objects(
  "a deploy that is killed among the object scripts has done nothing, and the next one does all",
  async () => {
    const { project, stage } = await shop();
    await widen(project);
    await write(project, "final/01-wait.sql", "SELECT pg_advisory_xact_lock(7);\n");
    const killed = await withClient(stage.connection, async (holder) => {
      await holder.query("SELECT pg_advisory_lock(7)");
      const child = spawn(
        process.execPath,
        [join(PACKAGE, "dist/cli/wov-deploy.js"), "--url", stage.url, "--no-rehearse", "--lock-timeout", "0"],
        { cwd: project.root, stdio: "ignore" },
      );
      const ended = once(child, "exit");
      while (child.exitCode === null) {
        const { rows } = await holder.query(
          "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted",
        );
        if (rows.length > 0) break;
      }
      child.kill("SIGKILL");
      return (await ended)[1];
    });
    assert.is(killed, "SIGKILL");
    assert.is(await typeOfAmount(stage), "integer");
    const [done] = (await project.deploy(stage)).databases;
    assert.equal([done?.outcome, done?.recovered, done?.to], ["applied", false, "1.1.0"]);
    assert.is(await typeOfAmount(stage), "bigint");
  },
);

objects.run();

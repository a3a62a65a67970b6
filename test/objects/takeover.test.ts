/** A database exactly as wo 2.2.1 leaves one is taken over; runs meet readers, other runs, and their own death. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { connect, withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE } from "../support/project.js";
import { actions, type Files, WoTree } from "./support.js";

/** One object of each of wo's ten kinds, and what wo's search by words makes each need. */
const SCRIPTS: Readonly<Record<string, readonly [id: string, script: string, needs: readonly string[]]>> = {
  "schemas/public.sql": ["schema.public", "create schema public;", []],
  "extensions/pg_trgm.sql": ["extension.pg_trgm", "create extension pg_trgm;", []],
  "types/public.mood.sql": [
    "type.public.mood",
    "create type mood as enum ('sad', 'happy');",
    ["schema.public"],
  ],
  "tables/public.table0.sql": [
    "table.public.table0",
    "create table table0 (\n    id bigserial primary key,\n    m mood\n);\n\n-- create indexes, as for view0\n",
    ["schema.public", "type.public.mood", "view.public.view0"],
  ],
  "tables/public.Table1.sql": [
    "table.public.table1",
    "create table table1 (id bigint primary key, t0_id bigint);\nalter table table1 enable row level security;\n",
    ["schema.public"],
  ],
  "views/public.view0.sql": [
    "view.public.view0",
    "create or replace view view0 as\nselect t0.id\nfrom table0 t0\njoin table1 t1 on t1.id = t0.id\n",
    ["schema.public", "table.public.table0", "table.public.table1"],
  ],
  "functions/public.touch.sql": [
    "function.public.touch",
    "create function touch() returns trigger language plpgsql as $$ begin return new; end $$;\nrevoke execute on function touch from public;\n",
    ["schema.public"],
  ],
  "constraints/public.table1.t0_id_fk.sql": [
    "constraint.public.table1.t0_id_fk",
    "alter table table1\nadd constraint t0_id_fk foreign key (t0_id) references table0 (id);\n",
    ["schema.public", "table.public.table0", "table.public.table1"],
  ],
  "triggers/public.table1.touched.sql": [
    "trigger.public.table1.touched",
    "create trigger touched before insert on table1 for each row execute function touch();\n",
    ["function.public.touch", "schema.public", "table.public.table1"],
  ],
  "policies/public.table1.policy1.sql": [
    "policy.public.table1.policy1",
    "create policy policy1\non public.table1;\n",
    ["schema.public", "table.public.table1"],
  ],
  "roles/role0.sql": [
    "role.{wo_role_prefix}role0",
    "create role {wo_role_prefix}role0;\ngrant usage on schema public to {wo_role_prefix}role0;\ngrant select on view0 to {wo_role_prefix}role0;\n",
    ["schema.public", "view.public.view0"],
  ],
};

const FILES: Files = Object.fromEntries(Object.entries(SCRIPTS).map(([path, [, script]]) => [path, script]));

/** Does by hand what `wo migrate` of 2.2.1 does to a new database. */
async function asWoLeavesIt(): Promise<WoTree> {
  const tree = await WoTree.create(FILES);
  const put = (text: string) => text.replaceAll("{wo_role_prefix}", tree.prefix);
  const rows = Object.entries(SCRIPTS).map(([path, [id, script, needs]]) => ({
    id: put(id),
    script: put(script),
    path: `${tree.env.WO_DIR}/${path}`,
    needs: [...needs],
  }));
  await withClient(tree.db.connection, async (client) => {
    for (const { id, script } of rows) if (id !== "schema.public") await client.query(script);
    await client.query(
      "create table if not exists wo_objects (po_id text primary key, po_md5 text, po_script text, po_path text, po_depends_on text[], po_required_by text[])",
    );
    await client.query("create table if not exists wo_migrations (pm_id text primary key)");
    for (const { id, script, path, needs } of rows) {
      const md5 = createHash("md5").update(script).digest("hex");
      const required = rows.filter((other) => other.needs.includes(id)).map((other) => other.id);
      await client.query("insert into wo_objects select $1, $2, $3, $4, $5, $6", [
        id,
        md5,
        script,
        path,
        needs,
        required,
      ]);
    }
    await client.query("insert into wo_migrations (pm_id) values ('')");
  });
  return tree;
}

const OBJECTS = `SELECT json_agg(o ORDER BY po_id)::text FROM wo_objects o`;
const CATALOG = `SELECT string_agg(c.oid::text || c.xmin::text, ',' ORDER BY c.oid) FROM
  (SELECT oid, xmin FROM pg_class UNION ALL SELECT oid, xmin FROM pg_proc UNION ALL SELECT oid, xmin FROM pg_policy
   UNION ALL SELECT oid, xmin FROM pg_trigger UNION ALL SELECT oid, xmin FROM pg_constraint) c`;

const takeover = suite("objects: a database of wo 2.2.1");

takeover("is taken over without a change", async () => {
  const tree = await asWoLeavesIt();
  const before = [await tree.value(OBJECTS), await tree.value(CATALOG)];
  assert.equal(actions(await tree.plan()), []);
  assert.is((await tree.migrate()).applied, false);
  assert.equal([await tree.value(OBJECTS), await tree.value(CATALOG)], before);
  await tree.remove();
});

takeover("goes on from there: a view, a policy, a migration, a role", async () => {
  const tree = await asWoLeavesIt();
  const { "views/public.view0.sql": view = "", "roles/role0.sql": role = "" } = FILES;
  await tree.migrate({
    "views/public.view0.sql": (view ?? "").replace("t0.id\n", "t0.id, t1.t0_id\n"),
    "policies/public.table1.policy1.sql": "create policy policy1 on public.table1 using (true);\n",
    "migrations/01.sql": "alter table table1 add column note text;\n",
    "tables/public.Table1.sql":
      "create table table1 (id bigint primary key, t0_id bigint, note text);\nalter table table1 enable row level security;\n",
    "roles/role0.sql": `${role}alter policy policy1 on table1 to {wo_role_prefix}role0;\n`,
  });
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations ORDER BY 1"), ["", "01.sql"]);
  assert.equal(await tree.values("SELECT roles::text FROM pg_policies"), [`{${tree.prefix}role0}`]);
  // wo took a word in a comment for a need. The row of a script that did not run stays as wo wrote it.
  assert.equal(await tree.value("SELECT po_required_by FROM wo_objects WHERE po_id = 'view.public.view0'"), [
    `role.${tree.prefix}role0`,
    "table.public.table0",
  ]);
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

takeover("a role that is on the server already does not fail the run", async () => {
  const tree = await WoTree.create(FILES);
  await tree.db.query(`CREATE ROLE ${tree.prefix}role0 LOGIN`);
  const result = await tree.migrate();
  assert.match(result.notes.join(), /role0 is on the server already/);
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}role0', 'view0', 'SELECT')`), true);
  assert.is(await tree.value(`SELECT rolcanlogin FROM pg_roles WHERE rolname = '${tree.prefix}role0'`), true);
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

takeover.run();

const others = suite("objects: readers, other runs, and the end of a run");

const GUARDED: Files = {
  "tables/public.t.sql":
    "CREATE TABLE t (id integer PRIMARY KEY);\nALTER TABLE t ENABLE ROW LEVEL SECURITY;\nALTER TABLE t FORCE ROW LEVEL SECURITY;\n",
  "roles/reader.sql":
    "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON t, v TO {wo_role_prefix}reader;\n",
};

/** The same table, view, function and policy under ever new scripts. */
const round = (number: number): Files => ({
  "functions/public.f.sql": `CREATE OR REPLACE FUNCTION f(a integer) RETURNS boolean LANGUAGE sql AS 'SELECT a > ${-number}';\n`,
  "views/public.v.sql": `CREATE OR REPLACE VIEW v WITH (security_invoker = ${number % 2 === 0}) AS SELECT id FROM t WHERE f(id) AND ${number} > -1;\n`,
  "policies/public.t.p.sql": `CREATE POLICY p ON t USING (f(id) OR id > ${-number});\n`,
});

others("a reader never finds a policy, a view or a function missing", async () => {
  const tree = await WoTree.create({ ...GUARDED, ...round(0) });
  await tree.migrate();
  await tree.db.query("INSERT INTO t SELECT generate_series(1, 3)");
  const reader = await connect(tree.db.connection);
  await reader.query(`SET ROLE ${tree.prefix}reader`);
  let done = false;
  let reads = 0;
  const reading = (async () => {
    for (; !done; reads++) {
      const { rows } = await reader.query("SELECT count(*)::int AS seen FROM v");
      assert.equal(rows, [{ seen: 3 }]);
      const direct = await reader.query("SELECT count(*)::int AS seen FROM t WHERE f(id)");
      assert.equal(direct.rows, [{ seen: 3 }]);
    }
  })();
  try {
    for (let number = 1; number <= 12; number++) {
      const before = reads;
      const { applied } = await tree.migrate(round(number));
      assert.ok(applied);
      // Each round is read through at least once before the next begins.
      while (reads <= before + 1) await Promise.race([reading, new Promise(setImmediate)]);
    }
  } finally {
    done = true;
    await reading;
    await reader.end();
  }
  assert.ok(reads > 12);
  await tree.remove();
});

others("SIGKILL in the middle leaves the database as it was", async () => {
  const tree = await WoTree.create({ ...GUARDED, ...round(0) });
  await tree.migrate();
  const state = `SELECT json_build_array((${OBJECTS}), (SELECT viewdef FROM pg_get_viewdef('v'::regclass) viewdef),
    (SELECT qual FROM pg_policies), (SELECT prosrc FROM pg_proc WHERE proname = 'f'))::text`;
  const before = await tree.value(state);
  // The last object of the run waits for a lock that this session holds, so the run stops there.
  const holder = await connect(tree.db.connection);
  await holder.query("SELECT pg_advisory_lock(42)");
  await tree.write({
    ...round(1),
    "views/public.z.sql": "CREATE VIEW z AS SELECT 1 AS x;\nSELECT pg_advisory_lock(42);\n",
  });
  const child = spawn(process.execPath, [`${PACKAGE}/dist/cli/wo.js`, "migrate"], {
    env: { ...process.env, ...tree.env },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`;
  let pid: unknown;
  while (pid === undefined) [pid] = (await holder.query(waiting)).rows.map((row) => row.pid);
  child.kill("SIGKILL");
  await ended;
  // The server notices that its client is gone, though what it waits for is not to be had.
  while ((await holder.query("SELECT FROM pg_stat_activity WHERE pid = $1", [pid])).rows.length > 0);
  await holder.end();
  assert.is(await tree.value(state), before);
  await tree.migrate({ "views/public.z.sql": null });
  assert.not.equal(await tree.value(state), before);
  await tree.remove();
});

others("two runs do not meet: the second waits, or says who is at work", async () => {
  const tree = await WoTree.create({ ...GUARDED, ...round(0) });
  const results = await Promise.all([tree.migrate(), tree.migrate(), tree.migrate()]);
  assert.is(results.filter(({ applied }) => applied).length, 1);
  const holder = await connect(tree.db.connection);
  await holder.query("SELECT pg_advisory_lock(0x776f76, 0x6465706c)");
  const error = await thrownBy(BlockedError, tree.migrate(round(1), { wait: 0 }));
  assert.is(error.code, "DEPLOY_LOCKED");
  assert.match(error.message, /process \d+ of the server/);
  await holder.end();
  await tree.remove();
});

others.run();

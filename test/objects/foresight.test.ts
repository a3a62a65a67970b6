/** What a plan says beforehand is what is done, and looking ahead changes nothing. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WoMigrateResult } from "#src/commands/results.js";
import { woMigrate } from "#src/commands/wo/migrate.js";
import { testServer, urlOf } from "../support/server.js";
import { actions, type Files, WoTree } from "./support.js";

const foresight = suite("objects: what is going to be done");

const FILES: Files = {
  "schemas/public.sql": "CREATE SCHEMA public;\n",
  "types/public.mood.sql": "CREATE TYPE mood AS ENUM ('sad');\n",
  "functions/public.f.sql": "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
  "tables/public.t.sql": "CREATE TABLE t (id integer);\n",
  "roles/there.sql": "CREATE ROLE {wo_role_prefix}there;\nGRANT SELECT ON t TO {wo_role_prefix}there;\n",
  "roles/made.sql": "CREATE ROLE {wo_role_prefix}made;\n",
  "roles/new.sql": "CREATE ROLE {wo_role_prefix}new;\n",
};

/** A tree for a database that is not there, on a server that knows one of its roles; `create/` makes another. */
async function forNewDatabase(options: string): Promise<{ tree: WoTree; env: WoTree["env"] }> {
  const tree = await WoTree.create(FILES);
  await tree.db.query(`CREATE ROLE ${tree.prefix}there`);
  await tree.write({
    "create/0.sql": `CREATE ROLE ${tree.prefix}made;\n`,
    "create/1.sql": `CREATE DATABASE "{database_name}" ${options};\n`,
  });
  const server = await testServer();
  const WO_CONNECTION_STRING = urlOf({ ...server, database: `${tree.prefix}new` });
  return { tree, env: { ...tree.env, WO_CONNECTION_STRING } };
}

/** Plans, migrates by that plan, and compares all that both tell. */
async function foreseen(env: WoTree["env"]): Promise<WoMigrateResult> {
  const plan = await woMigrate({ env, plan: true });
  const done = await woMigrate({ env, planId: plan.plan ?? "" });
  assert.equal({ ...done, applied: false }, plan);
  assert.is((await woMigrate({ env, plan: true })).plan, null);
  return plan;
}

foresight("a database that is not there: what it will have is taken as it is", async () => {
  const { tree, env } = await forNewDatabase("TEMPLATE template0");
  const plan = await foreseen(env);
  assert.equal(actions(plan), [
    "adopt schema.public",
    "create type.public.mood",
    "create table.public.t",
    "create function.public.f",
    `grant role.${tree.prefix}made`,
    `create role.${tree.prefix}new`,
    `grant role.${tree.prefix}there`,
  ]);
  await tree.db.query(`DROP DATABASE ${tree.prefix}new`);
  await tree.remove();
});

foresight("a database that is not there: initial/, and a template", async () => {
  const { tree, env } = await forNewDatabase("");
  await tree.write({
    "initial/1.sql": `${FILES["types/public.mood.sql"]}${FILES["functions/public.f.sql"]}`,
  });
  const plan = await foreseen(env);
  assert.equal(actions(plan).slice(0, 4), [
    "adopt schema.public",
    "adopt type.public.mood",
    "create table.public.t",
    "replace function.public.f",
  ]);
  const template = urlOf({ ...(await testServer()), database: `${tree.prefix}new` });
  await tree.write({ "create/1.sql": `CREATE DATABASE "{database_name}" TEMPLATE ${tree.prefix}new;\n` });
  const copied = { ...env, WO_CONNECTION_STRING: template.replace("_new?", "_copy?") };
  const again = await woMigrate({ env: copied, plan: true });
  assert.equal(actions(again), []);
  await tree.db.query(`DROP DATABASE ${tree.prefix}new`);
  await tree.remove();
});

foresight("a migration that makes a role is tried elsewhere than on the server", async () => {
  const tree = await WoTree.create({ "tables/public.t.sql": "CREATE TABLE t (id integer);\n" });
  await tree.migrate();
  const role = `${tree.prefix}by_migration`;
  const plan = await tree.plan({
    "migrations/1.sql": `CREATE ROLE ${role};\nALTER TABLE t ADD note text;\nGRANT SELECT ON t TO ${role};\n`,
    "tables/public.t.sql": "CREATE TABLE t (id integer, note text);\n",
  });
  assert.equal(plan.notes, []);
  assert.equal(await tree.values(`SELECT rolname FROM pg_roles WHERE rolname = '${role}'`), []);
  assert.equal(actions(await tree.migrate()), ["record table.public.t"]);
  await tree.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await tree.remove();
});

foresight("a migration under views: what falls is made again, and granted again, or goes", async () => {
  const tree = await WoTree.create({
    "tables/public.t.sql": "CREATE TABLE t (id integer);\n",
    "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id FROM t;\n",
    "views/public.b.sql": "CREATE VIEW b AS SELECT id FROM a;\n",
    "views/public.c.sql": "CREATE VIEW c AS SELECT id FROM b;\n",
    "roles/r.sql": "CREATE ROLE {wo_role_prefix}r;\nGRANT SELECT ON b TO {wo_role_prefix}r;\n",
  });
  await tree.migrate();
  await tree.write({
    "tables/public.t.sql": "CREATE TABLE t (id bigint);\n",
    "migrations/1.sql": "ALTER TABLE t ALTER COLUMN id TYPE bigint;\n",
    "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id, 1 AS one FROM t;\n",
    "views/public.c.sql": null,
  });
  const plan = await foreseen(tree.env);
  assert.equal(actions(plan), [
    "drop view.public.c",
    "record table.public.t",
    "remake view.public.a",
    "remake view.public.b",
    `grant role.${tree.prefix}r`,
  ]);
  assert.match(plan.steps.map(({ why }) => why).join(), "depends on what a migration alters");
  await tree.remove();
});

foresight.run();

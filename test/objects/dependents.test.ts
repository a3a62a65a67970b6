/** What falls with an object, and is made again; what changes its kind; what is needed in a circle. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { thrownBy } from "../support/errors.js";
import { actions, type Files, WoTree } from "./support.js";

const dependents = suite("objects: what falls, and is made again");

const T: Files = { "tables/public.t.sql": "CREATE TABLE t (id integer PRIMARY KEY, note text);\n" };

async function migrated(files: Files): Promise<WoTree> {
  const tree = await WoTree.create({ ...T, ...files });
  await tree.migrate();
  return tree;
}

/** What a change of files does, in the plan and in truth; afterwards there is nothing left to do. */
async function does(tree: WoTree, files: Files, planned: string[], done = planned): Promise<void> {
  const plan = await tree.plan(files);
  assert.equal(actions(plan), planned);
  const migrated = await tree.migrate({}, { planId: plan.plan ?? "" });
  assert.equal(actions(migrated), done);
  assert.is(migrated.plan, plan.plan);
  assert.is((await tree.migrate()).applied, false);
}

dependents("views upon views, whatever replaces the lowest", async () => {
  const tree = await migrated({
    "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id FROM t;\n",
    "views/public.b.sql": "CREATE OR REPLACE VIEW b AS SELECT id FROM a;\n",
    "views/public.c.sql": "CREATE VIEW c AS SELECT id FROM b;\n",
    "views/public.other.sql": "CREATE VIEW other AS SELECT id FROM t;\n",
  });
  await does(
    tree,
    { "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id, note FROM t;\n" },
    ["replace view.public.a", "remake? view.public.b", "remake? view.public.c"],
    ["replace view.public.a"],
  );
  await does(
    tree,
    { "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id::text AS id FROM t;\n" },
    ["replace view.public.a", "remake? view.public.b", "remake? view.public.c"],
    ["remake view.public.a", "remake view.public.b", "remake view.public.c"],
  );
  await does(
    tree,
    {
      "views/public.a.sql": "CREATE VIEW a AS SELECT id FROM t;\n",
      "views/public.c.sql": "CREATE VIEW c AS SELECT id, 1 AS one FROM b;\n",
    },
    ["remake view.public.a", "remake view.public.b", "remake view.public.c"],
  );
  await tree.remove();
});

dependents("a view stops using a function that goes", async () => {
  const tree = await migrated({
    "functions/public.f.sql": "CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
    "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT f(id) AS x FROM t;\n",
  });
  await does(
    tree,
    {
      "functions/public.f.sql": null,
      "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id AS x FROM t;\n",
    },
    ["replace view.public.a", "drop function.public.f"],
  );
  await tree.remove();
});

dependents("a migration drops a table, and the scripts of all that depends on it are gone", async () => {
  const tree = await migrated({
    "views/public.v.sql": "CREATE VIEW v AS SELECT id FROM t;\n",
    "policies/public.t.p.sql": "CREATE POLICY p ON t USING (EXISTS (SELECT FROM v));\n",
    "functions/public.f.sql": "CREATE FUNCTION f(t) RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
    "functions/public.f.drop.sql": "DROP FUNCTION f(t);\nCREATE SCHEMA dropped_by_script;\n",
  });
  await tree.migrate({
    "tables/public.t.sql": null,
    "views/public.v.sql": null,
    "policies/public.t.p.sql": null,
    "functions/public.f.sql": null,
    "migrations/1.sql": "DROP TABLE t;\n",
  });
  assert.equal(await tree.recorded(), []);
  assert.is(await tree.value("SELECT count(*)::int FROM pg_class WHERE relname IN ('t', 'v')"), 0);
  assert.ok(await tree.value("SELECT to_regnamespace('dropped_by_script')"));
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

dependents("an index of a materialized view, a trigger of a view, a policy of a function", async () => {
  const tree = await migrated({
    "functions/public.f.sql": "CREATE FUNCTION f(a integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';\n",
    "functions/public.touch.sql":
      "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n",
    "materialized-views/public.m.sql": "CREATE MATERIALIZED VIEW m AS SELECT id FROM t;\n",
    "indexes/public.m_id.sql": "CREATE INDEX m_id ON m (id);\n",
    "views/public.a.sql": "CREATE VIEW a AS SELECT id FROM t;\n",
    "triggers/public.a.instead.sql":
      "CREATE TRIGGER instead INSTEAD OF INSERT ON a FOR EACH ROW EXECUTE FUNCTION touch();\n",
    "policies/public.t.p.sql": "CREATE POLICY p ON t USING (f(id));\n",
  });
  await does(
    tree,
    { "materialized-views/public.m.sql": "CREATE MATERIALIZED VIEW m AS SELECT id FROM t WHERE id > 1;\n" },
    ["remake materialized-view.public.m", "remake index.public.m_id"],
  );
  await does(tree, { "views/public.a.sql": "CREATE VIEW a AS SELECT id, note FROM t;\n" }, [
    "remake view.public.a",
    "remake trigger.public.a.instead",
  ]);
  await does(
    tree,
    {
      "functions/public.f.sql":
        "CREATE FUNCTION f(a integer) RETURNS boolean LANGUAGE sql AS 'SELECT a > 1';\n",
    },
    ["remake function.public.f", "remake policy.public.t.p"],
  );
  const gone = { "views/public.a.sql": null, "triggers/public.a.instead.sql": null };
  await does(tree, gone, ["drop trigger.public.a.instead", "drop view.public.a"]);
  await tree.remove();
});

dependents("a view becomes a materialized view, and a function a procedure, of the same name", async () => {
  const tree = await migrated({
    "views/public.a.sql": "CREATE VIEW a AS SELECT id FROM t;\n",
    "views/public.b.sql": "CREATE VIEW b AS SELECT id FROM a;\n",
    "functions/public.f.sql": "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT';\n",
  });
  await does(
    tree,
    {
      "views/public.a.sql": null,
      "materialized-views/public.a.sql": "CREATE MATERIALIZED VIEW a AS SELECT id FROM t;\n",
      "functions/public.f.sql": null,
      "procedures/public.f.sql": "CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT';\n",
    },
    [
      "drop function.public.f",
      "drop view.public.a",
      "create procedure.public.f",
      "create materialized-view.public.a",
      "remake view.public.b",
    ],
  );
  await tree.remove();
});

dependents("a function that a table's default needs can be replaced, and not dropped", async () => {
  const f = (body: string, or = "OR REPLACE ") =>
    `CREATE ${or}FUNCTION f() RETURNS integer LANGUAGE sql AS '${body}';\n`;
  const tree = await migrated({
    "tables/public.u.sql": "CREATE TABLE u (id integer DEFAULT f());\n",
    "functions/public.f.sql": f("SELECT count(*)::integer FROM u"),
  });
  assert.is(await tree.value("INSERT INTO u VALUES (DEFAULT), (DEFAULT) RETURNING id"), 0);
  await does(tree, { "functions/public.f.sql": f("SELECT 7") }, ["replace function.public.f"]);
  const error = await thrownBy(BlockedError, tree.migrate({ "functions/public.f.sql": f("SELECT 8", "") }));
  assert.is(error.code, "OBJECT_NEEDED");
  assert.match(error.message, /default value for column id of table u/);
  assert.match(error.hint ?? "", /OR REPLACE/);
  await tree.remove();
});

dependents("a column that a function generates does not go with the function", async () => {
  const f = (result: string, replace = "") => ({
    "functions/public.f.sql": `CREATE ${replace} FUNCTION f(a integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT ${result}';\n`,
  });
  const tree = await migrated({
    ...f("1"),
    "tables/public.g.sql": "CREATE TABLE g (id integer, made integer GENERATED ALWAYS AS (f(id)) STORED);\n",
  });
  const { code, message } = await thrownBy(BlockedError, tree.migrate(f("2")));
  assert.is(code, "OBJECT_NEEDED");
  assert.match(message, "column made of table g");
  await tree.migrate(f("2", "OR REPLACE"));
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

dependents("a body that is wrong is told of, though the function was made before what it needs", async () => {
  const tree = await WoTree.create({
    "tables/public.u.sql": "CREATE TABLE u (id integer DEFAULT f());\n",
    "functions/public.f.sql":
      "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT nothing FROM u';\n",
  });
  const error = await thrownBy(BlockedError, tree.migrate());
  assert.is(error.code, "OBJECT_SCRIPT_FAILED");
  assert.match(error.message, /column "nothing" does not exist/);
  assert.match(error.where ?? "", /functions\/public\.f\.sql/);
  await tree.remove();
});

dependents("two views change places", async () => {
  const view = (name: string, from: string, or = "") =>
    `CREATE${or} VIEW ${name} AS SELECT id FROM ${from};\n`;
  const tree = await WoTree.create({
    ...T,
    "views/public.a.sql": view("a", "t"),
    "views/public.b.sql": view("b", "a"),
  });
  await tree.migrate();
  await does(tree, { "views/public.a.sql": view("a", "b"), "views/public.b.sql": view("b", "t") }, [
    "remake view.public.b",
    "remake view.public.a",
  ]);
  const or = " OR REPLACE";
  await does(tree, { "views/public.a.sql": view("a", "t", or), "views/public.b.sql": view("b", "a", or) }, [
    "replace view.public.a",
    "replace view.public.b",
  ]);
  // The server cannot replace the one, and does the other.
  const wide = view("a", "b", or).replace("id FROM", "1 AS one, id FROM");
  await does(
    tree,
    { "views/public.a.sql": wide, "views/public.b.sql": view("b", "t", or) },
    ["replace view.public.b", "replace view.public.a"],
    ["replace view.public.b", "remake view.public.a"],
  );
  await tree.remove();
});

dependents("a quoted name keeps its capitals, spelled out in the file's name or not", async () => {
  const tree = await migrated({
    "views/public.MyView.sql": 'CREATE VIEW "MyView" AS SELECT id FROM t;\n',
    "views/public.%4Dine.sql": 'CREATE VIEW "Mine" AS SELECT id FROM "MyView";\n',
    "views/public.mine.sql": 'CREATE VIEW mine AS SELECT id FROM "Mine";\n',
  });
  assert.equal(
    (await tree.recorded()).filter((id) => String(id).startsWith("view.")),
    ["view.public.%4dine", "view.public.mine", "view.public.myview"],
  );
  await does(tree, { "views/public.MyView.sql": 'CREATE VIEW "MyView" AS SELECT id + 1 AS id FROM t;\n' }, [
    "remake view.public.myview",
    "remake view.public.%4dine",
    "remake view.public.mine",
  ]);
  await tree.remove();
});

dependents("what exists and is not recorded is made again, but for what holds something", async () => {
  const tree = await WoTree.create(
    {
      ...T,
      "views/public.a.sql": "CREATE OR REPLACE VIEW a AS SELECT id FROM t;\n",
      "types/public.mood.sql": "CREATE TYPE mood AS ENUM ('sad');\n",
    },
    "CREATE TABLE t (id integer, other text); CREATE VIEW a AS SELECT other AS id FROM t; CREATE TYPE mood AS ENUM ('happy')",
  );
  await does(
    tree,
    {},
    ["adopt table.public.t", "adopt type.public.mood", "replace view.public.a"],
    ["adopt table.public.t", "adopt type.public.mood", "remake view.public.a"],
  );
  await tree.remove();
});

dependents("a plan that was asked for by its id is not another", async () => {
  const tree = await migrated({ "views/public.a.sql": "CREATE VIEW a AS SELECT id FROM t;\n" });
  const { plan } = await tree.plan({ "views/public.a.sql": "CREATE VIEW a AS SELECT note FROM t;\n" });
  assert.match(plan ?? "", /^[0-9a-f]{64}$/);
  await tree.db.query("CREATE VIEW b AS SELECT id FROM a");
  await tree.write({ "views/public.b.sql": "CREATE VIEW b AS SELECT id FROM a;\n" });
  const other = await thrownBy(BlockedError, tree.migrate({}, { planId: plan ?? "" }));
  assert.is(other.code, "OTHER_PLAN");
  assert.equal(await tree.recorded(), ["table.public.t", "view.public.a"]);
});

dependents.run();

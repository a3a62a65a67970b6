/** What the server makes for each partition goes with what it was made for, and comes again with it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { thrownBy } from "../support/errors.js";
import { actions, type Files, WoTree } from "./support.js";

const partitions = suite("objects: partitions");

const body = (returned: string) =>
  `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN ${returned}; END $$;\n`;
const partition = (name: string, year: number) =>
  `CREATE TABLE ${name} PARTITION OF p FOR VALUES FROM (${year}) TO (${year + 1});\n`;

const FILES: Files = {
  "tables/public.p.sql": "CREATE TABLE p (id integer, year integer, note text) PARTITION BY RANGE (year);\n",
  "tables/public.p1.sql": partition("p1", 2020),
  "tables/public.p2.sql": partition("p2", 2021),
  "functions/public.touch.sql": body("NEW"),
  "triggers/public.p.touched.sql":
    "CREATE TRIGGER touched BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION touch();\n",
  "indexes/public.p_note.sql": "CREATE INDEX p_note ON p (note);\n",
  "constraints/public.p.p_key.sql": "ALTER TABLE p ADD CONSTRAINT p_key PRIMARY KEY (id, year);\n",
};

partitions("a function of a trigger, an index and a key are changed", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const result = await tree.migrate({
    "functions/public.touch.sql": body("OLD"),
    "indexes/public.p_note.sql": "CREATE INDEX p_note ON p (lower(note));\n",
    "constraints/public.p.p_key.sql": "ALTER TABLE p ADD CONSTRAINT p_key PRIMARY KEY (year, id);\n",
  });
  assert.equal(actions(result), [
    "remake function.public.touch",
    "remake index.public.p_note",
    "remake constraint.public.p.p_key",
    "remake trigger.public.p.touched",
  ]);
  const where = "WHERE tgname = 'touched' ORDER BY 1";
  assert.equal(await tree.values(`SELECT tgrelid::regclass::text FROM pg_trigger ${where}`), [
    "p",
    "p1",
    "p2",
  ]);
  assert.is(await tree.value("SELECT count(*)::int FROM pg_indexes WHERE indexdef LIKE '%(lower(note))'"), 3);
  assert.is((await tree.migrate()).applied, false);
  await tree.migrate({ "triggers/public.p.touched.sql": null, "indexes/public.p_note.sql": null });
  assert.is(await tree.value("SELECT count(*)::int FROM pg_trigger WHERE tgname = 'touched'"), 0);
  await tree.remove();
});

partitions(
  "a function of a check is changed, and goes; partitions have the check of their own parent",
  async () => {
    const f = (least: number) =>
      `CREATE FUNCTION f(y integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT y > ${least}';\n`;
    const tree = await WoTree.create({
      "tables/public.p.sql": `${FILES["tables/public.p.sql"]}`,
      "tables/public.p1.sql": `${partition("p1", 2020).replace(";", "")} PARTITION BY LIST (id);\n`,
      "tables/public.p11.sql": "CREATE TABLE p11 PARTITION OF p1 DEFAULT;\n",
      "functions/public.f.sql": f(1),
      "constraints/public.p.late.sql": "ALTER TABLE p ADD CONSTRAINT late CHECK (f(year));\n",
    });
    await tree.migrate();
    assert.equal(actions(await tree.migrate({ "functions/public.f.sql": f(2) })), [
      "remake function.public.f",
      "remake constraint.public.p.late",
    ]);
    const checks = "SELECT count(*)::int FROM pg_constraint WHERE conname = 'late'";
    assert.is(await tree.value(checks), 3);
    await tree.migrate({ "functions/public.f.sql": null, "constraints/public.p.late.sql": null });
    assert.is(await tree.value(checks), 0);
    await tree.remove();
  },
);

partitions("what somebody made by hand on what has to be made again is named", async () => {
  const tree = await WoTree.create({
    "materialized-views/public.m.sql":
      "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a, 2 AS b;\nCREATE INDEX ON m (a);\n",
  });
  await tree.migrate();
  await tree.db.query("CREATE INDEX by_hand ON m (b)");
  const changed = {
    "materialized-views/public.m.sql":
      "CREATE MATERIALIZED VIEW m AS SELECT 2 AS a, 2 AS b;\nCREATE INDEX ON m (a);\n",
  };
  const { code, message } = await thrownBy(BlockedError, tree.migrate(changed));
  assert.is(code, "OBJECT_NEEDED");
  assert.match(message, "index public.by_hand, which no script makes");
  assert.not.match(message, "m_a_idx");
  await tree.remove();
});

partitions.run();

/** Tables: migrations change them, and their scripts have to say what migrations have led to. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { thrownBy } from "../support/errors.js";
import { actions, WoTree } from "./support.js";

const tables = suite("objects: tables and migrations");

const ORDERS =
  "CREATE TABLE orders (id bigserial PRIMARY KEY, total integer);\nCREATE INDEX ON orders (total);\n";
const NOTED =
  "CREATE TABLE orders (id bigserial PRIMARY KEY, note text, total integer);\nCREATE INDEX ON orders (total);\n";
const FILES = {
  "tables/public.orders.sql": ORDERS,
  "views/public.totals.sql": "CREATE VIEW totals AS SELECT id, total FROM orders;\n",
  "policies/public.orders.own.sql":
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON orders USING (total > 0);\n",
  "constraints/public.orders.positive.sql": "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0);\n",
  "roles/reader.sql":
    "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON orders, totals TO {wo_role_prefix}reader;\n",
};

tables("a changed script without a migration stops the run, and says what differs", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const error = await thrownBy(BlockedError, tree.migrate({ "tables/public.orders.sql": NOTED }));
  assert.is(error.code, "TABLE_DIFFERS");
  assert.match(error.message, /column note added: note text/);
  assert.match(error.where ?? "", /tables\/public\.orders\.sql/);
  assert.not.match(error.message, /reader|policy|positive/);
  await tree.remove();
});

tables("a migration that leads to the script runs, whatever the order of the columns", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const files = {
    "tables/public.orders.sql": NOTED,
    "migrations/01-note.sql": "ALTER TABLE orders ADD COLUMN note text;\n",
  };
  const plan = await tree.plan(files);
  assert.equal(actions(plan), ["record table.public.orders"]);
  assert.equal(plan.notes, []);
  const result = await tree.migrate();
  assert.is(result.migrations.length, 1);
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations ORDER BY 1"), ["", "01-note.sql"]);
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

tables("a migration that leads elsewhere stops the run before anything is touched", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const files = {
    "tables/public.orders.sql": NOTED,
    "migrations/01-note.sql": "ALTER TABLE orders ADD COLUMN note integer;\n",
  };
  const error = await thrownBy(BlockedError, tree.migrate(files));
  assert.is(error.code, "TABLE_DIFFERS");
  assert.match(error.message, /note integer → note text/);
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations"), [""]);
  await tree.remove();
});

tables("a column changes its type under a view, a policy and a grant, which are there again", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const wide = ORDERS.replace("total integer", "total numeric");
  const files = {
    "tables/public.orders.sql": wide,
    "migrations/01-wide.sql": "ALTER TABLE orders ALTER COLUMN total TYPE numeric;\n",
  };
  const planned = actions(await tree.plan(files));
  assert.equal(planned, [
    "record table.public.orders",
    "remake view.public.totals",
    "remake policy.public.orders.own",
    `grant role.${tree.prefix}reader`,
  ]);
  assert.equal(actions(await tree.migrate()), planned);
  assert.is(
    await tree.value(
      "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'totals'::regclass AND attname = 'total'",
    ),
    "numeric",
  );
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'totals', 'SELECT')`), true);
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

tables("a table that a migration renames, and one that it drops", async () => {
  const tree = await WoTree.create({ ...FILES, "tables/public.old.sql": "CREATE TABLE old (id integer);\n" });
  await tree.migrate();
  await tree.db.query("INSERT INTO orders (total) VALUES (7)");
  const files = {
    "tables/public.orders.sql": null,
    "tables/public.old.sql": null,
    "tables/public.sales.sql": ORDERS.replaceAll("orders", "sales"),
    "views/public.totals.sql": "CREATE VIEW totals AS SELECT id, total FROM sales;\n",
    "policies/public.orders.own.sql": null,
    "policies/public.sales.own.sql": "CREATE POLICY own ON sales USING (total > 0);\n",
    "constraints/public.orders.positive.sql": null,
    "constraints/public.sales.positive.sql": "ALTER TABLE sales ADD CONSTRAINT positive CHECK (total > 0);\n",
    "roles/reader.sql":
      "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON sales, totals TO {wo_role_prefix}reader;\n",
    "migrations/01-sales.sql": "ALTER TABLE orders RENAME TO sales;\nDROP TABLE old;\n",
  };
  const planned = actions(await tree.plan(files));
  assert.ok(planned.includes("adopt table.public.sales"), planned.join());
  assert.ok(planned.includes("forget table.public.old"), planned.join());
  await tree.migrate();
  assert.is(await tree.value("SELECT total FROM totals"), 7);
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

tables("a new database has the newest migration recorded, and none run", async () => {
  const tree = await WoTree.create({
    ...FILES,
    "migrations/01.sql": "SELECT 1 / 0;",
    "migrations/02.sql": "SELECT 1 / 0;",
  });
  const result = await tree.migrate();
  assert.is(result.recordedMigration, "02.sql");
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations"), ["02.sql"]);
  await tree.migrate({ "migrations/03.sql": "COMMENT ON TABLE orders IS 'sold';" });
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations ORDER BY 1"), ["02.sql", "03.sql"]);
  const { notes } = await tree.plan({ "migrations/02b.sql": "SELECT 1;" });
  assert.match(notes.join(), /02b\.sql does not run/);
  await tree.remove();
});

tables("a migration that fails leaves everything as it was", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const files = {
    "migrations/01.sql":
      "ALTER TABLE orders ADD COLUMN a integer;\n\n-- half of it\nINSERT INTO orders\n  (nowhere) VALUES (1);\n",
    "views/public.totals.sql": "CREATE VIEW totals AS SELECT id FROM orders;\n",
  };
  const error = await thrownBy(BlockedError, tree.migrate(files));
  assert.is(error.code, "OBJECT_SCRIPT_FAILED");
  assert.match(error.where ?? "", /01\.sql:5$/);
  assert.match(error.message, /"nowhere" of relation "orders" does not exist/);
  assert.match(error.message, /INSERT INTO orders \(nowhere\)/);
  assert.is(
    await tree.value("SELECT count(*)::int FROM information_schema.columns WHERE table_name = 'orders'"),
    2,
  );
  assert.equal(await tree.values("SELECT pm_id FROM wo_migrations"), [""]);
  await tree.remove();
});

tables("what of initial/ and final/ runs, and when", async () => {
  const note = (what: string) => `INSERT INTO noted SELECT '${what}';\n`;
  const tree = await WoTree.create({
    ...FILES,
    "initial/1.sql": "CREATE TABLE noted (what text);\n",
    "initial/2.sql": note("initial"),
    "final/1.sql": note("final"),
  });
  await tree.migrate();
  await tree.migrate();
  assert.equal(await tree.values("SELECT what FROM noted"), ["initial", "final"]);
  await tree.migrate({ "views/public.more.sql": "CREATE VIEW more AS SELECT 1 AS x;" });
  assert.equal(await tree.values("SELECT what FROM noted"), ["initial", "final", "final"]);
  await tree.remove();
});

tables.run();

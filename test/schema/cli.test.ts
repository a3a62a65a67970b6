/** `wov hash` and `wov diff` as a person and a program see them. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TestProject } from "../support/project.js";

const entry = (name: string, type: string, sql: string) =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: shop; Owner: -\n--\n\n${sql}\n\n\n`;

const ORDERS = entry("orders", "TABLE", "CREATE TABLE shop.orders (\n    id integer,\n    total numeric\n);");
const WIDER = ORDERS.replace("numeric", "bigint");
const OLD = entry("old", "VIEW", "CREATE VIEW shop.old AS\n SELECT 1 AS one;");
const FRESH = entry("fresh", "SEQUENCE", "CREATE SEQUENCE shop.fresh;");
const gadget = (size: number) => entry("odd", "GADGET", `CREATE GADGET shop.odd WITH (size = ${size});`);

const test = suite("wov hash and wov diff");
let project: TestProject;

test.before(async () => {
  project = await TestProject.create();
  await project.write("before.sql", ORDERS + OLD);
  await project.write("after.sql", WIDER + FRESH);
});
test.after(() => project.remove());

test("a diff groups what was added, changed and dropped, and ends with 1", async () => {
  const { status, stdout } = await project.wov("diff", "before.sql", "after.sql");
  assert.is(status, 1);
  assert.is(
    stdout,
    `added 1 object

sequence shop.fresh
+ CREATE SEQUENCE shop.fresh;

changed 1 object

table shop.orders
  column total changed: total numeric → total bigint
  CREATE TABLE shop.orders (
      id integer,
-     total numeric
+     total bigint
  );

dropped 1 object

view shop.old
- CREATE VIEW shop.old AS
-  SELECT 1 AS one;
`,
  );
  assert.equal(await project.wov("diff", "before.sql", "before.sql"), {
    status: 0,
    stdout: "",
    stderr: "",
    output: "",
  });
});

test("a diff has colours where they are wanted, one line for each object, and JSON", async () => {
  const { stdout: coloured } = await project.command("wov", ["diff", "before.sql", "after.sql"], {
    env: { FORCE_COLOR: "1", NO_COLOR: undefined },
  });
  assert.match(coloured, "\u001b[32m+     total bigint\u001b[39m");
  assert.match(coloured, "\u001b[31m-     total numeric\u001b[39m");
  const stat = await project.wov("diff", "before.sql", "after.sql", "--stat");
  assert.is(stat.status, 1);
  assert.is(
    stat.stdout,
    "  added    sequence  shop.fresh\n  changed  table     shop.orders\n  dropped  view      shop.old\n",
  );
  const json = await project.wov("diff", "before.sql", "after.sql", "--json");
  assert.is(json.status, 1);
  const { differs, changes } = JSON.parse(json.stdout);
  assert.ok(differs);
  assert.equal(
    changes.map(({ change, name }: { change: string; name: string }) => `${change} ${name}`),
    ["added shop.fresh", "changed shop.orders", "dropped shop.old"],
  );
});

test("an object that no rule knows is named, and still counts", async () => {
  await project.write("one.sql", ORDERS + gadget(3));
  await project.write("other.sql", ORDERS + gadget(4));
  const hash = await project.wov("hash", "one.sql");
  assert.is(hash.status, 0);
  assert.match(hash.stdout, /^[0-9a-f]{64}\n$/);
  assert.match(hash.stderr, /^warning: gadget shop\.odd does not parse .*; it is compared by its text\n$/);
  const diff = await project.wov("diff", "one.sql", "other.sql");
  assert.is(diff.status, 1);
  assert.match(diff.stderr, "gadget shop.odd");
  assert.match(diff.stdout, "- CREATE GADGET shop.odd WITH (size = 3);");
  assert.match(diff.stdout, "+ CREATE GADGET shop.odd WITH (size = 4);");
});

test("a hash tells with -v what it leaves out, and in which form it is", async () => {
  await project.write(
    "wovtools/config.json",
    JSON.stringify({
      databases: { shopdb: {} },
      schema: { tablespaces: true, columnOrder: false, ignoreSchemas: ["cron"], ignoreTables: ["log_*"] },
    }),
  );
  const { status, stdout } = await project.wov("hash", "before.sql", "-v");
  assert.is(status, 0);
  const [checksum, leftOut, ...objects] = stdout.trimEnd().split("\n");
  assert.match(checksum ?? "", /^[0-9a-f]{64} {2}form \d+$/);
  assert.is(
    leftOut,
    "left out: owners, subscriptions, the order of columns, schemas like cron, tables like log_*, the tables of wovtools",
  );
  assert.is(objects.length, 2);
  const { settings } = JSON.parse((await project.wov("hash", "before.sql", "--json")).stdout);
  assert.is(settings.columnOrder, false);
  assert.equal(settings.ignoreSchemas, ["cron"]);
});

test.run();

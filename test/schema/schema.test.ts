/** Reading, naming, comparing: what the schema room promises beside the rules. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { archivedSchema, canonicalSchema, diffSchemas, FORM, renderDiff } from "#src/schema/index.js";
import { withoutRows } from "#src/schema/rows.js";

const entry = (name: string, type: string, sql: string) =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: shop; Owner: alice\n--\n\n${sql}\n\n\n`;

const ORDERS = "CREATE TABLE shop.orders (\n    id integer NOT NULL,\n    total numeric DEFAULT 0\n);";

async function changes(before: string, after: string) {
  return diffSchemas(await canonicalSchema(before), await canonicalSchema(after));
}

const schema = suite("schema");

schema("has the number of its form, a checksum, and objects by id", async () => {
  const { form, checksum, objects, warnings } = await canonicalSchema(entry("orders", "TABLE", ORDERS));
  assert.is(form, FORM);
  assert.match(checksum, /^[0-9a-f]{64}$/);
  const orders = objects.get("table shop.orders");
  assert.is(orders?.type, "table");
  assert.is(orders?.schema, "shop");
  assert.is(orders?.name, "orders");
  assert.is(orders?.sql, `${ORDERS}\n`);
  assert.equal(warnings, []);
});

schema("keeps its checksums from one release to the next", async () => {
  // A checksum that changes needs a new number of the form, or every archive becomes drift.
  const { checksum } = await canonicalSchema(
    `${ORDERS}\nCREATE VIEW shop.v AS SELECT TRIM(BOTH FROM a) AS b FROM shop.orders;\nGRANT SELECT ON TABLE shop.v TO app;`,
  );
  assert.is(`${FORM} ${checksum}`, "1 e258277fd021ab2548f4fa0fc6b7044c131acd43cfbd0fbb4c20bd383ce6d6f6");
});

schema("gathers what belongs to a table under the table", async () => {
  const { objects } = await canonicalSchema(`${ORDERS}
    ALTER TABLE ONLY shop.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
    CREATE INDEX orders_total ON shop.orders USING btree (total);
    COMMENT ON INDEX shop.orders_total IS 'c';
    COMMENT ON COLUMN shop.orders.id IS 'c';
    GRANT SELECT ON TABLE shop.orders TO app;
    ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
    CREATE SEQUENCE shop.orders_id_seq;
    ALTER SEQUENCE shop.orders_id_seq OWNED BY shop.orders.id;
    CREATE TRIGGER touch BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();`);
  assert.equal(
    [...objects.values()].map(({ id, parent }) => [id, parent]),
    [
      ["sequence shop.orders_id_seq", "table shop.orders"],
      ["table shop.orders", null],
      ["trigger shop.orders.touch", "table shop.orders"],
    ],
  );
  assert.equal(
    objects.get("table shop.orders")?.parts.map(({ name }) => name),
    [
      "column id",
      "column order",
      "column total",
      "comment on column id",
      "comment on index orders_total",
      "constraint orders_pkey",
      "definition",
      "index orders_total",
      "privileges of app",
      "row security",
    ],
  );
});

schema("names the column that was added, dropped or changed", async () => {
  const withNote = ORDERS.replace("DEFAULT 0", "DEFAULT 0,\n    note text");
  const added = await changes(ORDERS, withNote);
  assert.equal(
    added.changed.map(({ after, details }) => [after.id, details]),
    [["table shop.orders", ["column note added: note text"]]],
  );
  const dropped = await changes(withNote, ORDERS);
  assert.equal(dropped.changed[0]?.details, ["column note dropped"]);
  const retyped = await changes(ORDERS, ORDERS.replace("numeric", "numeric(12,2)"));
  assert.equal(retyped.changed[0]?.details, [
    "column total changed: total numeric DEFAULT 0 → total numeric(12,2) DEFAULT 0",
  ]);
  const moved = await changes(
    withNote,
    "CREATE TABLE shop.orders (\n    id integer NOT NULL,\n    note text,\n    total numeric DEFAULT 0\n);",
  );
  assert.equal(moved.changed[0]?.details, ["column order changed: id, total, note → id, note, total"]);
});

schema("shows of a long definition where the two part", async () => {
  const view = (columns: string, since: string) =>
    `CREATE VIEW shop.recent AS\n SELECT ${columns}\n   FROM shop.orders\n  WHERE placed > ${since};`;
  const columns = Array.from({ length: 40 }, (_, index) => `column_${index}`).join(", ");
  const [was, now] = ["'2025-01-31 12:00:00'::timestamp", "'2025-02-28 12:00:00'::timestamp"];
  const { changed } = await changes(view(columns, was), view(columns, now));
  assert.equal(changed[0]?.details, [
    `definition changed: …shop.orders WHERE placed > ${was} → …shop.orders WHERE placed > ${now}`,
  ]);
  // What is long is cut at its end.
  const shorter = await changes(view("id", "now()"), view(columns, "now()"));
  assert.match(
    shorter.changed[0]?.details[0] ?? "",
    /^definition changed: …VIEW shop\.recent AS SELECT id FROM .{20,} → …VIEW shop\.recent AS SELECT column_0, .{30,}…$/,
  );
});

schema("names objects that came and went", async () => {
  const { added, changed, dropped } = await changes(ORDERS, "CREATE VIEW shop.v AS SELECT 1 AS one;");
  assert.equal(
    [added.map(({ id }) => id), changed, dropped.map(({ id }) => id)],
    [["view shop.v"], [], ["table shop.orders"]],
  );
});

schema("shows a change as lines of SQL", async () => {
  const [object] = renderDiff(await changes(ORDERS, ORDERS.replace("numeric", "bigint")));
  assert.is(object?.id, "table shop.orders");
  assert.equal(
    object?.lines.map(({ sign, text }) => sign + text),
    [
      " CREATE TABLE shop.orders (",
      "     id integer NOT NULL,",
      "-    total numeric DEFAULT 0",
      "+    total bigint DEFAULT 0",
      " );",
    ],
  );
});

schema("compares by its text what does not parse, and says so", async () => {
  const strange = entry("odd", "GADGET", "CREATE GADGET shop.odd WITH (size = 3);");
  const text =
    entry("orders", "TABLE", ORDERS) + strange + entry("v", "VIEW", "CREATE VIEW shop.v AS SELECT 1 AS one;");
  const read = await canonicalSchema(text);
  assert.is(read.warnings.length, 1);
  assert.match(
    read.warnings[0] ?? "",
    /^gadget shop\.odd does not parse \(syntax error at or near "GADGET"\)/,
  );
  assert.equal([...read.objects.keys()], ["gadget shop.odd", "table shop.orders", "view shop.v"]);
  const { changed } = diffSchemas(read, await canonicalSchema(text.replace("size = 3", "size = 4")));
  assert.equal(
    changed.map(({ after }) => after.id),
    ["gadget shop.odd"],
  );
});

schema("compares by its text what is of no known kind, and says so", async () => {
  const { objects, warnings } = await canonicalSchema(`${ORDERS}\nNOTIFY orders;`);
  assert.match(warnings[0] ?? "", /NOTIFY orders.*NotifyStmt/);
  assert.is(objects.size, 2);
});

schema("takes no notice of rows, and of what is dropped before anything is made", async () => {
  const table = entry("orders", "TABLE", ORDERS);
  const key = entry(
    "orders orders_pkey",
    "CONSTRAINT",
    "ALTER TABLE ONLY shop.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);",
  );
  const rows = (sql: string) =>
    `--\n-- Data for Name: orders; Type: TABLE DATA; Schema: shop; Owner: x\n--\n\n${sql}\n\n\n`;
  const plain = await canonicalSchema(`\n${table}${key}`);
  const clean = `ALTER TABLE IF EXISTS ONLY shop.orders DROP CONSTRAINT IF EXISTS orders_pkey;
ALTER TABLE shop.orders ALTER COLUMN id DROP DEFAULT;
CREATE OR REPLACE VIEW shop.v AS SELECT NULL::integer AS one;
DROP VIEW shop.v;
DROP TABLE IF EXISTS shop.orders;`;
  for (const dump of [
    `\n${table}${rows("COPY shop.orders (id, note) FROM stdin;\n1\tit's\n2\t$$\n\\.")}${key}`,
    `\n${table}${rows("COPY shop.orders (id, note) FROM stdin;\n\\.")}${key}`,
    `\n${table}${rows("INSERT INTO shop.orders VALUES (1, 'it''s');")}${key}`,
    `\n${table}${key}SET search_path TO "$user", public;\nINSERT INTO migrations VALUES ('1');\n`,
    `\n${table}${key}SELECT pg_catalog.setval('shop.orders_id_seq', 3, true);\n`,
  ]) {
    const read = await canonicalSchema(withoutRows(dump));
    assert.equal(read.warnings, [], dump);
    assert.is(read.checksum, plain.checksum, dump);
  }
  const cleaned = await canonicalSchema(`\n${clean}\n\n${table}${key}`);
  assert.equal(cleaned.warnings, []);
  assert.is(
    cleaned.objects.get("table shop.orders")?.checksum,
    plain.objects.get("table shop.orders")?.checksum,
  );
  const made = await canonicalSchema(`${ORDERS}\nDROP TABLE shop.orders;`);
  assert.match(made.warnings[0] ?? "", /DROP TABLE shop\.orders.*DropStmt/);
});

schema("reads text with the line ends of another system", async () => {
  const text =
    entry("orders", "TABLE", ORDERS) + entry("v", "VIEW", "CREATE VIEW shop.v AS SELECT 1 AS one;");
  const unix = await canonicalSchema(`\n${text}`);
  assert.is((await canonicalSchema(`\n${text}`.replaceAll("\n", "\r\n"))).checksum, unix.checksum);
});

schema("keeps the line ends inside a function", async () => {
  const body = (lineEnd: string) =>
    entry(
      "f()",
      "FUNCTION",
      `CREATE FUNCTION shop.f() RETURNS text LANGUAGE sql AS $$ SELECT ${lineEnd} '1' $$;`,
    );
  assert.is.not((await canonicalSchema(body("\r\n"))).checksum, (await canonicalSchema(body("\n"))).checksum);
});

schema("compares by its text what is nested beyond all measure, and says so", async () => {
  const nested = (depth: number) =>
    canonicalSchema(
      entry("orders", "TABLE", ORDERS) +
        entry(
          "deep",
          "VIEW",
          `CREATE VIEW shop.deep AS SELECT ${"(".repeat(depth)}1${" + 1)".repeat(depth)} AS n;`,
        ),
    );
  assert.equal((await nested(400)).warnings, []);
  for (const depth of [5_000, 50_000]) {
    const { objects, warnings } = await nested(depth);
    assert.match(warnings[0] ?? "", /^view shop\.deep .*compared by its text$/);
    assert.equal([...objects.keys()], ["table shop.orders", "view shop.deep"]);
  }
});

schema("tells an empty dump by the same checksum each time", async () => {
  const { checksum, objects } = await canonicalSchema("");
  assert.is(objects.size, 0);
  assert.is(
    (await canonicalSchema("--\n-- PostgreSQL database dump\n--\n\nSET row_security = off;\n")).checksum,
    checksum,
  );
});

schema("archives without keys, minor versions, owners and the tool's own tables", () => {
  const dump = `--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.3 (Debian)

SET statement_timeout = 0;
SET transaction_timeout = 0;

SET default_tablespace = '';

SET default_table_access_method = heap;

${entry("orders", "TABLE", `${ORDERS}\n\n\nALTER TABLE shop.orders OWNER TO "Alice B";`)}${entry("wo_objects", "TABLE", "CREATE TABLE shop.wo_objects (po_id text);")}${entry("wo_objects wo_objects_pkey", "CONSTRAINT", "ALTER TABLE shop.wo_objects ADD PRIMARY KEY (po_id);")}--
-- PostgreSQL database dump complete
--

\\unrestrict abc

`;
  const archived = archivedSchema(dump);
  assert.not.match(archived, /restrict|timeout|18\.4|18\.3|OWNER|Alice|alice|wo_objects/);
  assert.match(archived, "-- Name: orders; Type: TABLE; Schema: shop; Owner: -");
  assert.match(archived, ORDERS);
  assert.is(
    archivedSchema(dump.replaceAll("abc", "xyz").replace("18.4", "18.5").replaceAll("alice", "bob")),
    archived,
  );
  assert.match(archivedSchema(dump, { owners: true }), 'OWNER TO "Alice B";');
});

schema("archives a table that is only called like one of the tool's, with all that belongs to it", () => {
  const key = 'ALTER TABLE ONLY public."wo_objects old"\n    ADD CONSTRAINT k PRIMARY KEY (id);';
  const note = "COMMENT ON TABLE public.\"wo_objects.old\" IS 'mine';";
  const ownNote = "COMMENT ON COLUMN public.wo_objects.po_id IS 'not mine';";
  const archived = archivedSchema(
    `${entry("wo_objects old k", "CONSTRAINT", key)}${entry('TABLE "wo_objects.old"', "COMMENT", note)}${entry("COLUMN wo_objects.po_id", "COMMENT", ownNote)}`,
  );
  assert.match(archived, key);
  assert.match(archived, note);
  assert.not.match(archived, "not mine");
});

schema.run();

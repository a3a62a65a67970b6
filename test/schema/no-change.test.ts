/** What does not change a schema: the order in which objects were made, and gaps between columns. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import type { Schema } from "#src/schema/index.js";
import { canonicalSchema, diffSchemas } from "#src/schema/index.js";
import { freshDatabase } from "../support/server.js";
import { readSchema } from "./mutation-check.js";

async function schemaOf(...statements: string[]): Promise<Schema> {
  const { connection } = await freshDatabase(statements.join(";\n"));
  return readSchema(connection);
}

const unchanged = suite("a schema is the same");

unchanged("whatever was made first", async () => {
  const independent = [
    "CREATE TABLE b (id integer PRIMARY KEY, t text)",
    "CREATE TABLE a (id integer PRIMARY KEY, n integer CHECK (n > 0), m integer CHECK (m > 1))",
    "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
    "CREATE FUNCTION f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
    "CREATE TYPE mood AS ENUM ('good', 'bad')",
    "CREATE SCHEMA other",
    "CREATE SEQUENCE s",
  ];
  const dependent = [
    "CREATE INDEX b_t ON b (t)",
    "CREATE INDEX a_t ON a (n)",
    "ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (id) REFERENCES a (id)",
    "CREATE VIEW v AS SELECT id FROM a",
    "CREATE VIEW u AS SELECT id FROM b",
    "CREATE TRIGGER y BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE TRIGGER x BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "COMMENT ON TABLE b IS 'b'",
    "COMMENT ON COLUMN a.n IS 'n'",
    "GRANT SELECT ON a TO PUBLIC",
    "GRANT INSERT ON a TO PUBLIC",
    "CREATE PUBLICATION p FOR TABLE b, a",
    "CREATE STATISTICS st ON id, t FROM b",
  ];
  const one = await schemaOf(...independent, ...dependent);
  const other = await schemaOf(...independent.toReversed(), ...dependent.toReversed());
  assert.equal(diffSchemas(one, other), { added: [], changed: [], dropped: [] });
  assert.is(one.checksum, other.checksum);
});

unchanged("with and without gaps that dropped columns have left", async () => {
  const belongings = [
    "ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)",
    "CREATE INDEX t_c ON t (c) INCLUDE (b)",
    "CREATE STATISTICS st ON a, b FROM t",
    "COMMENT ON COLUMN t.c IS 'c'",
    "GRANT SELECT (b) ON t TO PUBLIC",
    "CREATE VIEW v AS SELECT t.*, t AS whole FROM t",
    "CREATE TABLE child (d text) INHERITS (t)",
  ];
  const atOnce = await schemaOf(
    "CREATE TABLE t (a integer, b text DEFAULT 'x', c date NOT NULL)",
    ...belongings,
  );
  const byAndBy = await schemaOf(
    "CREATE TABLE t (gone integer, a integer, gone_too text, b text)",
    "ALTER TABLE t DROP COLUMN gone",
    "ALTER TABLE t DROP COLUMN b, ADD COLUMN b text DEFAULT 'x'",
    "ALTER TABLE t DROP COLUMN gone_too, ADD COLUMN c timestamptz, ADD COLUMN later integer",
    "ALTER TABLE t ALTER COLUMN c TYPE date, ALTER COLUMN c SET NOT NULL, DROP COLUMN later",
    ...belongings,
  );
  assert.equal(diffSchemas(atOnce, byAndBy), { added: [], changed: [], dropped: [] });
  assert.is(atOnce.checksum, byAndBy.checksum);
});

unchanged("with columns in another order, where that is not to count", async () => {
  const options = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;
  const dumps = await Promise.all(
    ["a integer, b text NOT NULL", "b text NOT NULL, a integer"].map(async (columns) => {
      const { connection } = await freshDatabase(`CREATE TABLE t (${columns}, PRIMARY KEY (a, b))`);
      return dumpSchema(connection, options);
    }),
  );
  const checksums = (columnOrder: boolean) =>
    Promise.all(dumps.map(async (dump) => (await canonicalSchema(dump, { columnOrder })).checksum));
  const [one, other] = await checksums(false);
  assert.is(one, other);
  const [first, second] = await checksums(true);
  assert.is.not(first, second);
});

unchanged.run();

/** Deltas of a large schema, proven on the part that they are about. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isProvenNearby } from "#src/commands/deltas/nearby.js";
import { readLiveSchema, type SchemaText } from "#src/commands/live-schema.js";
import { ShadowServers } from "#src/commands/proof.js";
import { deltas } from "#src/index.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { loadParser } from "#src/schema/parser.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";

const DATABASE = { pgDump: "bundled", schema: DEFAULT_SETTINGS } as const;

const LARGE = [
  "CREATE TABLE orders (id integer PRIMARY KEY, customer text); CREATE VIEW names AS SELECT customer FROM orders;",
  ...Array.from({ length: 110 }, (_, number) => {
    const name = `other_${number}`;
    return `CREATE TABLE ${name} (${name}_id integer); COMMENT ON TABLE ${name} IS '${"It has nothing to do with that. ".repeat(30)}';`;
  }),
].join("\n");
const CHANGE = "ALTER TABLE orders ADD COLUMN note text; CREATE INDEX orders_note ON orders (note);";

interface Made {
  readonly databases: readonly [TestDatabase, TestDatabase];
  readonly schemas: readonly [SchemaText, SchemaText];
  readonly servers: ShadowServers;
}

let made: Promise<Made> | undefined;

async function make(): Promise<Made> {
  const databases = await Promise.all([freshDatabase(LARGE), freshDatabase(LARGE + CHANGE)]);
  const read = ({ connection }: TestDatabase) => readLiveSchema(connection, DATABASE);
  const schemas = await Promise.all([read(databases[0]), read(databases[1])]);
  return { databases, schemas, servers: new ShadowServers() };
}

const nearby = suite("a large schema");

for (const [sql, isProven] of [
  [CHANGE, true],
  ["ALTER TABLE orders ADD COLUMN note text;", false],
  [`${CHANGE} ALTER TABLE other_7 ADD COLUMN more integer;`, false],
  [`${CHANGE} DROP TABLE other_7;`, false],
  [`${CHANGE} ALTER TABLE other_7 ADD COLUMN more integer; ALTER TABLE other_7 DROP COLUMN more;`, true],
  [`${CHANGE} CREATE TABLE other_7 (id integer); DROP TABLE other_7;`, false],
  [`${CHANGE} CREATE VIEW v AS SELECT * FROM other_7; DROP VIEW v;`, true],
  [`${CHANGE} DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'other' || '_7'; END $$;`, false],
  [`${CHANGE} DROP TABLE IF EXISTS other_7 CASCADE;`, false],
] as const) {
  nearby(`is ${isProven ? "" : "not "}proven on a part for ${sql.replace(CHANGE, "…")}`, async () => {
    made ??= make();
    const { databases, schemas, servers } = await made;
    const [from, to] = schemas;
    const deltas = { file: "the deltas", content: Buffer.from(sql) };
    const near = databases[0].connection;
    const request = { from, to, near, database: DATABASE, deltas, progress: () => undefined };
    assert.is(await isProvenNearby(servers, request, await loadParser()), isProven);
  });
}

nearby("gets the same deltas as a small one", async () => {
  made ??= make();
  const [old, now] = (await made).databases;
  const written = await deltas(old.url, now.url);
  assert.is(written.outcome, "proven");
  assert.is(
    written.sql.replaceAll(/^--.*\n/gm, ""),
    "ALTER TABLE public.orders ADD COLUMN note text;\n\nCREATE INDEX orders_note ON public.orders USING btree (note);\n",
  );
});

nearby.run();

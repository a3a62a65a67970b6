/** Entries that are alike but for their names are read as if each had been parsed. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import { type Entry, readDump } from "#src/schema/dump.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { loadParser } from "#src/schema/parser.js";
import { readAlike } from "#src/schema/statements/alike.js";
import { type EntryReading, readBatch } from "#src/schema/statements/batch.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const parser = await loadParser();

function parsed(entries: readonly Entry[], server: number | null = null): EntryReading[] {
  const surroundings = { context: { server }, settings: DEFAULT_SETTINGS };
  return entries.flatMap((entry) => readBatch(parser, [entry], surroundings));
}

/** Reads entries, and counts those that the parser saw. */
function read(entries: readonly Entry[], server: number | null = null) {
  let seen = 0;
  const readings = readAlike(entries, (some) => {
    seen += some.length;
    return parsed(some, server);
  });
  return { readings, seen };
}

function entryOf(type: string, sql: string): Entry {
  return { name: "", type, schema: null, owner: null, sql, tablespace: "", accessMethod: "heap" };
}

/** What pg_dump writes about a table, with names of which any may be any other. */
function tableOf([schema, table, column, index, other]: readonly string[]): Entry[] {
  const of = `${schema}.${table}`;
  return [
    entryOf(
      "TABLE",
      `CREATE TABLE ${of} (
    id bigint DEFAULT nextval('${of}_id_seq'::regclass) NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    state ${schema}.${other} DEFAULT 'draft'::${schema}.${other},
    CONSTRAINT ${index} CHECK ((lower(title) <> '${other}'::text))
)
WITH (fillfactor='80', toast.autovacuum_enabled='false', autovacuum_enabled='true');`,
    ),
    entryOf("SEQUENCE", `CREATE SEQUENCE ${of}_id_seq\n    START WITH 1\n    INCREMENT BY 1\n    CACHE 1;`),
    entryOf("SEQUENCE OWNED BY", `ALTER SEQUENCE ${of}_id_seq OWNED BY ${of}.id;`),
    entryOf("CONSTRAINT", `ALTER TABLE ONLY ${of}\n    ADD CONSTRAINT ${index} PRIMARY KEY (id);`),
    entryOf(
      "INDEX",
      `CREATE INDEX ${index} ON ${of} USING btree (lower(title)) WHERE (state = 'open'::text);`,
    ),
    ...[
      `${table}.${column}, date_part('year'::text, ${table}.${column}) AS year`,
      `${table}('YEAR', ${table}.${column}) AS word, btrim((${table}.title)::${other}, 'x') AS bare`,
      `${table}('year'::text, ${table}.${column}) AS field, ${table}((${table}.title)::text, 'x') AS bare`,
    ].map((columns) =>
      entryOf("VIEW", `CREATE VIEW ${schema}.${other} AS\n SELECT ${columns}\n   FROM ${of};`),
    ),
    entryOf("COMMENT", `COMMENT ON COLUMN ${of}.${column} IS 'The ${other} of ${of}.';`),
    entryOf("COMMENT", `COMMENT ON TABLE ${of} IS '${other}';`),
  ];
}

/** Every word that the code of the schema's room has in quotes, so also each name that a rule looks for. */
async function wordsOfTheCode(): Promise<string[]> {
  const folder = join(PACKAGE, "build", "schema");
  const files = await readdir(folder, { recursive: true });
  const texts = await Promise.all(
    files.filter((file) => file.endsWith(".js")).map((file) => readFile(join(folder, file), "utf8")),
  );
  const quoted = texts.flatMap((text) => [...text.matchAll(/["'`]([a-z_][a-z0-9_]*)["'`]/g)]);
  return [...new Set(quoted.map(([, word = ""]) => word))];
}

const alike = suite("entries that are alike");

/** Names of a schema, a table, its column, an index and a view, as they usually are. */
const USUAL = ["area", "orders", "placed", "orders_key", "kind"];
const inEachPlace = (word: string) => USUAL.map((_, place) => USUAL.with(place, word));

/** Without those that PostgreSQL takes nowhere but in quotes. */
const words = (await wordsOfTheCode()).filter((word) =>
  parsed(inEachPlace(word).flatMap(tableOf)).every(({ warnings }) => warnings.length === 0),
);

alike("each name that the code knows is read as the parser reads it, whatever stands beside it", () => {
  assert.ok(words.includes("pg_catalog") && words.includes("date_part"));
  const name = fc.oneof(fc.constantFrom(...words), fc.stringMatching(/^x[a-z0-9_]{0,6}$/));
  const names = fc.array(name, { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(names, { minLength: 8, maxLength: 20 }),
      fc.constantFrom(13, 18),
      (tables, server) => {
        const entries = tables.flatMap(tableOf);
        assert.equal(read(entries, server).readings, parsed(entries, server));
      },
    ),
    { numRuns: 25 },
  );
});

alike("each of them, in a schema whose other names are usual ones", () => {
  const usual = Array.from({ length: 8 }, (_, number) => USUAL.map((name) => `${name}_${number}`));
  const tables = [...usual, ...words.flatMap(inEachPlace)];
  const entries = tables.flatMap(tableOf);
  const { readings, seen } = read(entries, 13);
  for (const [index, plain] of parsed(entries, 13).entries())
    assert.equal(readings[index], plain, plain.entry.sql);
  assert.ok(seen < entries.length / 2);
});

alike("of those with usual names, the parser sees three", () => {
  const tables = Array.from({ length: 100 }, (_, n) => [
    `s${n % 4}`,
    `orders${n}`,
    `id${n}`,
    `pk${n}`,
    `kind${n}`,
  ]);
  const entries = tables.flatMap(tableOf);
  const { readings, seen } = read(entries);
  assert.equal(readings, parsed(entries));
  assert.is(seen, 3 * 10);
});

alike("where the order of names makes a difference, each is parsed", () => {
  const options = ["b, a", "a, b", "d, c", "c, d", "f, e", "e, f", "h, g", "g, h"].map((pair) =>
    pair.split(", "),
  );
  const entries = options.map(([one, two]) =>
    entryOf("TABLE", `CREATE TABLE s.t (\n    id integer\n)\nWITH (x.${one}='1', x.${two}='2');`),
  );
  const { readings, seen } = read(entries);
  assert.equal(readings, parsed(entries));
  assert.ok(seen > entries.length);
});

alike("a longer name than PostgreSQL takes is cut as the parser cuts it", () => {
  const entries = Array.from({ length: 10 }, (_, n) =>
    entryOf("INDEX", `CREATE INDEX i${n} ON s.${"x".repeat(60 + n)} USING btree (id);`),
  );
  assert.equal(read(entries).readings, parsed(entries));
});

alike("a schema with every type of object, once for each of some tenants", async () => {
  const rich = await freshDatabase(await readFile(join(PACKAGE, "test/matrix/schemas/rich.sql"), "utf8"));
  const entries = readDump(await dumpSchema(rich.connection, OPTIONS)).entries.filter(
    ({ sql }) => sql !== "",
  );
  const schemas = [...new Set(entries.flatMap(({ schema }) => schema ?? []))];
  const everySchema = new RegExp(`\\b(?:${schemas.join("|")})(?=\\.)`, "g");
  const copies = Array.from({ length: 8 }, (_, tenant) =>
    entries.map((entry) => ({ ...entry, sql: entry.sql.replace(everySchema, `$&_${tenant}`) })),
  ).flat();
  const { readings, seen } = read(copies);
  assert.equal(readings, parsed(copies));
  assert.ok(seen < copies.length);
});

alike.run();

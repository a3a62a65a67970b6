/** What is left away of a large schema while a difference is written and proven. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { neighbourhoodOf } from "#src/deltas/write/neighbourhood.js";
import { sayAllTheyDo } from "#src/deltas/write/plain-statements.js";
import { type Dump, readDump } from "#src/schema/dump.js";
import { loadParser } from "#src/schema/parser.js";

const TABLES = 100;

function entry(type: string, name: string, sql: string): string {
  return `\n--\n-- Name: ${name}; Type: ${type}; Schema: public; Owner: -\n--\n\n${sql}\n`;
}

interface Changes {
  /** More columns of the table t50. */
  readonly columns?: string;
  /** Entries beside the tables. */
  readonly beside?: string;
}

/** Tables in a row, each with a key, an index and a foreign key to the one before; every tenth has a view. */
function dumpWith({ columns = "", beside = "" }: Changes = {}): Dump {
  const entries = Array.from({ length: TABLES }, (_, number) => number).flatMap((number) => {
    const table = `public.t${number}`;
    const more = number === 50 ? columns : "";
    const before = number === 0 ? 0 : number - 1;
    return [
      entry("TABLE", `t${number}`, `CREATE TABLE ${table} (\n    id integer NOT NULL${more}\n);`),
      entry(
        "CONSTRAINT",
        `t${number} p${number}`,
        `ALTER TABLE ONLY ${table} ADD CONSTRAINT p${number} PRIMARY KEY (id);`,
      ),
      entry("INDEX", `i${number}`, `CREATE INDEX i${number} ON ${table} USING btree (id);`),
      entry(
        "FK CONSTRAINT",
        `t${number} k${number}`,
        `ALTER TABLE ONLY ${table} ADD CONSTRAINT k${number} FOREIGN KEY (id) REFERENCES public.t${before}(id);`,
      ),
      ...(number % 10 === 0
        ? [entry("VIEW", `v${number}`, `CREATE VIEW public.v${number} AS\n SELECT id FROM ${table};`)]
        : []),
    ];
  });
  const head = "-- Dumped from database version 18\n\nSET row_security = off;\n";
  return readDump(`${head}${entries.join("")}${beside}`);
}

const NOTE = { columns: ",\n    note text" };

function keptOf(from: Dump, to: Dump, others = ""): { names: string[]; isClosed: boolean } {
  const found = neighbourhoodOf(from, to, others);
  if (found === null) throw new Error("it is about the better part");
  return { names: found.to.entries.map(({ name }) => name), isClosed: found.isClosed };
}

const neighbourhood = suite("the neighbourhood of a difference");

neighbourhood("is what differs, what speaks of it, and what that needs", () => {
  const { names, isClosed } = keptOf(dumpWith(), dumpWith(NOTE));
  // The neighbours are needed by foreign keys, with their keys and nothing else.
  assert.equal(names, [
    ...["t49", "t49 p49"],
    ...["t50", "t50 p50", "i50", "t50 k50", "v50"],
    ...["t51", "t51 p51", "t51 k51"],
  ]);
  assert.ok(isClosed);
});

neighbourhood("leaves away the same of both", () => {
  const [from, to] = [dumpWith(), dumpWith(NOTE)];
  const found = neighbourhoodOf(from, to, "");
  const rest = (dump: Dump, part: Dump | undefined) =>
    dump.entries.filter(({ sql }) => !part?.entries.some((entry) => entry.sql === sql));
  assert.equal(rest(from, found?.from), rest(to, found?.to));
});

neighbourhood("holds what other SQL speaks of", () => {
  const { names } = keptOf(dumpWith(), dumpWith(NOTE), "DROP INDEX i7; CREATE INDEX i7 ON t7 (id)");
  for (const name of ["t7", "i7", "t8 k8", "t8"]) assert.ok(names.includes(name), name);
  assert.not.ok(names.includes("i8"));
});

neighbourhood("is all of a schema where most of it differs", () => {
  const renamed = dumpWith();
  const entries = renamed.entries.map((each) => ({ ...each, sql: each.sql.replaceAll("integer", "bigint") }));
  const all = { ...renamed, entries: entries.map((each) => ({ ...each, sql: `${each.sql} -- anew` })) };
  assert.is(neighbourhoodOf(renamed, all, ""), null);
});

for (const [what, beside, isClosed] of [
  ["a view on a view", entry("VIEW", "w", "CREATE VIEW public.w AS SELECT id FROM public.v50;"), true],
  [
    "a cast of other types",
    entry("CAST", "CAST (a AS b)", "CREATE CAST (public.a AS public.b) WITH INOUT;"),
    true,
  ],
  [
    "a cast of the row type",
    entry("CAST", "CAST (t50 AS text)", "CREATE CAST (public.t50 AS text) WITH INOUT;"),
    false,
  ],
  ["an operator on it", entry("OPERATOR", "+", "CREATE OPERATOR public.+ (LEFTARG = public.t50);"), false],
  ["a type that holds its rows", entry("TYPE", "y", "CREATE TYPE public.y AS (row public.t50);"), false],
  [
    "an event trigger",
    entry("EVENT TRIGGER", "e", "CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f();"),
    false,
  ],
  ["an extension", entry("EXTENSION", "hstore", "CREATE EXTENSION hstore;"), true],
] as const) {
  neighbourhood(`with ${what} is ${isClosed ? "" : "not "}closed, and holds it`, () => {
    const found = keptOf(dumpWith({ beside }), dumpWith({ ...NOTE, beside }));
    assert.is(found.isClosed, isClosed);
    assert.ok(found.names.includes(readDump(beside).entries[0]?.name ?? ""));
  });
}

neighbourhood("is not closed where a type differs, or what servers of two versions have printed", () => {
  const type = entry("TYPE", "mood", "CREATE TYPE public.mood AS ENUM ('sad');");
  assert.not.ok(keptOf(dumpWith(), dumpWith({ beside: type })).isClosed);
  assert.not.ok(keptOf({ ...dumpWith(), server: 17 }, dumpWith(NOTE)).isClosed);
});

neighbourhood("goes through partitions both ways", () => {
  const attach = entry(
    "TABLE ATTACH",
    "t70",
    "ALTER TABLE ONLY public.t50 ATTACH PARTITION public.t70 FOR VALUES IN (1);",
  );
  const index = entry("INDEX ATTACH", "i70", "ALTER INDEX public.i50 ATTACH PARTITION public.i70;");
  const beside = attach + index;
  const { names } = keptOf(dumpWith({ beside }), dumpWith({ ...NOTE, beside }));
  for (const name of ["t70", "i70", "v70", "t71 k71"]) assert.ok(names.includes(name), name);
});

neighbourhood.run();

const plain = suite("statements that do nothing but what they say");

for (const [sql, isPlain] of [
  ["ALTER TABLE t ADD COLUMN a integer; CREATE INDEX i ON t (a)", true],
  ["CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'", true],
  ["GRANT SELECT ON t TO reader", true],
  ["DROP VIEW v", true],
  ["DROP VIEW v CASCADE", false],
  ["ALTER TABLE t DROP COLUMN a CASCADE", false],
  ["DROP FUNCTION f()", false],
  ["DROP TYPE mood", false],
  ["GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", false],
  ["DO $$ BEGIN DROP TABLE t; END $$", false],
  ["SELECT f()", false],
  ["UPDATE t SET a = 1", false],
  ["SET ROLE reader", false],
  ["ALTER TYPE mood ADD VALUE 'glad'", false],
  ["CREATE MATERIALIZED VIEW m AS SELECT f()", false],
] as const) {
  plain(`${isPlain ? "" : "not "}${sql}`, async () => {
    assert.is(sayAllTheyDo(sql, await loadParser()), isPlain);
  });
}

plain.run();

/** What is known of a statement by its first words alone, held against what its parse tree says. */
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { statementFacts } from "#src/deltas/facts.js";
import { plainType } from "#src/deltas/plain.js";
import { loadParser } from "#src/schema/parser.js";
import { keyOf, pathOf } from "../long/versions.js";
import { MUTATIONS } from "../schema/mutations.js";
import { STATEMENTS } from "./facts-statements.js";

const plain = suite("plain statements");
const parser = await loadParser();

/** What the first words must not hide from whoever applies a statement; null where it does not parse. */
function told(sql: string): { type: string | undefined; harm: string[] } | null {
  let stmts: NonNullable<ReturnType<typeof parser.parse>["stmts"]>;
  try {
    stmts = parser.parse(sql).stmts ?? [];
  } catch {
    return null;
  }
  const facts = statementFacts({ text: sql }, parser);
  const type = Object.keys(stmts[0]?.stmt ?? {})[0];
  const isData = ["DeleteStmt", "InsertStmt", "UpdateStmt"].includes(type ?? "");
  const harm = [
    ...(stmts.length === 1 ? [] : [`${stmts.length} statements`]),
    ...(facts.outsideTransaction ? ["outside"] : []),
    ...(facts.setting === null ? [] : ["sets"]),
    ...(facts.serverWide ? ["server-wide"] : []),
    ...((facts.kind === "data") === isData ? [] : [`data: ${!isData}`]),
  ];
  return { type, harm };
}

const WRITTEN = [
  ...STATEMENTS,
  ...MUTATIONS.flat().flatMap(({ sql }) => sql.split(/;\s*\n?/)),
  ...pathOf(60, { concurrently: true }).flatMap(({ statements, data }) => [...statements, ...data]),
].filter((sql) => sql.trim() !== "");

plain("what the first words say is what the parse tree says, of every kind of statement", () => {
  let count = 0;
  for (const sql of WRITTEN) {
    const type = plainType(sql);
    if (type === null) continue;
    const tree = told(sql);
    // A list cut at its semicolons has halves of bodies in it, which no parser takes.
    if (tree === null) continue;
    assert.equal({ sql, ...tree }, { sql, type, harm: [] });
    count += 1;
  }
  assert.ok(count > 150, `only ${count} were plain`);
});

plain("of a long path, nothing but an index built concurrently has to be parsed", () => {
  const parsed = pathOf(60, { concurrently: true }).flatMap(({ statements, data }) =>
    [...statements, ...data].filter((sql) => plainType(sql) === null),
  );
  assert.ok(parsed.length > 0 && parsed.every((sql) => sql.includes("CONCURRENTLY")), parsed.join("\n"));
  assert.is(keyOf(60), "0.60.0");
});

const NEEDS_THE_PARSER = [
  "CREATE INDEX CONCURRENTLY i ON t (a)",
  "create unique index\nconcurrently i on t (a)",
  "CREATE INDEX/**/CONCURRENTLY i ON t (a)",
  "DROP INDEX CONCURRENTLY i",
  "ALTER TABLE p DETACH PARTITION q CONCURRENTLY",
  "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
  "ALTER TABLE t RENAME TO u",
  "ALTER TYPE mood ADD VALUE 'new'",
  "CREATE TABLE t AS SELECT 1",
  "CREATE TABLE t (a, b) AS VALUES (1, 2)",
  "CREATE TEMP TABLE t (a int)",
  "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
  "CREATE MATERIALIZED VIEW v AS SELECT 1",
  "COMMENT ON DATABASE d IS ''",
  "COMMENT ON ROLE r IS ''",
  "DROP ROLE r",
  "DROP DATABASE d",
  "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
  "SELECT set_config('search_path', '', false)",
  "SET search_path = a",
  "DO $$ BEGIN COMMIT; END $$",
  "CALL p()",
  "GRANT a TO b",
  "COMMIT",
  "VACUUM t",
  "",
];

plain("what its first words do not tell is left to the parser", () => {
  for (const sql of NEEDS_THE_PARSER) assert.is(plainType(sql), null, sql);
  assert.is(plainType("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)"), "CreateStmt");
  assert.is(plainType('ALTER TABLE ONLY "a b"."c""d" ADD COLUMN e int'), "AlterTableStmt");
});

/** Pieces of SQL that make something else of a statement, or look as if they did. */
const PIECES = [
  ...["CONCURRENTLY", "AS SELECT 1", "AS", "TABLESPACE x", "ATOMIC", "CREATE", "TABLE", "INDEX", "UNIQUE"],
  ...["VIEW", "t", '"t"', "s.t", "(a int)", "(a)", "ON t", "IF EXISTS", "ONLY", "ADD COLUMN c int", "DROP c"],
  ...["RENAME TO u", "SET SCHEMA s", "SET a = 1", "WHERE true", "SELECT 1", "VALUES (1)", "ALTER", "DROP"],
  ...[
    "INSERT INTO t",
    "UPDATE t",
    "DELETE FROM t",
    "COMMENT ON",
    "DATABASE d",
    "ROLE r",
    "IS ''",
    "--\n",
    "/**/",
  ],
  ...[
    "TYPE",
    "ENUM ('a')",
    "ADD VALUE 'b'",
    "OWNED BY",
    "TEMP",
    "DEFAULT 1",
    "'as'",
    "$$as$$",
    ";",
    "COMMIT",
  ],
];

/** Without them, few of the texts would be statements at all. */
const BEGINNINGS = [
  ...[
    "CREATE TABLE t",
    "CREATE INDEX ON t",
    "CREATE VIEW v",
    "CREATE TYPE y",
    "ALTER TABLE t",
    "DROP TABLE t",
  ],
  ...["INSERT INTO t", "UPDATE t SET a = 1", "DELETE FROM t", "COMMENT ON TABLE t"],
];

plain("whatever words come together, nothing is hidden", () => {
  const texts = fc
    .tuple(
      fc.option(fc.constantFrom(...BEGINNINGS), { nil: "" }),
      fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 6 }),
    )
    .map(([beginning, words]) => [beginning, ...words].join(" ").trim());
  let count = 0;
  fc.assert(
    fc.property(texts, fc.boolean(), (text, small) => {
      const sql = small ? text.toLowerCase() : text;
      const type = sql.includes(";") ? null : plainType(sql);
      const tree = type === null ? null : told(sql);
      if (tree === null) return;
      assert.equal({ sql, ...tree }, { sql, type, harm: [] });
      count += 1;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(count > 100, `only ${count} were plain`);
});

plain.run();

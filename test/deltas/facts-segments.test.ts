/** Where a path is cut into transactions, and that the server agrees with every cut. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkDeltas } from "#src/deltas/check.js";
import { type Segment, segmentsOf } from "#src/deltas/facts/segments.js";
import { statementFacts } from "#src/deltas/facts.js";
import type { Statement } from "#src/deltas/report.js";
import { type Client, withClient } from "#src/postgres/connection.js";
import { loadParser } from "#src/schema/parser.js";
import { freshDatabase } from "../support/server.js";

const segments = suite("segments");

async function statementsOf(sql: string): Promise<readonly Statement[]> {
  const { statements, problems } = await checkDeltas(Buffer.from(sql), "shopdb.deltas");
  assert.equal(problems, []);
  return statements;
}

async function cut(sql: string, serverVersion?: number): Promise<Segment<Statement>[]> {
  return segmentsOf(await statementsOf(sql), await loadParser(), serverVersion);
}

/** How many statements each segment has; one outside of a transaction is a minus one. */
async function shape(sql: string): Promise<number[]> {
  return (await cut(sql)).map(({ transaction, statements }) =>
    transaction ? statements.length : -statements.length,
  );
}

async function runSegment(client: Client, { transaction, statements }: Segment<Statement>): Promise<void> {
  if (transaction) await client.query("BEGIN");
  for (const { text } of statements) await client.query(text);
  if (transaction) await client.query("COMMIT");
}

const MOODS = "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE people (id integer, feels mood, felt mood[]);";

segments("everything that may share a transaction does", async () => {
  assert.equal(await shape("CREATE TABLE t (id integer); INSERT INTO t VALUES (1); DROP TABLE t;"), [3]);
  assert.equal(await shape(""), []);
});

segments("a statement that may not runs on its own, between two transactions", async () => {
  const found = await cut(
    "CREATE TABLE t (id integer); CREATE INDEX CONCURRENTLY i ON t (id); VACUUM t; INSERT INTO t VALUES (1); DROP TABLE t;",
  );
  assert.equal(
    found.map(({ transaction, statements }) => [transaction, statements.length]),
    [
      [true, 1],
      [false, 1],
      [false, 1],
      [true, 2],
    ],
  );
  assert.is(found[1]?.why, "CREATE INDEX CONCURRENTLY cannot run inside a transaction block");
  assert.is(found[0]?.why, null);
});

/** After `ADD VALUE 'glad'`: what uses the value, so that a server refuses it in the same transaction. */
const USES = [
  "INSERT INTO people VALUES (1, 'glad')",
  "UPDATE people SET feels = 'glad'",
  "INSERT INTO people VALUES (1, NULL, '{sad,glad}')",
  "ALTER TABLE people ALTER COLUMN feels SET DEFAULT 'glad'",
  "CREATE VIEW happy AS SELECT * FROM people WHERE feels = 'glad'",
  "CREATE INDEX happy ON people (id) WHERE feels = 'glad'",
  "ALTER TABLE people ADD CHECK (feels <> 'glad')",
  "CREATE FUNCTION f() RETURNS mood LANGUAGE sql AS $$ SELECT 'glad'::mood $$",
  "DO $$ BEGIN INSERT INTO people VALUES (1, 'glad'); END $$",
];
const HARMLESS = [
  "INSERT INTO people VALUES (1, 'sad')",
  "CREATE TABLE more (feels mood DEFAULT 'sad')",
  "CREATE FUNCTION f() RETURNS mood LANGUAGE plpgsql AS $$ BEGIN RETURN 'glad'; END $$",
  "ALTER TYPE mood ADD VALUE 'calm' AFTER 'glad'",
  "ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'",
];

for (const [statements, cuts] of [
  [USES, true],
  [HARMLESS, false],
] as const) {
  for (const sql of statements) {
    segments(`a new value of an enum, then ${sql}`, async () => {
      const deltas = `ALTER TYPE mood ADD VALUE 'glad'; ${sql};`;
      const found = await cut(deltas);
      assert.is(found.length, cuts ? 2 : 1);
      if (cuts) assert.is(found[1]?.why, "uses 'glad', which the transaction before it adds to mood");

      const [inOne, inSegments] = [await freshDatabase(MOODS), await freshDatabase(MOODS)];
      const refused = await withClient(inOne.connection, async (client) => {
        await client.query("BEGIN");
        await client.query("ALTER TYPE mood ADD VALUE 'glad'");
        return client.query(sql).then(
          () => null,
          (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
        );
      });
      assert.is(refused, cuts ? "55P04" : null);
      await withClient(inSegments.connection, async (client) => {
        for (const segment of found) await runSegment(client, segment);
      });
    });
  }
}

segments("a value of a type that the same transaction makes may be used in it", async () => {
  const deltas =
    "CREATE TYPE mood AS ENUM ('sad'); ALTER TYPE mood ADD VALUE 'glad'; CREATE TABLE t (feels mood DEFAULT 'glad');";
  const found = await cut(deltas);
  assert.is(found.length, 1);
  // "unsafe use of new value" says every server before 17.
  assert.is((await cut(deltas, 160_009)).length, 2);
  const db = await freshDatabase();
  await withClient(db.connection, async (client) => {
    for (const segment of found) await runSegment(client, segment);
  });
});

segments("the first use cuts, and what follows needs no further cut", async () => {
  assert.equal(
    await shape(
      `ALTER TYPE mood ADD VALUE 'a'; ALTER TYPE mood ADD VALUE 'b'; SELECT 1;
       INSERT INTO people VALUES (1, 'a'); INSERT INTO people VALUES (1, 'b');`,
    ),
    [3, 2],
  );
  assert.equal(
    await shape("ALTER TYPE mood ADD VALUE 'a'; VACUUM; INSERT INTO people VALUES (1, 'a');"),
    [1, -1, 1],
  );
});

segments("code that commits is seen in a DO block, and said to be unseen behind a CALL", async () => {
  const parser = await loadParser();
  const facts = (text: string) => statementFacts({ text }, parser);
  assert.is(facts("DO $$ BEGIN COMMIT; END $$").outsideTransaction, true);
  assert.is(
    facts("DO $$ BEGIN IF true THEN LOOP ROLLBACK; END LOOP; END IF; END $$").outsideTransaction,
    true,
  );
  assert.is(facts("DO $$ BEGIN PERFORM 'COMMIT;'; END $$").outsideTransaction, false);
  assert.is(facts("CALL shop.work()").outsideTransaction, false);
  assert.ok(
    facts("CALL shop.work()").unclear.includes("shop.work may commit, and cannot run in a transaction then"),
  );
  assert.ok(
    facts("DO LANGUAGE plperl 'spi_commit()'").unclear.includes(
      "the code may commit, and cannot run in a transaction then",
    ),
  );
});

/** What is gone afterwards, as people would say it. */
const DESTRUCTIVE: readonly (readonly [string, string | null])[] = [
  ["ALTER TABLE orders DROP COLUMN note", "column orders.note"],
  ['ALTER TABLE shop.orders DROP COLUMN a, DROP COLUMN "B"', 'column shop.orders.a, column shop.orders."B"'],
  ["DROP TABLE a, shop.b", "table a, table shop.b"],
  ["DROP SEQUENCE s", "sequence s"],
  ["DROP SCHEMA s", null],
  ["DROP SCHEMA s CASCADE", "schema s with all that depends on it"],
  ["DROP TYPE t CASCADE", "type t with all that depends on it"],
  ["DROP EXTENSION hstore CASCADE", "extension hstore with all that depends on it"],
  ["DROP VIEW v", null],
  ["DROP MATERIALIZED VIEW v", null],
  ["DROP INDEX i", null],
  ["DROP FUNCTION f()", null],
  ["TRUNCATE a, b", "all rows of a, all rows of b"],
  ["TRUNCATE a CASCADE", "all rows of a, all rows of the tables that refer to it"],
  ["DELETE FROM a WHERE id = 1", "rows of a"],
  ["WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", "rows of a"],
  ["CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'", null],
  ["UPDATE a SET b = 1", null],
  ["DROP OWNED BY anna", "all that anna owns"],
  ["DROP DATABASE d", "database d"],
  ["ALTER TYPE address DROP ATTRIBUTE town", "column address.town"],
  ["ALTER TABLE a DROP CONSTRAINT c", null],
];

for (const [text, destroyed] of DESTRUCTIVE) {
  segments(`what is destroyed by ${text}`, async () => {
    assert.is(statementFacts({ text }, await loadParser()).destructive, destroyed);
  });
}

segments("a rule that deletes destroys nothing when it is made", async () => {
  const text = "CREATE RULE r AS ON INSERT TO a DO ALSO DELETE FROM b";
  assert.is(statementFacts({ text }, await loadParser()).destructive, null);
});

segments("a setting holds for the session or the transaction", async () => {
  const parser = await loadParser();
  const setting = (text: string) => statementFacts({ text }, parser).setting;
  assert.is(setting("SET search_path = shop"), "session");
  assert.is(setting("RESET ALL"), "session");
  assert.is(setting("SET ROLE anna"), "session");
  assert.is(setting("SET LOCAL search_path = shop"), "transaction");
  assert.is(setting("SET CONSTRAINTS ALL IMMEDIATE"), "transaction");
  assert.is(setting("ALTER ROLE anna SET search_path = shop"), null);
});

segments.run();

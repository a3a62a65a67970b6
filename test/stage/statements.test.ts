/** The statements of a part go to the server together, and a failure is still told of the one that it belongs to. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { StatementFailure } from "#src/stage/failures.js";
import type { PlannedStatement, PlannedVersion } from "#src/stage/plan.js";
import { runPart } from "#src/stage/statements.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";

/** A version of these statements, each in a paragraph of its own. */
function versionOf(texts: readonly string[]): PlannedVersion {
  let line = 1;
  const statements = texts.map((text): PlannedStatement => {
    const statement = { text, line, outside: null, afterCommit: false, setsSession: text.startsWith("SET") };
    line += text.split("\n").length + 1;
    return statement;
  });
  const names = { version: "1.1.0", versionId: "", deltas: null, file: "1.1.0.deltas" };
  return { ...names, how: "applied", statements, includes: [] };
}

const FRESH = ["RESET ALL", "SET lock_timeout = 0"];

/** Runs statements in a transaction that is taken back. */
async function run(texts: readonly string[], from = 0): Promise<number[]> {
  const { connection } = await freshDatabase("CREATE TABLE t (id integer PRIMARY KEY, word text)");
  const version = versionOf(texts);
  const told: number[] = [];
  await withClient(connection, async (client) => {
    await client.query("BEGIN");
    await runPart({ version, from, to: texts.length }, { client, fresh: FRESH }, (_, number) =>
      told.push(number ?? -1),
    );
  });
  return told;
}

const statements = suite("the statements of a part");

statements("are told one by one, whatever they answer", async () => {
  const texts = [
    "INSERT INTO t VALUES (1, 'a;b') -- ;",
    "SELECT * FROM t, generate_series(1, 5)",
    "DO $$ BEGIN PERFORM 1; PERFORM 2; END $$",
    "/* ; */ UPDATE t SET word = 'x'",
  ];
  assert.equal(await run(texts), [0, 1, 2, 3]);
});

statements("are named by file and line where one fails, with a position and without", async () => {
  const failing: readonly (readonly [sql: string, line: number])[] = [
    ["INSERT INTO t\nVALUES (1)", 3],
    ["INSERT INTO t\nVALUES (2,\n  'é',\n  nothing)", 6],
    ["SELECT 1 / (id - 1)\nFROM t", 3],
  ];
  for (const [sql, line] of failing) {
    const failure = await thrownBy(
      StatementFailure,
      run(["INSERT INTO t VALUES (1, 'é…') -- ü", sql, "SELECT 1"]),
    );
    assert.is(failure.where, `1.1.0.deltas:${line}`, sql);
    assert.is(failure.place.statement.text, sql);
  }
});

statements("have the settings of those before them where a run begins in the middle", async () => {
  const texts = [
    "SET search_path = pg_catalog",
    "SELECT 1",
    "DO $$ BEGIN ASSERT current_schema = 'pg_catalog'; END $$",
  ];
  assert.equal(await run(texts, 2), [2]);
});

statements.run();

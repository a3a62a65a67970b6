/** The statements of several versions go to the server together, and a failure is still told of the one that it belongs to. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { StatementFailure } from "#src/stage/failures.js";
import type { PlannedStatement, PlannedVersion } from "#src/stage/plan.js";
import { inQueries } from "#src/stage/query.js";
import { runQuery } from "#src/stage/statements.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";

/** A version of these statements, each in a paragraph of its own. */
function versionOf(texts: readonly string[], version = "1.1.0"): PlannedVersion {
  let line = 1;
  const statements = texts.map((text): PlannedStatement => {
    const statement = { text, line, outside: null, afterCommit: false, setsSession: text.startsWith("SET") };
    line += text.split("\n").length + 1;
    return statement;
  });
  const names = { version, versionId: version, deltas: null, file: `${version}.deltas` };
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
    await runQuery([{ version, from, to: texts.length }], { client, fresh: FRESH }, (_, number) =>
      told.push(number ?? -1),
    );
  });
  return told;
}

/** Runs all of several versions as one query. @returns what was told, and for which versions a time was taken */
async function runAll(versions: readonly PlannedVersion[]): Promise<[told: string[], timed: string[]]> {
  const { connection } = await freshDatabase("CREATE TABLE t (id integer PRIMARY KEY, word text)");
  const told: string[] = [];
  const parts = versions.map((version) => ({ version, from: 0, to: version.statements.length }));
  const timed = await withClient(connection, async (client) => {
    await client.query("BEGIN");
    return runQuery(parts, { client, fresh: FRESH }, ({ version }, number) =>
      told.push(`${version.version}/${number}`),
    );
  });
  return [told, [...timed.keys()].map(({ version }) => version.version)];
}

const statements = suite("the statements of a query");

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

statements(
  "of several versions are told and timed by version, each beginning with fresh settings",
  async () => {
    const versions = [
      versionOf(["SET search_path = pg_catalog", "SELECT 1"], "1.1.0"),
      versionOf([], "1.2.0"),
      versionOf(["DO $$ BEGIN ASSERT current_schema = 'public'; END $$"], "1.3.0"),
    ];
    assert.equal(await runAll(versions), [
      ["1.1.0/0", "1.1.0/1", "1.3.0/0"],
      ["1.1.0", "1.3.0"],
    ]);
  },
);

statements("of a later version are named where one fails, even one that the server cannot read", async () => {
  for (const failing of [
    "INSERT INTO t\nVALUES (2, nothing)",
    "CREATE\nNOVELTY x",
    "SELECT 1 / (0 * 1)\n",
    "SELECT (",
  ]) {
    const versions = [
      versionOf(["INSERT INTO t VALUES (1, 'é…') -- ü", "SELECT 1"], "1.1.0"),
      versionOf(["SELECT 1", failing, "SELECT 2"], "1.2.0"),
    ];
    const failure = await thrownBy(StatementFailure, runAll(versions));
    assert.is(failure.place.statement.text, failing);
    assert.is(failure.place.version.version, "1.2.0");
    const line = /nothing|NOVELTY/.test(failing) ? 4 : 3;
    assert.is(failure.where, `1.2.0.deltas:${line}`, failing);
  }
});

statements("are one query up to a length, and an archived schema is one of its own", () => {
  const part = (length: number, how: PlannedVersion["how"] = "applied") => {
    const version = { ...versionOf(["x".repeat(length)]), how };
    return { version, from: 0, to: 1 };
  };
  const parts = [part(10, "loaded"), part(10), part(10), part(99_990), part(300_000), part(1)];
  const queries = inQueries(parts).map((query) => query.map((one) => parts.indexOf(one)));
  assert.equal(queries, [[0], [1, 2], [3], [4], [5]]);
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

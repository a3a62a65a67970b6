/** A part of the pairs; pairs.ts runs all of them, each on its own, which takes a quarter of an hour. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { testServer } from "../support/server.js";
import { PAIR_ROLES, runTogether } from "./pair-run.js";
import { OTHER_PAIRS } from "./pairs/others.js";
import type { Pair } from "./pairs/pair.js";
import { ROW_PAIRS } from "./pairs/rows.js";
import { TABLE_PAIRS } from "./pairs/tables.js";

const writing = suite("deltas that are written");

writing.before(async () => {
  await withClient(await testServer(), (client) => client.query(PAIR_ROLES));
});

function named(pairs: readonly Pair[], ...names: string[]): Pair[] {
  return names.map((name) => {
    const pair = pairs.find((each) => each.name === name);
    if (pair === undefined) throw new Error(`there is no pair ${name}`);
    return pair;
  });
}

const TABLES = named(
  TABLE_PAIRS,
  "a unique index on an expression, partial",
  "two tables that refer to each other",
  "checks, one of them not inherited",
  "an identity's options",
  "a generated column's expression",
  "comments on a table, a column, a key",
  "privileges",
  "a policy changes in all it has",
  "statistics of other columns",
  "a rule of two commands, switched off",
  "a key and an index over partitions",
  "columns in another order",
);
const OTHERS = named(
  OTHER_PAIRS,
  "a view's column gets another type, with a view on it",
  "a function's result, which a view and a check use",
  "values of an enum in another order",
  "a domain on another type, in no use",
  "an operator class that an index uses",
  "a cast becomes implicit",
  "a collation that a column uses",
  "mappings of a configuration",
  "publications",
);
const ROWS = named(
  ROW_PAIRS,
  "a column gets a collation",
  "a table is renamed",
  "a value that no row has is taken away",
  "a table is partitioned",
  "a domain's base type changes",
  "a serial becomes an identity, which goes on behind the rows",
);

for (const [name, pairs] of [
  ["tables", TABLES],
  ["other objects", OTHERS],
  ["tables with rows", ROWS],
] as const) {
  writing(`are proven for ${pairs.length} pairs of ${name}`, async () => {
    const results = await runTogether(name, pairs);
    for (const { mistakes, outcome, sql } of results) {
      assert.equal(mistakes, [], sql);
      assert.is(outcome, "proven");
    }
  });
}

writing.run();

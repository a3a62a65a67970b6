/** Dangerous statements: in words of our own, and in squawk's. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkDeltas } from "#src/deltas/check.js";
import { dangersOf } from "#src/deltas/facts/dangers.js";
import { byStatement, squawkWarnings } from "#src/deltas/facts/squawk.js";
import { statementFacts } from "#src/deltas/facts.js";
import { loadParser } from "#src/schema/parser.js";

const dangers = suite("dangers");

for (const [text, sentences] of [
  ["CREATE INDEX ON orders (note)", ["Nobody writes to orders while it is read from end to end."]],
  ["CREATE INDEX CONCURRENTLY i ON orders (note)", []],
  [
    "ALTER TABLE orders ALTER COLUMN a TYPE bigint",
    ["Nobody reads or writes orders while it is written anew."],
  ],
  [
    "ALTER TABLE orders ADD CHECK (a > 0)",
    ["Nobody reads or writes orders while it is read from end to end."],
  ],
  ["ALTER TABLE orders ADD CHECK (a > 0) NOT VALID", []],
  [
    "ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES b",
    [
      "Nobody writes to orders while it is read from end to end.",
      "Nobody writes to b while it is read from end to end.",
    ],
  ],
  ["ALTER TABLE orders VALIDATE CONSTRAINT c", []],
  ["ALTER TABLE orders ADD COLUMN note text", []],
  ["ALTER TABLE orders DROP COLUMN note", ["Gone afterwards: column orders.note."]],
] as const) {
  dangers(text, async () => {
    assert.equal(dangersOf(statementFacts({ text }, await loadParser())), [...sentences]);
  });
}

const DELTAS = `-- the é before it is two bytes long
COMMENT ON TABLE orders IS 'é 😀'; DROP TABLE old;
ALTER TABLE orders
  ADD COLUMN note text,
  DROP COLUMN remark;
CREATE TABLE fine (id integer PRIMARY KEY, name char(3));
-- squawk-ignore ban-drop-table
DROP TABLE older;
CREATE INDEX i ON orders (note);
`;

async function warningsOf(text: string) {
  const warnings = await squawkWarnings(text, 18);
  if (warnings === null) throw new Error("squawk-cli is not installed: npm install");
  return warnings;
}

dangers("squawk's warnings, each with its statement, and neither style nor time limits", async () => {
  const { statements } = await checkDeltas(Buffer.from(DELTAS), "shopdb.deltas");
  const warnings = await warningsOf(DELTAS);
  const rules = byStatement(statements, warnings).map((found) => found.map(({ rule }) => rule));
  assert.equal(rules, [
    [],
    ["ban-drop-table"],
    ["ban-drop-column"],
    [],
    [],
    ["require-concurrent-index-creation"],
  ]);
  assert.equal(
    warnings.map(({ line, column }) => [line, column]),
    [
      [2, 35],
      [5, 3],
      [9, 1],
    ],
  );
  assert.match(warnings[2]?.message ?? "", "table updates are blocked");
  assert.match(warnings[2]?.help ?? "", "concurrently");
});

dangers("squawk has nothing to say of nothing", async () => {
  assert.equal(await warningsOf(""), []);
  assert.equal(await warningsOf("-- nothing\n"), []);
});

dangers.run();

/** What is left away of a large schema while a difference is written. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { statementsAside, withoutStatements } from "#src/deltas/write/neighbourhood.js";
import { canonicalSchema } from "#src/schema/index.js";

const TABLES = 100;
const name = (number: number) => `public.t${number}`;

/** Tables in a row, each referring to the one before; every tenth has a view. */
function dump(columns: string): string {
  const statements = Array.from({ length: TABLES }, (_, index) => index).flatMap((number) => [
    `CREATE TABLE ${name(number)} (\n    id integer NOT NULL${number === 50 ? columns : ""}\n);`,
    ...(number % 10 === 0 ? [`CREATE VIEW public.v${number} AS\n SELECT id FROM ${name(number)};`] : []),
  ]);
  const keys = Array.from({ length: TABLES - 1 }, (_, index) => index + 1).map(
    (number) =>
      `ALTER TABLE ONLY ${name(number)}\n    ADD CONSTRAINT k${number} FOREIGN KEY (id) REFERENCES ${name(number - 1)}(id);`,
  );
  return ["SET row_security = off;", ...statements, ...keys, ""].join("\n\n");
}

const neighbourhood = suite("the neighbourhood of a difference");

neighbourhood("is what differs, what speaks of it, and what that needs", async () => {
  const [from, to] = [dump(""), dump(",\n    note text")];
  const aside = statementsAside(await canonicalSchema(from), await canonicalSchema(to), "");
  if (aside === null) throw new Error("only one table differs");
  const kept = withoutStatements(to, aside);
  const made = [...kept.matchAll(/CREATE (?:TABLE|VIEW) public\.(\w+)/g)].map(([, made]) => made);
  assert.equal(made, ["t49", "t50", "v50", "t51"]);
  const keys = [...kept.matchAll(/CONSTRAINT (\w+)/g)].map(([, key]) => key);
  assert.equal(keys, ["k50", "k51"]);
  assert.match(kept, "SET row_security = off;");
});

neighbourhood("holds what other SQL speaks of", async () => {
  const [from, to] = [dump(""), dump(",\n    note text")];
  const other = "ALTER TABLE t7 ADD COLUMN more text";
  const aside = statementsAside(await canonicalSchema(from), await canonicalSchema(to), other);
  assert.match(withoutStatements(from, aside ?? new Set()), "CREATE TABLE public.t7 (");
  assert.not.ok(aside?.has(`CREATE TABLE ${name(8)} (\n    id integer NOT NULL\n)`));
});

neighbourhood("is all of a schema where most of it differs", async () => {
  const renamed = dump("").replaceAll("integer", "bigint");
  assert.is(statementsAside(await canonicalSchema(dump("")), await canonicalSchema(renamed), ""), null);
});

neighbourhood.run();

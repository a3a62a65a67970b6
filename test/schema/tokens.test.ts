/** A definition in which any one token is another is another definition. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import { type Entry, readDump } from "#src/schema/dump.js";
import { canonicalSchema, diffSchemas } from "#src/schema/index.js";
import { loadParser } from "#src/schema/parser.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";
import { isOwn, isPlaceholder, written } from "./dump-entries.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const rich = await readFile(join(PACKAGE, "test/matrix/schemas/rich.sql"), "utf8");
const database = await freshDatabase(rich);
const { entries } = readDump(await dumpSchema(database.connection, OPTIONS));
const parser = await loadParser();

/** Words with an opposite that stands in the same place. */
const OPPOSITES: ReadonlyMap<string, string> = new Map(
  [
    ["AFTER", "BEFORE"],
    ["ALWAYS", "BY DEFAULT"],
    ["AND", "OR"],
    ["ASC", "DESC"],
    ["CASCADE", "RESTRICT"],
    ["DELETE", "INSERT"],
    ["DISABLE", "ENABLE"],
    ["EXCEPT", "INTERSECT"],
    ["FALSE", "TRUE"],
    ["FIRST", "LAST"],
    ["IMMUTABLE", "STABLE"],
    ["LEFT", "RIGHT"],
    ["OLD", "NEW"],
    ["PRECEDING", "FOLLOWING"],
    ["ROWS", "RANGE"],
    ["SELECT", "UPDATE"],
    ["integer", "bigint"],
  ].flatMap(([one = "", other = ""]) => [
    [one, other],
    [other, one],
  ]),
);
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ["=", "<>"],
  ["<>", "="],
  ["<", ">"],
  [">", "<"],
  [">=", "<="],
  ["<=", ">="],
  ["+", "-"],
  ["-", "+"],
  ["*", "/"],
]);

interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The tokens of some SQL that say something; places count characters. */
function tokensOf(sql: string): Token[] {
  const bytes = Buffer.from(sql);
  const at = (offset: number) => bytes.toString("utf8", 0, offset).length;
  return parser
    .scan(sql)
    .tokens.map(({ start, end, text }) => ({ start: at(start), end: at(end), text }))
    .filter(({ text }) => changed(text) !== text);
}

/** The token that stands in another's place; itself where there is none. */
function changed(text: string): string {
  const opposite = OPPOSITES.get(text) ?? OPERATORS.get(text);
  if (opposite !== undefined) return opposite;
  if (/^(?:--|\/\*)/.test(text)) return text;
  if (/^".*"$/s.test(text)) return `${text.slice(0, -1)}x"`;
  if (/^(?:\$\w*\$).*\$$/s.test(text)) return text.replace(/^(\$\w*\$)/, "$1x");
  if (/^[BbXx]'/.test(text)) return text.replace(/'$/, "1'");
  if (/'$/.test(text)) return text.replace(/'$/, "x'");
  if (/^[\d.]+$/.test(text)) return `${text}1`;
  return /^[\w\u0080-\uffff]+$/.test(text) ? `${text}x` : text;
}

/**
 * A token that means nothing where it stands: the name of a NOT NULL constraint, an owner, and the name of a parameter in
 * a statement that only speaks of a function.
 */
function isLeftOut({ type, sql }: Entry, { start, end }: Token): boolean {
  const [before, after] = [sql.slice(0, start), sql.slice(end)];
  if (/\bCONSTRAINT $/.test(before) && /^ NOT NULL\b/.test(after)) return true;
  if (/^ALTER DEFAULT PRIVILEGES FOR ROLE $/.test(before)) return true;
  const isReference = type === "ACL" || type === "COMMENT";
  return isReference && /(?:\(|, |\bIN |\bINOUT )$/.test(before) && /^ \w/.test(after);
}

interface Place {
  readonly entry: Entry;
  readonly token: Token;
}

const places: readonly Place[] = entries
  .filter((entry) => !isOwn(entry) && !isPlaceholder(entry) && entry.sql !== "")
  .flatMap((entry) =>
    tokensOf(entry.sql)
      .filter((token) => !isLeftOut(entry, token))
      .map((token) => ({ entry, token })),
  );

const tokens = suite("a token that is another");

tokens(`changes the checksum, whichever of ${places.length} it is`, async () => {
  const before = await canonicalSchema(written(entries));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), async ({ entry, token }) => {
      const { sql } = entry;
      const other = sql.slice(0, token.start) + changed(token.text) + sql.slice(token.end);
      const after = await canonicalSchema(
        written(entries.map((each) => (each === entry ? { ...entry, sql: other } : each))),
      );
      assert.is.not(after.checksum, before.checksum, `${token.text} → ${changed(token.text)} in\n${other}`);
      const { added, changed: altered, dropped } = diffSchemas(before, after);
      assert.ok(added.length + altered.length + dropped.length > 0);
    }),
    { numRuns: 500 },
  );
});

tokens.run();

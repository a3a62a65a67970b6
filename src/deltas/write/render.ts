/** Deltas as text: one statement a paragraph, each with what a reader has to know of it above. */
import type { Node } from "libpg-query";
import { readable } from "../../schema/names.js";
import type { Parser } from "../../schema/parser.js";
import { dangersOf } from "../facts/dangers.js";
import { type StatementFacts, statementFacts } from "../facts.js";
import { saferWay, tablesMadeBy } from "./online.js";
import { renderPlace } from "./places.js";
import { withPlainNames } from "./plain-names.js";
import { ASIDE } from "./rebuild.js";
import type { WrittenStatement } from "./written.js";

/** Writes statements as paragraphs. @returns text that ends with a line end; empty for none */
export function renderStatements(statements: readonly WrittenStatement[], parser: Parser): string {
  const parsed = statements.map((statement) => ({ statement, node: nodeOf(statement.sql, parser) }));
  const made = tablesMadeBy(parsed.flatMap(({ node }) => node ?? []));
  const isNew = (table: string) => made.has(table);
  return parsed.map(({ statement, node }) => `${paragraph(statement, node, isNew, parser)}\n`).join("\n");
}

function nodeOf(sql: string, parser: Parser): Node | undefined {
  return parser.parse(sql).stmts?.[0]?.stmt;
}

function paragraph(
  { sql, notes, place }: WrittenStatement,
  node: Node | undefined,
  isNew: (table: string) => boolean,
  parser: Parser,
): string {
  const text = withPlainNames(sql, parser);
  const facts = statementFacts({ text: sql }, parser);
  const safer = node === undefined ? null : saferWay({ text: sql, node }, isNew, parser);
  const lines = [
    ...destroyed(text, facts),
    ...dangersOf({ ...ofOldTables(facts, isNew), destructive: null }),
    ...(safer === null ? [] : [`Safer on a table in use, as --online writes it: ${safer.words}.`]),
    ...notes,
  ];
  const comments = lines.flatMap((line) => line.split("\n")).map((line) => `-- ${line}`);
  return [...(place === undefined ? [] : [renderPlace(place).trimEnd()]), ...comments, `${text};`].join("\n");
}

function destroyed(text: string, { destructive }: StatementFacts): string[] {
  const isCopied = text.startsWith(`DROP TABLE ${ASIDE}.`);
  return destructive === null || isCopied ? [] : [`DESTROYS DATA: ${destructive}`];
}

/** Nobody waits for a table that is made by the same deltas. */
function ofOldTables(facts: StatementFacts, isNew: (table: string) => boolean): StatementFacts {
  const quoted = (name: string) =>
    name.split(".").map((part) => (part === readable(part) ? `"${part}"` : part));
  return { ...facts, locks: facts.locks.filter(({ object }) => !isNew(quoted(object).join("."))) };
}

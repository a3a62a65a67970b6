/** Deltas as text: one statement a paragraph, each with what a reader has to know of it above. */
import type { Parser } from "../../schema/parser.js";
import { dangersOf } from "../facts/dangers.js";
import { statementFacts } from "../facts.js";
import { withPlainNames } from "./plain-names.js";
import { ASIDE } from "./rebuild.js";
import type { WrittenStatement } from "./written.js";

/** Writes statements as paragraphs. @returns text that ends with a line end; empty for none */
export function renderStatements(statements: readonly WrittenStatement[], parser: Parser): string {
  return statements.map((statement) => `${paragraph(statement, parser)}\n`).join("\n");
}

function paragraph({ sql, notes }: WrittenStatement, parser: Parser): string {
  const text = withPlainNames(sql, parser);
  const lines = [...warningsOf(text, parser), ...notes].flatMap((note) => note.split("\n"));
  return [...lines.map((line) => `-- ${line}`), `${text};`].join("\n");
}

/** What it destroys before all else, then whom it keeps waiting. */
function warningsOf(text: string, parser: Parser): string[] {
  const facts = statementFacts({ text }, parser);
  const isCopied = text.startsWith(`DROP TABLE ${ASIDE}.`);
  const destroyed = facts.destructive === null || isCopied ? [] : [`DESTROYS DATA: ${facts.destructive}`];
  return [...destroyed, ...dangersOf({ ...facts, destructive: null })];
}

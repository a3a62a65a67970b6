import type { Node } from "libpg-query";
import type { Parser } from "../schema/parser.js";
import { offsetOfByte } from "./position.js";
import type { Statement } from "./report.js";

/**
 * A statement on an index as it is for a database in which nobody works: without CONCURRENTLY, which keeps others
 * working while the index is built and forbids a transaction. It leads to the same schema. PostgreSQL itself
 * leaves it out where nobody else can be: https://www.postgresql.org/docs/current/sql-createindex.html, of temporary tables.
 *
 * @returns with blanks for the word, so that every place in it stays where it was; any other statement as it is
 */
export function withoutConcurrently<S extends Pick<Statement, "text">>(statement: S, parser: Parser): S {
  const { text } = statement;
  const node = parser.parse(text).stmts?.[0]?.stmt;
  if (node === undefined || !worksConcurrently(node)) return statement;
  const word = parser.scan(text).tokens.find((token) => token.text.toLowerCase() === "concurrently");
  if (word === undefined) return statement;
  const [start, end] = [offsetOfByte(text, word.start), offsetOfByte(text, word.end)];
  return { ...statement, text: text.slice(0, start) + " ".repeat(end - start) + text.slice(end) };
}

function worksConcurrently(node: Node): boolean {
  if ("IndexStmt" in node) return node.IndexStmt.concurrent === true;
  return "DropStmt" in node && node.DropStmt.concurrent === true;
}

import type { RawStmt } from "libpg-query";
import type { Parser } from "../schema/parser.js";
import { offsetOfCodePoint } from "./position.js";

/** What PostgreSQL's parser has against a text. */
export interface SqlSyntaxError {
  /** PostgreSQL's own words, e.g. `syntax error at or near "frm"`. */
  readonly message: string;
  /** UTF-16 code units from the start of the text. */
  readonly offset: number;
}

/** The statements of a text, or the first error in it. */
export type Parsed =
  | { readonly statements: readonly RawStmt[]; readonly error?: undefined }
  | { readonly statements: readonly []; readonly error: SqlSyntaxError };

/** PostgreSQL gives the place of an error in code points; the binding counts them from 0. */
function cursorOf(error: Error): number | undefined {
  if (!("sqlDetails" in error)) return undefined;
  const { sqlDetails } = error;
  if (typeof sqlDetails !== "object" || sqlDetails === null || !("cursorPosition" in sqlDetails)) {
    return undefined;
  }
  return typeof sqlDetails.cursorPosition === "number" ? sqlDetails.cursorPosition : undefined;
}

/**
 * Parses a text with PostgreSQL's parser.
 *
 * @param sql any number of statements, not the empty string
 * @returns the statements, or the first syntax error as a value; any other error is thrown on
 */
export function tryParse(parser: Parser, sql: string): Parsed {
  try {
    return { statements: parser.parse(sql).stmts ?? [] };
  } catch (error) {
    // The parser's own limit is much the same as a server's `max_stack_depth`, which would refuse it too.
    if (error instanceof RangeError && error.message.includes("call stack")) {
      return { statements: [], error: { message: "the statement is nested too deeply", offset: 0 } };
    }
    const cursor = error instanceof Error ? cursorOf(error) : undefined;
    if (!(error instanceof Error) || cursor === undefined) throw error;
    return { statements: [], error: { message: error.message, offset: offsetOfCodePoint(sql, cursor) } };
  }
}

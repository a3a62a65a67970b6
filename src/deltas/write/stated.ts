/** SQL as pg_dump writes it, cut into statements with their parse trees. */
import type { Node } from "libpg-query";
import type { Parser } from "../../schema/parser.js";

/** One statement. */
export interface Stated {
  /** Without its semicolon. */
  readonly text: string;
  readonly node: Node;
}

/** Cuts SQL that parses. The places in the parse trees are those in each statement's own text. */
export function statedIn(sql: string, parser: Parser): Stated[] {
  return textsIn(sql, parser).flatMap((text) => {
    const [parsed] = parser.parse(text).stmts ?? [];
    return parsed?.stmt === undefined ? [] : [{ text, node: parsed.stmt }];
  });
}

function textsIn(sql: string, parser: Parser): string[] {
  const bytes = Buffer.from(sql);
  return (parser.parse(sql).stmts ?? []).map(({ stmt_location: from = 0, stmt_len: length }) => {
    const to = length === undefined ? bytes.length : from + length;
    return bytes.toString("utf8", from, to).trim().replace(/;$/, "").trimEnd();
  });
}

/** The tokens of a statement, each with its text. */
export function tokensOf(sql: string, parser: Parser): { readonly text: string; readonly start: number }[] {
  const bytes = Buffer.from(sql);
  return parser.scan(sql).tokens.map(({ start, end }) => ({
    text: bytes.toString("utf8", start, end),
    start: bytes.toString("utf8", 0, start).length,
  }));
}

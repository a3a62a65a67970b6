import type { CreateFunctionStmt, DoStmt, Node } from "libpg-query";
import type { Parser } from "../schema/parser.js";
import { offsetOfByte } from "./position.js";
import { type SqlSyntaxError, tryParse } from "./syntax.js";

interface Body {
  readonly language: string;
  readonly text: string;
  /** Where the body's text begins in the statement. */
  readonly start: number;
  /** Whether `text` stands in the statement as it is, so that offsets in the one hold in the other. */
  readonly verbatim: boolean;
}

type Options = NonNullable<CreateFunctionStmt["options"] | DoStmt["args"]>;

function stringOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if ("String" in node) return node.String.sval ?? "";
  if ("List" in node && node.List.items?.length === 1) return stringOf(node.List.items[0]);
  return undefined;
}

function bodyOf(node: Node, sql: string): Body | undefined {
  let options: Options = [];
  let language = "";
  if ("CreateFunctionStmt" in node) options = node.CreateFunctionStmt.options ?? [];
  else if ("DoStmt" in node) {
    options = node.DoStmt.args ?? [];
    language = "plpgsql";
  }
  let text: string | undefined;
  let location = 0;
  for (const option of options) {
    if (!("DefElem" in option)) continue;
    const { defname, arg, location: at = 0 } = option.DefElem;
    if (defname === "language") language = stringOf(arg) ?? "";
    else if (defname === "as") {
      text = stringOf(arg);
      location = at;
    }
  }
  if (text === undefined) return undefined;
  const opening = offsetOfByte(sql, location);
  const found = sql.indexOf(text, opening);
  return { language, text, start: found < 0 ? opening : found, verbatim: found >= 0 };
}

function sqlBodyError(body: Body, parser: Parser): SqlSyntaxError | undefined {
  if (body.text.trim() === "") return undefined;
  const { error } = tryParse(parser, body.text);
  if (error === undefined) return undefined;
  return { message: error.message, offset: body.start + (body.verbatim ? error.offset : 0) };
}

/**
 * Only what PL/pgSQL's grammar says is believed. The parser knows no catalogue, so that its other messages
 * (`"r.x" is not a known variable`, where r is a row of some table) are false alarms more often than not.
 */
function plpgsqlBodyError(body: Body, sql: string, parser: Parser): SqlSyntaxError | undefined {
  try {
    parser.parsePlPgSql(sql);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("syntax error")) return undefined;
    return { message: error.message, offset: body.start + offsetOfToken(body, error.message) };
  }
}

/** The message names the token it stopped at and no place: told only where the body has it once. */
function offsetOfToken(body: Body, message: string): number {
  if (!body.verbatim) return 0;
  if (message.endsWith("at end of input")) return body.text.trimEnd().length;
  const token = /at or near "(.+)"$/s.exec(message)?.[1];
  if (token === undefined) return 0;
  const first = body.text.indexOf(token);
  return first >= 0 && body.text.indexOf(token, first + 1) < 0 ? first : 0;
}

/**
 * Checks the body of a function, a procedure or a DO block, which PostgreSQL checks when it creates one.
 * Languages other than SQL and PL/pgSQL, and bodies in standard SQL (`BEGIN ATOMIC`), need no look here.
 *
 * @param node the parsed statement
 * @param sql its text
 * @returns the first syntax error in the body, or undefined
 */
export function bodyError(node: Node, sql: string, parser: Parser): SqlSyntaxError | undefined {
  const body = bodyOf(node, sql);
  if (body?.language === "sql") return sqlBodyError(body, parser);
  if (body?.language === "plpgsql") return plpgsqlBodyError(body, sql, parser);
  return undefined;
}

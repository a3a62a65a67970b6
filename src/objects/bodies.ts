/** What the bodies of functions and of DO blocks refer to: SQL, and PL/pgSQL by its own parser. */
import type { Parser } from "../schema/parser.js";
import { isTreeObject, listAt, numberAt, objectAt, stringAt, unwrap } from "../schema/tree.js";
import { type UseSink, visitUses } from "./references.js";

/** A body that could not be parsed: its text, for a search by words. */
export interface UnreadBody {
  readonly text: string;
  /** The parser's words. */
  readonly reason: string;
}

interface Body {
  readonly language: string;
  readonly text: string;
}

/** The body of a CREATE FUNCTION, CREATE PROCEDURE or DO statement, where it is a string. */
function bodyOf(statement: unknown): Body | undefined {
  const [type, fields] = unwrap(statement);
  if (type !== "CreateFunctionStmt" && type !== "DoStmt") return undefined;
  let language = type === "DoStmt" ? "plpgsql" : "";
  let text: string | undefined;
  for (const node of listAt(fields, type === "DoStmt" ? "args" : "options")) {
    const option = objectAt(node, "DefElem");
    const arg = objectAt(option, "arg");
    if (stringAt(option, "defname") === "language")
      language = stringAt(objectAt(arg, "String"), "sval") ?? "";
    if (stringAt(option, "defname") !== "as") continue;
    const [item = arg] = listAt(objectAt(arg, "List"), "items");
    text = stringAt(objectAt(item, "String"), "sval");
  }
  return text === undefined ? undefined : { language: language.toLowerCase(), text };
}

/**
 * Reads what the body of a statement uses. A body in standard SQL (`BEGIN ATOMIC`) is part of the parse tree, and
 * one in another language than SQL and PL/pgSQL says nothing.
 *
 * @param sql the statement's text
 * @returns the body, where its own parser does not understand it
 */
export function visitBody(
  parser: Parser,
  statement: unknown,
  sql: string,
  sink: UseSink,
): UnreadBody | undefined {
  const body = bodyOf(statement);
  if (body === undefined) return undefined;
  try {
    if (body.language === "sql") visitUses(parser.parse(body.text), sink);
    else if (body.language === "plpgsql") visitPlPgSql(parser, sql, sink);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { text: body.text, reason: error.message };
  }
}

/**
 * The parser knows no catalogue: a variable of `t%ROWTYPE` is a row of nothing to it, one of the type `t` a record
 * whose fields may be anything. So it gets the latter; the type's name stays.
 */
function visitPlPgSql(parser: Parser, sql: string, sink: UseSink): void {
  const tree = parser.parsePlPgSql(sql.replaceAll(/%\s*rowtype\b/gi, ""));
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (!isTreeObject(node)) return;
    const expression = objectAt(node, "PLpgSQL_expr");
    for (const sql of statementsOf(parser, stringAt(expression, "query"), numberAt(expression, "parseMode")))
      visitUses(parser.parse(sql), sink);
    const type = stringAt(objectAt(node, "PLpgSQL_type"), "typname");
    if (type !== undefined) visitType(parser, type, sink);
    for (const value of Object.values(node)) visit(value);
  };
  visit(tree);
}

/** What PL/pgSQL's parser takes a text for; the higher numbers are assignments, by how many parts the target has. */
const STATEMENT = 0;
const EXPRESSION = 2;

/** A text of a body as statements. Both sides of an assignment count: `totals[number_of(x)] := sum_of(y)`. */
function statementsOf(parser: Parser, text: string | undefined, mode: number): string[] {
  if (text === undefined) return [];
  if (mode === STATEMENT) return [text];
  if (mode <= EXPRESSION) return [`SELECT ${text}`];
  const bytes = Buffer.from(text);
  let depth = 0;
  for (const { text: token, start, end } of parser.scan(text).tokens) {
    if (token === "(" || token === "[") depth += 1;
    if (token === ")" || token === "]") depth -= 1;
    if (depth > 0 || (token !== ":=" && token !== "=")) continue;
    return [bytes.subarray(0, start), bytes.subarray(end)].map((side) => `SELECT ${side.toString()}`);
  }
  return [`SELECT ${text}`];
}

/** Types that are none of SQL's, such as `record`'s pseudo kin, refer to nothing. */
function visitType(parser: Parser, type: string, sink: UseSink): void {
  if (/^(?:record|refcursor|trigger|UNKNOWN)$/i.test(type)) return;
  const isColumn = /%\s*type$/i.test(type);
  const sql = isColumn
    ? `CREATE FUNCTION f() RETURNS ${type} LANGUAGE sql AS ''`
    : `SELECT NULL::${type.replace(/%.*$/s, "")}`;
  visitUses(parser.parse(sql), sink);
}

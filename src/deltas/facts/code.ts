/** Statements that run code whose text the parser sees in part or not at all: `DO`, `CALL`, `SELECT f()`. */
import type { CallStmt, CreateFunctionStmt, DoStmt } from "libpg-query";
import type { Parser } from "../../schema/parser.js";
import { type Effect, namesOf, option } from "./effect.js";
import { nameOf } from "./lock.js";
import { lockQuery } from "./queries.js";

const UNSEEN = "what the code does to tables cannot be told from the statement";

/** A block of PL/pgSQL that says COMMIT or ROLLBACK ends the transaction, which it may do only where it began it. */
export function doBlock({ args }: DoStmt, sql: string, parser: Parser, effect: Effect): void {
  effect.data().doubt(UNSEEN);
  const language = option(args, "language")?.arg;
  if (language !== undefined && namesOf(language)[0] !== "plpgsql")
    effect.doubt("the code may commit, and cannot run in a transaction then");
  else if (endsTransaction(parser.parsePlPgSql(sql))) effect.refuseTransaction("DO with COMMIT or ROLLBACK");
}

function endsTransaction(tree: unknown): boolean {
  return /"PLpgSQL_stmt_(?:commit|rollback)"/.test(JSON.stringify(tree) ?? "");
}

export function call({ funccall }: CallStmt, effect: Effect): void {
  const name = nameOf((funccall?.funcname ?? []).flatMap(namesOf));
  effect.data().doubt(UNSEEN, `${name} may commit, and cannot run in a transaction then`);
}

/** The tables of a body in standard SQL, or of one in a string that the server checks when it makes the function. */
export function createFunction(
  { options, sql_body }: CreateFunctionStmt,
  parser: Parser,
  effect: Effect,
): void {
  lockQuery(sql_body, effect);
  const [body] = namesOf(option(options, "as")?.arg);
  if (body === undefined || namesOf(option(options, "language")?.arg)[0] !== "sql" || body.trim() === "")
    return;
  // Checking the body takes the locks of its queries and runs none of them.
  for (const { stmt } of parser.parse(body).stmts ?? []) lockQuery(stmt, effect);
}

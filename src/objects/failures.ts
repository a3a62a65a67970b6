/** What is told of a script that fails. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError, WovError } from "../errors.js";
import type { PlannedStatement } from "./plan.js";

const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";
const SERIALIZATION_FAILURE = "40001";

/** The SQLSTATE behind an error, told or not. */
export function sqlStateOf(error: unknown): string | null {
  if (error instanceof ServerError) return error.code ?? null;
  return error instanceof WovError ? sqlStateOf(error.cause) : null;
}

/** Whether the same transaction may go well at another moment. */
export function isWorthAnotherTry(error: unknown): boolean {
  return [LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION_FAILURE].includes(sqlStateOf(error) ?? "");
}

const LONGEST = 120;

/** The beginning of a statement, in one line. */
function excerpt(sql: string): string {
  const line = sql
    .slice(0, 4 * LONGEST)
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

/** The error of a statement: file, line, statement, and what the server said. Another's is passed on. */
export function scriptFailure(error: unknown, path: string, statement: PlannedStatement): unknown {
  if (error instanceof WovError || !(error instanceof Error)) return error;
  const where = `${path}:${lineOf(error, statement)}`;
  if (!(error instanceof ServerError) || error.severity === "FATAL") {
    return new DatabaseError("SERVER_LOST", `The connection to the server was lost: ${error.message}.`, {
      where,
      hint: "Nothing of this run is kept. Run it again when the server is there.",
      cause: error,
    });
  }
  const detail = error.detail === undefined ? "" : `\n  ${error.detail}`;
  const message = `The server refuses a statement: ${error.message}.${detail}\n  ${excerpt(statement.sql)}`;
  const hint = error.hint ?? hintFor(error) ?? "Nothing of this run is kept.";
  if (error.code === "42501")
    return new DatabaseError("NO_RIGHT_FOR_STATEMENT", message, { where, hint, cause: error });
  return new BlockedError("OBJECT_SCRIPT_FAILED", message, { where, hint, cause: error });
}

/** Where the server says in the statement; else where the statement begins. */
function lineOf(error: Error, { sql, line }: PlannedStatement): number {
  const position = error instanceof ServerError ? Number(error.position ?? 1) : 1;
  const before = [...sql].slice(0, position - 1);
  return line + before.filter((character) => character === "\n").length;
}

const UNDEFINED_OBJECT = "42704";
const ACTIVE_TRANSACTION = "25001";

function hintFor({ code, message }: ServerError): string | undefined {
  if (code === UNDEFINED_OBJECT && message.startsWith("role "))
    return "Roles are made after everything else. What a role is granted, or owns, is said in its own script.";
  if (code === ACTIVE_TRANSACTION)
    return "All of a run is one transaction; a statement that cannot be part of one has to be run by hand.";
  return undefined;
}

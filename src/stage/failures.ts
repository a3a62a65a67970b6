/** What a deploy tells of a statement that failed, a lock that could not be had, a server that went away. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError, StoppedError, WovError } from "../errors.js";
import { DumpRefused } from "../postgres/dump.js";
import type { PlannedStatement, PlannedVersion } from "./plan.js";

/** A statement of a plan and where it stands. */
export interface StatementPlace {
  readonly version: PlannedVersion;
  readonly statement: PlannedStatement;
}

/** The statement that failed, with what the server said. */
export class StatementFailure extends Error {
  constructor(
    readonly place: StatementPlace,
    readonly reason: unknown,
    /** How many characters of the query stand before the statement. */
    private readonly offset = 0,
  ) {
    super(reason instanceof Error ? reason.message : String(reason));
  }

  /** File and line: where the server says in the statement, otherwise where the statement begins. */
  get where(): string {
    const { version, statement } = this.place;
    const told = this.reason instanceof ServerError ? this.reason.position : undefined;
    const position = told === undefined ? 1 : Number(told) - this.offset;
    const before = [...statement.text].slice(0, position - 1);
    return `${version.file}:${statement.line + before.filter((char) => char === "\n").length}`;
  }
}

/** What was thrown, without what it was wrapped in. */
function reasonOf(error: unknown): unknown {
  return error instanceof StatementFailure ? error.reason : error;
}

function sqlStateOf(error: unknown): string | null {
  const reason = reasonOf(error);
  if (reason instanceof ServerError) return reason.code ?? null;
  if (reason instanceof WovError) return sqlStateOf(reason.cause);
  return reason instanceof DumpRefused ? reason.sqlState : null;
}

const LOCK_NOT_AVAILABLE = "55P03";
const DEADLOCK = "40P01";
const SERIALIZATION_FAILURE = "40001";

/** Whether the same transaction may go well at another moment. One that may be committed is never tried again. */
export function isWorthAnotherTry(error: unknown): boolean {
  if (reasonOf(error) instanceof StoppedError) return false;
  return [LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION_FAILURE].includes(sqlStateOf(error) ?? "");
}

/** Whether the session is gone, so that the server has taken back what was not committed. */
export function isLost(error: unknown): boolean {
  const reason = reasonOf(error);
  if (reason instanceof ServerError) return reason.severity === "FATAL" || reason.severity === "PANIC";
  if (reason instanceof DumpRefused) return /connection to (the )?server was lost/.test(reason.message);
  if (reason instanceof WovError) return reason.code === "SERVER_LOST";
  if (!(reason instanceof Error)) return false;
  return /connection|ECONNRESET|EPIPE|ECONNREFUSED|ETIMEDOUT|not queryable|socket/i.test(
    `${reason.message} ${"code" in reason ? reason.code : ""}`,
  );
}

/** How far the deploy had come: decides what a failure means. */
export interface Reached {
  /** In words, e.g. `shopdb on prod`. */
  readonly what: string;
  /** Whether some segments are committed and recorded. */
  readonly partway: boolean;
  /** Times the transaction was tried. */
  readonly attempts: number;
  /** Who has tables locked, where a lock could not be had. */
  readonly holders?: readonly string[];
}

/** The error that a person reads. One that has been told already is passed on. */
export function deployFailure(error: unknown, reached: Reached): unknown {
  const reason = reasonOf(error);
  if (reason instanceof StoppedError) return reason;
  const told = tell(error, reached);
  if (!(told instanceof WovError) || !reached.partway) return told;
  return new StoppedError(
    told.code,
    `${told.message}\nWhat came before it is applied and recorded; the deploy stopped there.`,
    { where: told.where, hint: told.hint, cause: told.cause ?? error },
  );
}

function tell(error: unknown, { what, attempts, holders = [] }: Reached): unknown {
  const reason = reasonOf(error);
  const where = error instanceof StatementFailure || error instanceof WovError ? error.where : undefined;
  const statement = error instanceof StatementFailure ? `\n  ${excerpt(error.place.statement.text)}` : "";
  if (isLost(error)) {
    const said = reason instanceof ServerError ? `: ${reason.message}` : "";
    return new DatabaseError("SERVER_LOST", `The connection to the server of ${what} was lost${said}.`, {
      where,
      hint: "What was not committed is taken back. Run this again when the server is there: it goes on from what is recorded.",
      cause: error,
    });
  }
  const isTold = error instanceof WovError && error.code === "LOCK_NOT_AVAILABLE";
  const state = isTold ? null : sqlStateOf(error);
  if (state === LOCK_NOT_AVAILABLE || state === DEADLOCK) {
    return new BlockedError(
      "LOCK_NOT_AVAILABLE",
      `${what}: a lock could not be had within ${attempts} attempts; everything of this transaction is taken back.${statement}`,
      {
        where,
        hint: `${holding(holders)}Try again when less is going on, or let each attempt wait longer: --lock-timeout SECONDS.`,
        cause: error,
      },
    );
  }
  if (!(reason instanceof ServerError)) return reason;
  if (!(error instanceof StatementFailure)) {
    return new DatabaseError("SERVER_REFUSED", `The server of ${what} refuses: ${reason.message}.`, {
      hint: reason.hint ?? (state === STATEMENT_CANCELLED ? TIMEOUT_OF_ROLE : undefined),
      cause: reason,
    });
  }
  if (state === "42501") {
    return new DatabaseError(
      "NO_RIGHT_FOR_STATEMENT",
      `${what}: the role may not do this: ${reason.message}.${statement}`,
      { where, hint: reason.hint ?? "Deploy as the owner of the objects, or as a superuser.", cause: reason },
    );
  }
  const detail = reason.detail === undefined ? "" : `\n  ${reason.detail}`;
  const hint = reason.hint ?? "Everything of this transaction is taken back.";
  const details = { where, hint: isOfSyntax(reason) ? `${hint}\n${NEWER_SYNTAX}` : hint, cause: reason };
  if (state === STATEMENT_CANCELLED) {
    return new BlockedError("STATEMENT_TIMEOUT", `${what}: ${reason.message}.${statement}`, details);
  }
  return new BlockedError(
    "STATEMENT_FAILED",
    `${what}: the server refuses a statement: ${reason.message}.${detail}${statement}`,
    details,
  );
}

function holding(holders: readonly string[]): string {
  return holders.length === 0 ? "" : `Tables are locked by\n${holders.map((one) => `  ${one}\n`).join("")}`;
}

const STATEMENT_CANCELLED = "57014";
const TIMEOUT_OF_ROLE =
  "Where the role or the database sets statement_timeout, let it be longer for this role:\n  ALTER ROLE … SET statement_timeout = '1min'";

const NEWER_SYNTAX =
  "Deltas are checked by the syntax of PostgreSQL 18. Where this server is older and does not know what the statement says, upgrade it, or archive deltas that do without.";

/** Whether it is the statement as it was sent that the server cannot read, not one that it runs in its turn. */
function isOfSyntax({ code, position }: ServerError): boolean {
  return code === "42601" && position !== undefined;
}

const LONGEST = 120;

/** The beginning of a statement, in one line. */
export function excerpt(sql: string): string {
  const line = sql
    .slice(0, 4 * LONGEST)
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

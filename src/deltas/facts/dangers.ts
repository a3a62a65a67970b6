/** What to think of before a statement runs on a database in use: its facts in words. */
import type { StatementFacts } from "../facts.js";
import { LOCK_MODES, type LockMode } from "./lock.js";

/**
 * Says whom a statement keeps waiting while it works, and what it destroys. A lock that is held for a moment only is
 * no danger by itself, so that most statements get nothing.
 *
 * @returns sentences; empty for a harmless statement
 * @example dangersOf(statementFacts({ text: "CREATE INDEX ON orders (note)" }, parser))
 * // → ["Nobody writes to orders while it is read from end to end."]
 */
export function dangersOf({ locks, rewrites, scans, destructive }: StatementFacts): string[] {
  const dangers: string[] = [];
  const work = rewrites ? "it is written anew" : "it is read from end to end";
  for (const { mode, object } of rewrites || scans ? locks : []) {
    const waiting = waitingFor(mode);
    if (waiting !== null) dangers.push(`Nobody ${waiting} ${object} while ${work}.`);
  }
  if (destructive !== null) dangers.push(`Gone afterwards: ${destructive}.`);
  return dangers;
}

/** Whom a lock keeps waiting: https://www.postgresql.org/docs/current/explicit-locking.html, table 13.2. */
function waitingFor(mode: LockMode): string | null {
  if (mode === "AccessExclusiveLock") return "reads or writes";
  return LOCK_MODES.indexOf(mode) >= LOCK_MODES.indexOf("ShareLock") ? "writes to" : null;
}

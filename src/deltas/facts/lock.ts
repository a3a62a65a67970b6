/** The locks on tables and other relations, by the names that PostgreSQL's manual and `pg_locks` give them. */
import type { RangeVar } from "libpg-query";
import { readable } from "../../schema/names.js";

/** Weakest first: https://www.postgresql.org/docs/current/explicit-locking.html, in the order of lockdefs.h. */
export const LOCK_MODES = [
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
] as const;
export type LockMode = (typeof LOCK_MODES)[number];

export interface Lock {
  readonly mode: LockMode;
  /** The relation as the statement calls it, e.g. `shop.orders`; in words where the statement does not name it. */
  readonly object: string;
}

/** The strongest lock on each object, in the order in which the objects were met. */
export function strongest(locks: Iterable<Lock>): Lock[] {
  const byObject = new Map<string, Lock>();
  for (const lock of locks) {
    const known = byObject.get(lock.object);
    if (known === undefined || LOCK_MODES.indexOf(known.mode) < LOCK_MODES.indexOf(lock.mode)) {
      byObject.set(lock.object, lock);
    }
  }
  return [...byObject.values()];
}

/** A relation's name as the statement has it, readable. */
export function relationName(relation: RangeVar | undefined): string {
  const { schemaname, relname = "" } = relation ?? {};
  return nameOf(schemaname === undefined ? [relname] : [schemaname, relname]);
}

/** The parts of a qualified name, readable. */
export function nameOf(parts: readonly string[]): string {
  return parts.map(readable).join(".");
}

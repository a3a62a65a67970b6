/** Deltas as they are written: values, before they are text. */

/** A statement of deltas that the tool has written. */
export interface WrittenStatement {
  /** Without its semicolon. */
  readonly sql: string;
  /** What a reader has to know, one sentence each; beside what the statement itself tells. */
  readonly notes: readonly string[];
  /** What is to be written above it by hand, where it cannot go without. */
  readonly place?: OpenDifference | undefined;
}

/** A difference that no statement was found for. */
export interface OpenDifference {
  /** e.g. `table shop.orders`. */
  readonly id: string;
  readonly change: "added" | "changed" | "dropped";
  /** What of it differs, a line each. */
  readonly details: readonly string[];
  /** Why there is no statement, e.g. the server's refusal of the one that was tried. */
  readonly why: string | null;
}

/** Statements that are tried as one: all of them run, or none does. */
export type Way = readonly WrittenStatement[];

/** Something to be done. The first of its ways that works is taken. */
export interface Attempt {
  /** The id of the object that it is for, e.g. `table shop.orders`. */
  readonly about: string;
  readonly ways: readonly Way[];
}

/** A statement that needs no words. */
export function plainly(sql: string, ...notes: string[]): WrittenStatement {
  return { sql, notes };
}

/** Something that is done in one way only. */
export function onlyBy(about: string, ...sql: readonly string[]): Attempt {
  return { about, ways: [sql.map((text) => plainly(text))] };
}

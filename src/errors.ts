/**
 * The errors of the tool. Every one says what is wrong (`message`), where (`where`) and what mends it
 * (`hint`, where possible a command to paste), and carries the exit status that the command line ends with.
 */

/**
 * What a process of ours ends with.
 *
 * - 0 nothing blocks, or done
 * - 1 blocked: the answer is no
 * - 2 bad usage or configuration
 * - 3 a database cannot be reached or refuses the login
 * - 4 the archive is damaged
 * - 5 a deploy stopped partway and can be resumed
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 4 | 5;

export interface ErrorDetails {
  /** A file with line and column, an object, a stage: whatever leads a reader to the place. */
  readonly where?: string | undefined;
  /** What to do about it; several lines are allowed, a command stands on a line of its own. */
  readonly hint?: string | undefined;
  /** The error underneath, printed with `-v` only. */
  readonly cause?: unknown;
}

/** The parent of every error that this package throws on purpose. Anything else that escapes is a bug. */
export abstract class WovError extends Error {
  /** The exit status that belongs to this kind of error. */
  abstract readonly exitStatus: ExitStatus;
  /** A short, stable name for programs, e.g. `DELTAS_SYNTAX`. */
  readonly code: string;
  readonly where: string | undefined;
  #hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.where = details.where;
    this.#hint = details.hint;
  }

  /** What to do about it. */
  get hint(): string | undefined {
    return this.#hint;
  }

  /** Adds what whoever passes the error on knows besides. */
  addHint(line: string): void {
    this.#hint = this.#hint === undefined ? line : `${this.#hint}\n${line}`;
  }
}

/** The answer is no: drift, pending deltas, an unclean tree, a fork, a refusal. */
export class BlockedError extends WovError {
  override readonly exitStatus = 1;
}

/** The command line, the configuration or the environment asks for something that cannot be. */
export class ConfigError extends WovError {
  override readonly exitStatus = 2;
}

/** A database cannot be reached, refuses the login, or lacks a right that the command needs. */
export class DatabaseError extends WovError {
  override readonly exitStatus = 3;
}

/** A file of the archive is missing, altered, or not what its history says. */
export class ArchiveError extends WovError {
  override readonly exitStatus = 4;
}

/** A deploy stopped partway: some of it is applied and noted, and the same command goes on from there. */
export class StoppedError extends WovError {
  override readonly exitStatus = 5;
}

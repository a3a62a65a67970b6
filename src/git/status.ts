import { git, splitNul } from "./git.js";
import type { Repository } from "./repository.js";

/** A path that is not as HEAD has it. */
export interface Change {
  /** From the top of the work tree, with `/`. */
  readonly path: string;
  /** The path it had before, when git sees it as renamed or copied. */
  readonly from?: string | undefined;
  /**
   * git's two letters: the index against HEAD, then the work tree against the index. A space is no change,
   * `??` untracked, a `U` (or `AA`, `DD`) an unresolved conflict.
   */
  readonly state: string;
}

/**
 * Lists what is not committed: staged, changed and untracked files, each by itself and not its folder.
 * Ignored files are left out.
 *
 * @returns in git's order, which is by path
 */
export async function uncommittedChanges({ root }: Repository): Promise<Change[]> {
  // Without the lock that a refresh of the index takes: a status never gets in the way of another git.
  const output = await git(root, [
    "--no-optional-locks",
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--no-ahead-behind",
  ]);
  return parseStatus(output);
}

/** Reads the output of `git status --porcelain=v1 -z`: after a rename the old path is an entry of its own. */
export function parseStatus(output: string): Change[] {
  const changes: Change[] = [];
  const entries = splitNul(output).values();
  for (const entry of entries) {
    const state = entry.slice(0, 2);
    const path = entry.slice(3);
    if (/[RC]/.test(state)) changes.push({ path, from: entries.next().value, state });
    else changes.push({ path, state });
  }
  return changes;
}

/** Changes sorted by whether they concern some paths. */
export interface SplitChanges {
  readonly inside: readonly Change[];
  readonly outside: readonly Change[];
}

/**
 * Splits changes by whether they lie at or under one of some paths. A rename across the border is on both
 * sides.
 *
 * @param paths files or folders from the top of the work tree, with `/` and none at the end
 * @example
 * splitChanges(changes, ["wovtools/db"]); // inside: "wovtools/db/shopdb.json"; outside: "wovtools/dbx"
 */
export function splitChanges(changes: readonly Change[], paths: readonly string[]): SplitChanges {
  const within = (path: string) => paths.some((under) => path === under || path.startsWith(`${under}/`));
  const ends = ({ path, from }: Change) => (from === undefined ? [path] : [path, from]);
  return {
    inside: changes.filter((change) => ends(change).some(within)),
    outside: changes.filter((change) => !ends(change).every(within)),
  };
}

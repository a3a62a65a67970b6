import { git, splitNul, withGit } from "./git.js";
import type { Repository } from "./repository.js";

/** git names the index of the commit being made, from the top of the work tree or absolute. */
function indexOfCommit(): { env: Record<string, string | undefined> } {
  return { env: { GIT_INDEX_FILE: process.env.GIT_INDEX_FILE } };
}

/**
 * Lists the files that the commit being made adds or changes. A renamed one counts as added.
 *
 * To be called in a pre-commit hook, where git names the index in GIT_INDEX_FILE: for `git commit -a` and
 * `git commit PATH` it is not the usual one.
 *
 * @returns paths from the top of the work tree, with `/`. Links and submodules are left out, since they have
 * no content of their own.
 */
export async function stagedPaths({ root }: Repository): Promise<string[]> {
  const output = await git(
    root,
    ["diff", "--cached", "--raw", "-z", "--no-renames", "--diff-filter=AMT", "--no-relative"],
    indexOfCommit(),
  );
  const paths: string[] = [];
  const entries = splitNul(output).values();
  for (const entry of entries) {
    // :OLD-MODE NEW-MODE OLD-OID NEW-OID LETTER, then the path as an entry of its own.
    const isFile = entry.split(" ")[1]?.startsWith("100") === true;
    const path = entries.next().value;
    if (isFile && path !== undefined) paths.push(path);
  }
  return paths;
}

/**
 * Reads a file as it is staged, which need not be how it is on disk.
 *
 * @param path from the top of the work tree, with `/`; it must be staged
 */
export function stagedContent({ root }: Repository, path: string): Promise<Buffer> {
  return withGit(root, indexOfCommit(), (engine) => engine.binaryCatFile(["blob", `:0:${path}`]));
}

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { BlockedError, ConfigError } from "../errors.js";
import { exists } from "../files.js";
import { GitFailure, git, gitAnswer, splitNul } from "./git.js";
import type { Repository } from "./repository.js";

/** What a commit is to hold. Paths are files, from the top of the work tree, with `/`. */
export interface CommitRequest {
  /** Committed as they are in the work tree, ignored or not. */
  readonly write: readonly string[];
  /** No longer in the commit. Files stay on disk; paths that git does not know are passed over. */
  readonly remove: readonly string[];
  readonly message: string;
}

export type CommitResult =
  | { readonly committed: true; readonly commit: string }
  /** HEAD already has these paths like this. */
  | { readonly committed: false };

/**
 * Commits exactly these paths and nothing else that is staged or changed.
 *
 * The commit is made from an index of its own, which starts as HEAD; the hooks of the project run as at any
 * commit. Then the real index is told of these paths and of no other. Killed in between, the real index still
 * has the old entries, and the next call with the same paths sets that right.
 *
 * @throws BlockedError COMMIT_IN_PROGRESS during a merge, rebase, cherry-pick or revert; COMMIT_REFUSED when a
 * hook or git refuses, with what it printed; COMMIT_ALTERED when a hook changes one of the paths
 * @throws ConfigError COMMIT_IDENTITY when git does not know who commits
 */
export async function commitPaths(repository: Repository, request: CommitRequest): Promise<CommitResult> {
  const { root, gitDir } = repository;
  await refuseDuringMerge(repository);
  await removeLeftIndexes(gitDir);
  const folder = await mkdtemp(join(gitDir, `${INDEX_FOLDER}${process.pid}-`));
  try {
    const env = { GIT_INDEX_FILE: join(folder, "index") };
    const head = await gitAnswer(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    await git(root, ["read-tree", head ?? "--empty"], { env });
    await stage(root, request, env);
    if (await isAsCommitted(root, env)) {
      await stageWhenFree(root, request);
      return { committed: false };
    }
    const tree = (await git(root, ["write-tree"], { env })).trim();
    await commit(root, request.message, env);
    await refuseAltered(root, request, { tree, head: head ?? null });
    await stageWhenFree(root, request);
    return { committed: true, commit: (await git(root, ["rev-parse", "HEAD"])).trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the folder of a commit's own index is called, before the number of the process. */
const INDEX_FOLDER = "wovtools-index-";

/** Removes what killed processes left. A living one may be at the commit of another database. */
async function removeLeftIndexes(gitDir: string): Promise<void> {
  for (const name of await readdir(gitDir)) {
    const pid = name.startsWith(INDEX_FOLDER) ? Number.parseInt(name.slice(INDEX_FOLDER.length), 10) : NaN;
    if (pid !== process.pid && !Number.isNaN(pid) && !runs(pid))
      await rm(join(gitDir, name), { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Puts the paths of a request into an index: the real one, or the one that `env` names. */
async function stage(root: string, { write, remove }: CommitRequest, env: Record<string, string> = {}) {
  const list = (paths: readonly string[]) => paths.map((path) => `${path}\0`).join("");
  if (write.length > 0) {
    await git(root, ["update-index", "--add", "-z", "--stdin"], { env, input: list(write) });
  }
  if (remove.length > 0) {
    await git(root, ["update-index", "--force-remove", "-z", "--stdin"], { env, input: list(remove) });
  }
}

/** An editor that looks at the repository holds the lock of the real index for a moment. */
async function stageWhenFree(root: string, request: CommitRequest): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await stage(root, request);
    } catch (error) {
      if (!(error instanceof GitFailure) || !error.output.includes("index.lock")) throw error;
      if (tries < 20) await setTimeout(100);
      else throw indexLocked(root, error);
    }
  }
}

function indexLocked(root: string, cause: GitFailure): BlockedError {
  return new BlockedError(
    "INDEX_LOCKED",
    "The commit is made, but another git holds the lock of the index.",
    {
      where: root,
      hint: `If none is running, remove the file index.lock; then run the command again.\n${cause.message}`,
      cause,
    },
  );
}

async function isAsCommitted(root: string, env: Record<string, string>): Promise<boolean> {
  return splitNul(await git(root, ["diff", "--cached", "--name-only", "-z"], { env })).length === 0;
}

async function commit(root: string, message: string, env: Record<string, string>): Promise<void> {
  try {
    await git(root, ["commit", "--quiet", "--cleanup=verbatim", "--file=-"], { env, input: message });
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    if (/please tell me who you are|unable to auto-detect email|empty ident name/i.test(error.output)) {
      throw new ConfigError("COMMIT_IDENTITY", "It is not set in whose name to commit.", {
        where: root,
        hint: 'Tell it, then run the command again:\n  git config --global user.name "Your Name"\n  git config --global user.email you@example.com',
        cause: error,
      });
    }
    throw new BlockedError("COMMIT_REFUSED", `The commit was refused:\n${error.message}`, {
      where: root,
      hint: `Nothing was committed. Mend what a hook complains of, then run the command again.\nIf it is the message, let it begin otherwise, in wovtools/config.json:\n  "archive": { "commitPrefix": "chore: " }`,
      cause: error,
    });
  }
}

/**
 * Takes a commit back in which a hook, a formatter say, has made another of one of the paths.
 *
 * @param before the tree that was to be committed, and the commit before
 */
async function refuseAltered(
  root: string,
  { write, remove }: CommitRequest,
  { tree, head }: { readonly tree: string; readonly head: string | null },
): Promise<void> {
  const names = ["diff", "--name-only", "-z", "--no-renames", tree, "HEAD", "--", ...write, ...remove];
  const [path, ...more] = splitNul(await git(root, names));
  if (path === undefined) return;
  await git(root, head === null ? ["update-ref", "-d", "HEAD"] : ["update-ref", "HEAD", head]);
  throw new BlockedError(
    "COMMIT_ALTERED",
    `A hook of the repository has changed what was to be committed: ${[path, ...more].join(", ")}.`,
    {
      where: root,
      hint: "Nothing was committed. Archived files are kept as they are, byte for byte: leave their folder out of what formats files, then run the command again.",
    },
  );
}

/** What git leaves in its folder while an operation waits for the user, and how that operation is called. */
const IN_PROGRESS = [
  // First, since a rebase that stops may leave what a cherry-pick leaves, too.
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase"],
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
] as const;

/** An operation that git has begun and that waits for its user. */
export type GitOperation = (typeof IN_PROGRESS)[number][1];

/** @returns null where git waits for nothing */
export async function operationInProgress({ gitDir }: Repository): Promise<GitOperation | null> {
  for (const [file, operation] of IN_PROGRESS) if (await exists(join(gitDir, file))) return operation;
  return null;
}

/**
 * A commit made now would end the merge without the other side's files, or land in the middle of a rebase.
 *
 * @throws BlockedError COMMIT_IN_PROGRESS
 */
export async function refuseDuringMerge(repository: Repository): Promise<void> {
  const operation = await operationInProgress(repository);
  if (operation === null) return;
  throw new BlockedError("COMMIT_IN_PROGRESS", `A ${operation} is in progress.`, {
    where: repository.root,
    hint: `Finish it, or give it up:\n  git ${operation} --continue\n  git ${operation} --abort`,
  });
}

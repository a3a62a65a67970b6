import { realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "../errors.js";
import { exists, isFolder, isInside } from "../files.js";
import { GitFailure, git, gitAnswer } from "./git.js";

/** A git repository with a work tree, as it was when it was opened. */
export interface Repository {
  /** The top of the work tree; absolute. */
  readonly root: string;
  /** Where this work tree's HEAD and index lie; absolute. In a linked work tree not `ROOT/.git`. */
  readonly gitDir: string;
  /** The commit that HEAD is at, or null where nothing was committed yet. */
  readonly head: string | null;
  /** The checked-out branch without `refs/heads/`, or null when HEAD is detached. */
  readonly branch: string | null;
}

/**
 * Opens the repository that a path lies in.
 *
 * @param path an existing folder, anywhere in the work tree
 * @throws ConfigError NOT_A_REPOSITORY, BARE_REPOSITORY, UNSAFE_REPOSITORY (it belongs to another user),
 * GIT_NOT_INSTALLED
 */
export async function openRepository(path: string): Promise<Repository> {
  const directory = resolve(path);
  if (!(await isFolder(directory))) {
    throw new ConfigError("NOT_A_REPOSITORY", "There is no such folder.", { where: directory });
  }
  const inOneAnswer = await askAtOnce(directory);
  if (inOneAnswer !== undefined) return inOneAnswer;
  const [root, gitDir] = await locate(directory);
  const [head, branch] = await Promise.all([
    gitAnswer(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]),
    gitAnswer(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]),
  ]);
  return { root, gitDir, head: head ?? null, branch: branch ?? null };
}

/**
 * Whether a repository is the one that a folder lies in: the folder is in its work tree, and in no other one within
 * that, such as a submodule. To look takes less time than to start git.
 *
 * @param folder an existing one
 */
export async function isRepositoryOf({ root }: Repository, folder: string): Promise<boolean> {
  for (let at = await realpath(folder); at !== root; at = dirname(at))
    if (!isInside(root, at) || (await exists(join(at, ".git")))) return false;
  return true;
}

/**
 * Asks for everything in one call, since starting git takes longer than its answer. That cannot be where nothing
 * was committed yet or a path holds a line end, or where this is no repository.
 */
async function askAtOnce(directory: string): Promise<Repository | undefined> {
  const questions = ["--show-toplevel", "--absolute-git-dir", "HEAD", "--symbolic-full-name", "HEAD"];
  const answer = await answerAtOnce(directory, ["rev-parse", ...questions]);
  const [root, gitDir, head, ref, ...more] = answer?.replace(/\r?\n$/, "").split("\n") ?? [];
  if (!root || !gitDir || !head || !ref || more.length > 0) return undefined;
  return { root, gitDir, head, branch: ref.startsWith(BRANCHES) ? ref.slice(BRANCHES.length) : null };
}

async function answerAtOnce(directory: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await git(directory, args);
  } catch (error) {
    if (!(error instanceof GitFailure) || error.gitStatus !== FATAL) throw error;
    if (error.output.includes(NO_REPOSITORY)) throw whyNotOpened(directory, error);
    return undefined;
  }
}

/** The exit status of git where it cannot do what it was asked for. */
const FATAL = 128;
const NO_REPOSITORY = "not a git repository";

const BRANCHES = "refs/heads/";

async function locate(directory: string): Promise<[root: string, gitDir: string]> {
  try {
    // One question a call: a path may hold a line end.
    const [root, gitDir] = await Promise.all([
      git(directory, ["rev-parse", "--show-toplevel"]),
      git(directory, ["rev-parse", "--absolute-git-dir"]),
    ]);
    return [root.replace(/\n$/, ""), gitDir.replace(/\n$/, "")];
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    throw whyNotOpened(directory, error);
  }
}

function whyNotOpened(directory: string, failure: GitFailure): ConfigError {
  const details = { where: directory, cause: failure };
  if (failure.output.includes("must be run in a work tree")) {
    return new ConfigError("BARE_REPOSITORY", "This git repository has no work tree: it is bare.", {
      ...details,
      hint: "Run the command in a clone of it.",
    });
  }
  if (failure.output.includes("dubious ownership")) {
    return new ConfigError("UNSAFE_REPOSITORY", "This git repository belongs to another user.", {
      ...details,
      hint: `If you trust it:\n  git config --global --add safe.directory '${directory}'`,
    });
  }
  if (failure.output.includes(NO_REPOSITORY)) {
    return new ConfigError("NOT_A_REPOSITORY", "This folder does not lie in a git repository.", {
      ...details,
      hint: "Make it one:\n  git init",
    });
  }
  return new ConfigError("NOT_A_REPOSITORY", `The repository cannot be read:\n${failure.message}`, details);
}

/**
 * The top of the repository's main work tree, seen from a linked one (`git worktree add`), which lacks whatever git
 * ignores there.
 *
 * @returns null where the work tree is no linked one, or the main one is bare
 */
export async function mainWorkTree({ root, gitDir }: Repository): Promise<string | null> {
  const common = resolve(root, (await git(root, ["rev-parse", "--git-common-dir"])).replace(/\n$/, ""));
  if (common === gitDir) return null;
  const [first = ""] = (await git(root, ["worktree", "list", "--porcelain"])).split("\n");
  const path = first.replace(/^worktree /, "");
  return (await exists(join(path, ".git"))) ? path : null;
}

/**
 * How many commits HEAD has behind it, itself included; 0 where nothing was committed yet.
 *
 * @throws ConfigError SHALLOW_CLONE
 */
export async function commitCount({ root, head }: Repository): Promise<number> {
  if (head === null) return 0;
  const isShallow = (await git(root, ["rev-parse", "--is-shallow-repository"])).trim() === "true";
  if (!isShallow) return Number((await git(root, ["rev-list", "--count", head])).trim());
  throw new ConfigError("SHALLOW_CLONE", "This clone is shallow: it does not have all commits to count.", {
    where: root,
    hint: "Fetch the others:\n  git fetch --unshallow",
  });
}

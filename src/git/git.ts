import type { SimpleGit } from "simple-git";
import { ConfigError } from "../errors.js";
import { USERS_OWN_GIT } from "./trust.js";

/** A git command that ended with an exit status other than 0: no room, no right, a damaged repository. */
export class GitFailure extends ConfigError {
  /** What git ended with; null when a signal ended it. */
  readonly gitStatus: number | null;
  /** Standard error, then standard output: what a hook printed may stand in either. */
  readonly output: string;

  constructor(directory: string, gitStatus: number | null, output: string) {
    super("GIT_FAILED", output === "" ? `git ended with exit status ${gitStatus}` : output, {
      where: directory,
      hint: "This is what git said. Mend that, then run the command again.",
    });
    this.gitStatus = gitStatus;
    this.output = output;
  }
}

export interface GitOptions {
  /** Set on top of the environment of this process; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Given to git on its standard input. */
  readonly input?: string;
}

/**
 * What git sets for its hooks to say which repository they run for. It must not leak: the directory alone
 * says where git runs, which may be the repository of the archive.
 */
const OTHER_REPOSITORY = {
  GIT_DIR: undefined,
  GIT_WORK_TREE: undefined,
  GIT_COMMON_DIR: undefined,
  GIT_INDEX_FILE: undefined,
  GIT_PREFIX: undefined,
  GIT_OBJECT_DIRECTORY: undefined,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: undefined,
} as const;

/**
 * Runs one git command with the user's own settings and environment, and in English, since its words tell one
 * failure from another.
 *
 * @param directory where to run it; it must exist
 * @param command what to run, e.g. `(git) => git.status()`
 * @throws GitFailure when git ends with another status than 0; ConfigError GIT_NOT_INSTALLED
 */
export async function withGit<T>(
  directory: string,
  options: GitOptions,
  command: (git: SimpleGit) => PromiseLike<T>,
): Promise<T> {
  const { simpleGit } = await import("simple-git");
  const env = environment(options);
  // simple-git keeps the text of an error, but neither its class nor git's exit status.
  let failure: GitFailure | ConfigError | undefined;
  const git = simpleGit({
    baseDir: directory,
    // The user's hooks get the library's setting too, and may abbreviate what they like.
    unsafe: { ...USERS_OWN_GIT, allowAbbreviatedOptions: true },
    allowEnvironment: Object.keys(env),
    // Output may still be on its way when git has ended.
    completion: { onClose: true, onExit: false },
    // Bytes even where there are none: only then is the input closed, and nothing waits for more of it.
    input: () => Buffer.from(options.input ?? ""),
    errors(_error, { exitCode, stdErr, stdOut }) {
      if (exitCode !== 0) failure = failureOf(directory, exitCode, Buffer.concat([...stdErr, ...stdOut]));
      return failure;
    },
  });
  try {
    return await command(git.env(env).outputHandler(endAtOnce));
  } catch (error) {
    throw failure ?? error;
  }
}

/**
 * The library waits 50 ms for more when a command has ended and printed nothing. It is told only of commands whose
 * output is closed, so there is no more; a piece of output without bytes says so.
 */
function endAtOnce(_git: string, stdout: NodeJS.ReadableStream): void {
  stdout.once("end", () => stdout.emit("data", Buffer.alloc(0)));
}

function environment({ env }: GitOptions): Record<string, string> {
  const all = { ...process.env, ...OTHER_REPOSITORY, LANGUAGE: "en", ...env };
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined) set[name] = value;
  return set;
}

/** A program that could not be started has the negative number of the system's error as its status. */
function failureOf(directory: string, exitStatus: number | null, output: Buffer): GitFailure | ConfigError {
  const text = output.toString().trim();
  const started = exitStatus === null || exitStatus >= 0;
  if (started || !text.includes("ENOENT")) return new GitFailure(directory, exitStatus, text);
  return new ConfigError("GIT_NOT_INSTALLED", "The program git could not be started.", {
    where: directory,
    hint: "Install git and put it on PATH: https://git-scm.com/downloads",
  });
}

/**
 * Runs git with arguments.
 *
 * @param args without the word `git`
 * @returns its standard output
 * @throws as `withGit`
 */
export function git(directory: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return withGit(directory, options, (engine) => engine.raw([...args]));
}

/**
 * Asks git something whose answer may be "no".
 *
 * @param no the exit status by which this command says no
 * @returns its output without the line end, or undefined for a no
 */
export async function gitAnswer(
  directory: string,
  args: readonly string[],
  no = 1,
): Promise<string | undefined> {
  try {
    return (await git(directory, args)).replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof GitFailure && error.gitStatus === no) return undefined;
    throw error;
  }
}

/** Splits output of `-z`: every entry ends with a NUL, which no path can hold. */
export function splitNul(output: string): string[] {
  return output.split("\0").slice(0, -1);
}

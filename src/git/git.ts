import { type ExecFileException, execFile } from "node:child_process";
import { ConfigError } from "../errors.js";

/** A git command that ended with an exit status other than 0. */
export class GitFailure extends Error {
  /** null when a signal ended git. */
  readonly exitStatus: number | null;
  /** Standard error, then standard output: what a hook printed may stand in either. */
  readonly output: string;

  constructor(exitStatus: number | null, output: string) {
    super(output === "" ? `git ended with exit status ${exitStatus}` : output);
    this.name = "GitFailure";
    this.exitStatus = exitStatus;
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

/** What git may print, in bytes. */
const MOST_OUTPUT = 2 ** 30;

/**
 * Runs git with arguments, with the user's own settings and environment, and in English, since its words tell one
 * failure from another.
 *
 * @param directory where to run it; it must exist
 * @param args without the word `git`
 * @returns its standard output
 * @throws GitFailure when git ends with another status than 0; ConfigError GIT_NOT_INSTALLED
 */
export async function git(
  directory: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string> {
  return (await gitBytes(directory, args, options)).toString();
}

/** As `git`, for what may be no text. */
export function gitBytes(
  directory: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Buffer> {
  const settings = {
    cwd: directory,
    env: { ...process.env, ...OTHER_REPOSITORY, LANGUAGE: "en", ...options.env },
    encoding: "buffer",
    maxBuffer: MOST_OUTPUT,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile("git", args, settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(failureOf(directory, error, Buffer.concat([stderr, stdout])));
    });
    // Git that ends without reading its input says itself why.
    child.stdin?.on("error", () => undefined).end(options.input ?? "");
  });
}

function failureOf(directory: string, error: ExecFileException, output: Buffer): Error {
  const { code } = error;
  if (code === "ENOENT") {
    return new ConfigError("GIT_NOT_INSTALLED", "The program git could not be started.", {
      where: directory,
      hint: "Install git and put it on PATH: https://git-scm.com/downloads",
    });
  }
  // A word is an error of the system's or of Node's, and no answer of git's.
  if (typeof code === "string") return error;
  return new GitFailure(code ?? null, output.toString().trim());
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
    if (error instanceof GitFailure && error.exitStatus === no) return undefined;
    throw error;
  }
}

/** Splits output of `-z`: every entry ends with a NUL, which no path can hold. */
export function splitNul(output: string): string[] {
  return output.split("\0").slice(0, -1);
}

import { spawn } from "node:child_process";
import { ConfigError } from "../errors.js";

/** A git command that ended with an exit status other than 0. */
export class GitFailure extends Error {
  /** null when a signal ended git. */
  readonly exitStatus: number | null;
  /** Standard error, then standard output: what a hook printed may stand in either. */
  readonly output: string;

  constructor(args: readonly string[], exitStatus: number | null, output: string) {
    super(output === "" ? `git ${args[0] ?? ""} ended with exit status ${exitStatus}` : output);
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

/**
 * Runs git with the user's own settings and environment, and in English, since its words tell one failure
 * from another.
 *
 * This is no place for simple-git: loading it takes a third of the time that a small hook has, it keeps the
 * user's GIT_* variables, editor and askpass from git or refuses to run, and it tells no exit status.
 *
 * @param directory where to run it; it must exist
 * @param args without the word `git`
 * @returns the bytes of its standard output
 * @throws GitFailure when it ends with another status than 0; ConfigError GIT_NOT_INSTALLED
 */
export function gitBytes(
  directory: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, {
      cwd: directory,
      env: { ...process.env, ...OTHER_REPOSITORY, LANGUAGE: "en", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
    child.on("error", (cause) => reject(notStarted(directory, cause)));
    child.on("close", (status) => {
      if (status === 0) resolve(Buffer.concat(out));
      else
        reject(
          new GitFailure(
            args,
            status,
            Buffer.concat([...err, ...out])
              .toString()
              .trim(),
          ),
        );
    });
    // git may end before it has read everything; its exit status says what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** `gitBytes` for output that is text. */
export async function git(
  directory: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string> {
  return (await gitBytes(directory, args, options)).toString();
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

function notStarted(directory: string, cause: Error): Error {
  if (!("code" in cause) || cause.code !== "ENOENT") return cause;
  return new ConfigError("GIT_NOT_INSTALLED", "The program git could not be started.", {
    where: directory,
    hint: "Install git and put it on PATH: https://git-scm.com/downloads",
    cause,
  });
}

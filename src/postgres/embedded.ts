import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseError } from "../errors.js";
import { exists } from "../files.js";
import type { ConnectionSettings } from "./connection.js";
import { clearLeftServers, THROW_AWAY_PREFIX, takeOwnership } from "./left-servers.js";
import {
  handOver,
  packagedBinaries,
  type RunAs,
  reachableBinaries,
  runProgram,
  serverUser,
} from "./server-programs.js";

/** Where a server keeps its data, and how it is reached. */
export interface EmbeddedServerOptions {
  /** The data directory; made by initdb when it is not there. */
  readonly dataDir: string;
  /** The superuser's name, `postgres` unless given; only initdb looks at it. */
  readonly user?: string | undefined;
  /** The superuser's password; only initdb looks at it. */
  readonly password: string;
  /** A free port is taken when none is given. */
  readonly port?: number | undefined;
  /** Lines for postgresql.conf, e.g. `{ fsync: "off" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A folder with `bin/`, `lib/`, `share/` of another PostgreSQL, instead of the one from the package. */
  readonly binaries?: string | undefined;
}

export interface EmbeddedServer {
  /** How to connect as the superuser, to the database `postgres`. */
  readonly connection: ConnectionSettings & { readonly host: string; readonly port: number };
  /** Stops the server and waits until it has ended. The data stay. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL server from the package's own binaries; initialises the data directory first when it is
 * empty. The server goes on after this process ends, until it is stopped. Run by root, it runs as the system's
 * user `postgres`, or `nobody` where there is none.
 *
 * @throws ConfigError `NO_EMBEDDED_SERVER` when the optional package is not installed; DatabaseError
 *   `SERVER_START` with the end of the server's log when it does not come up
 */
export async function startServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const runAs = await serverUser();
  const binaries = await reachableBinaries(options.binaries ?? packagedBinaries(), runAs);
  const { dataDir } = options;
  const port = options.port ?? (await freePort());
  if (!(await exists(join(dataDir, "PG_VERSION")))) await initialise(binaries, runAs, options);
  await writeSettings(dataDir, runAs, { ...options.settings, port: String(port) });

  const log = join(dataDir, "server.log");
  const started = await runProgram(
    join(binaries, "bin", "pg_ctl"),
    ["start", "--wait", "-D", dataDir, "-l", log],
    runAs,
  );
  if (started.status !== 0) {
    const tail = (await exists(log))
      ? (await readFile(log, "utf8")).split("\n").slice(-8).join("\n")
      : started.output;
    throw new DatabaseError("SERVER_START", "The embedded server did not start.", {
      where: dataDir,
      hint: tail.trim(),
    });
  }
  return {
    connection: {
      host: "127.0.0.1",
      port,
      user: options.user ?? "postgres",
      password: options.password,
      database: "postgres",
      sslmode: "disable",
    },
    stop: () => stopServer(dataDir, options.binaries),
  };
}

/**
 * Stops the server of a data directory (fast shutdown: sessions are ended, nothing committed is lost).
 * A directory whose server is not running is left as it is.
 */
export async function stopServer(dataDir: string, binaries?: string): Promise<void> {
  if (!(await exists(join(dataDir, "postmaster.pid")))) return;
  const runAs = await serverUser();
  const folder = await reachableBinaries(binaries ?? packagedBinaries(), runAs);
  const stopped = await runProgram(
    join(folder, "bin", "pg_ctl"),
    ["stop", "--wait", "--mode=fast", "-D", dataDir],
    runAs,
  );
  if (stopped.status !== 0 && (await exists(join(dataDir, "postmaster.pid")))) {
    throw new DatabaseError("SERVER_STOP", "The embedded server did not stop.", {
      where: dataDir,
      hint: stopped.output.trim(),
    });
  }
}

/**
 * A server for trying things on: made in a temporary folder, without the care for durability that data need.
 * Its `stop` removes it; where its process is killed before, the next one that starts such a server does.
 *
 * @param options.inside the folder to make that folder in; the system's own for temporary files unless given
 */
export async function startThrowAwayServer({
  inside = tmpdir(),
  ...options
}: Partial<Pick<EmbeddedServerOptions, "settings" | "binaries">> & {
  readonly inside?: string;
} = {}): Promise<EmbeddedServer> {
  const folder = await mkdtemp(join(inside, THROW_AWAY_PREFIX));
  await takeOwnership(folder);
  await handOver(folder, await serverUser());
  const dataDir = join(folder, "data");
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await clearLeftServers(inside);
    const server = await startServer({
      ...options,
      dataDir,
      password: randomBytes(18).toString("base64url"),
      settings: { fsync: "off", full_page_writes: "off", synchronous_commit: "off", ...options.settings },
    });
    return { ...server, stop: () => server.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Whether the server of a data directory runs now. */
export async function serverIsRunning(dataDir: string): Promise<boolean> {
  let pid: number;
  try {
    pid = Number.parseInt(await readFile(join(dataDir, "postmaster.pid"), "utf8"), 10);
  } catch {
    // No such file: no server.
    return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** A TCP port of the loopback interface that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function initialise(binaries: string, runAs: RunAs, options: EmbeddedServerOptions): Promise<void> {
  const { dataDir } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dirname(dataDir), `.initdb-${process.pid}`);
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  try {
    await handOver(dataDir, runAs);
    await handOver(passwordFile, runAs);
    const made = await runProgram(
      join(binaries, "bin", "initdb"),
      [
        "-D",
        dataDir,
        "--username",
        options.user ?? "postgres",
        "--pwfile",
        passwordFile,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
      ],
      runAs,
    );
    if (made.status !== 0) {
      throw new DatabaseError("SERVER_INIT", "The embedded server's data directory could not be made.", {
        where: dataDir,
        hint: made.output.trim(),
      });
    }
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Keeps our lines in a file of their own, so that whoever edits postgresql.conf is not in the way. */
async function writeSettings(
  dataDir: string,
  runAs: RunAs,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const quote = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${quote(value)}\n`);
  const file = join(dataDir, "wovtools.conf");
  await writeFile(file, lines.join(""), { mode: 0o600 });
  await handOver(file, runAs);
  const main = join(dataDir, "postgresql.conf");
  const text = await readFile(main, "utf8");
  const include = "include 'wovtools.conf'";
  if (!text.includes(include)) await writeFile(main, `${text}\n${include}\n`);
}

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  fchownSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { escapeLiteral } from "pg";
import { DatabaseError } from "../errors.js";
import { exists } from "../files.js";
import { type ConnectionSettings, withClient } from "./connection.js";
import { makeNewData } from "./data-template.js";
import { initialiseData } from "./initdb.js";
import { clearLeftServers, THROW_AWAY_PREFIX, takeOwnership } from "./left-servers.js";
import { folderInMemory, IN_MEMORY } from "./memory-folder.js";
import { isAlive, postmasterOf } from "./postmaster.js";
import { quoteIdentifier } from "./quote.js";
import {
  findPrograms,
  type ProgramEnd,
  type RunAs,
  runProgram,
  type ServerPrograms,
} from "./server-programs.js";

const DEFAULT_USER = "postgres";

/** How often a server is looked at that starts or stops, in milliseconds. */
const LOOK_AGAIN = 5;

/** Without the care for durability that data need, and with little of a log, which lies in memory, too. */
const FOR_A_WHILE = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  max_wal_size: "256MB",
};

/** In bytes: two schemas of 5,000 tables take half of it. */
const ROOM_IN_MEMORY = 2e9;

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
  const programs = await findPrograms(options.binaries);
  const { dataDir, user = DEFAULT_USER, password } = options;
  if (!(await exists(join(dataDir, "PG_VERSION"))))
    await initialiseData(programs, dataDir, { user, password });
  return runServer(programs, options);
}

async function runServer(
  programs: ServerPrograms,
  { dataDir, user = DEFAULT_USER, password, ...options }: EmbeddedServerOptions,
): Promise<EmbeddedServer> {
  const port = options.port ?? (await freePort());
  writeSettings(dataDir, programs.runAs, { ...options.settings, port: String(port) });
  // A server that was killed has left its own word.
  const before = await postmasterOf(dataDir);
  const isReady = async () => {
    const now = await postmasterOf(dataDir);
    return now?.isReady === true && (now.pid !== before?.pid || now.startedAt !== before.startedAt);
  };
  const log = join(dataDir, "server.log");
  const started = await control(programs, dataDir, ["start", "--wait", "-l", log], isReady);
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
    connection: { host: "127.0.0.1", port, user, password, database: "postgres", sslmode: "disable" },
    stop: () => endServer(programs, dataDir, "fast"),
  };
}

/**
 * Stops the server of a data directory (fast shutdown: sessions are ended, nothing committed is lost).
 * A directory whose server is not running is left as it is.
 */
export async function stopServer(dataDir: string, binaries?: string): Promise<void> {
  if ((await postmasterOf(dataDir)) === null) return;
  await endServer(await findPrograms(binaries), dataDir, "fast");
}

/** @param mode https://www.postgresql.org/docs/current/app-pg-ctl.html */
async function endServer(
  programs: ServerPrograms,
  dataDir: string,
  mode: "fast" | "immediate",
): Promise<void> {
  const isGone = async () => (await postmasterOf(dataDir)) === null;
  if (await isGone()) return;
  const stopped = await control(programs, dataDir, ["stop", "--wait", `--mode=${mode}`], isGone);
  if (stopped.status !== 0 && (await serverIsRunning(dataDir))) {
    throw new DatabaseError("SERVER_STOP", "The embedded server did not stop.", {
      where: dataDir,
      hint: stopped.output.trim(),
    });
  }
}

/** Runs pg_ctl, which looks ten times a second whether it is done; here that is looked at more often. */
async function control(
  { folder, runAs }: ServerPrograms,
  dataDir: string,
  args: readonly string[],
  isDone: () => Promise<boolean>,
): Promise<ProgramEnd> {
  let ended: ProgramEnd | undefined;
  const running = runProgram(join(folder, "bin", "pg_ctl"), [...args, "-D", dataDir], runAs).then(
    (end) => (ended = end),
  );
  while (ended === undefined) {
    if (await isDone()) return { status: 0, output: "" };
    await Promise.race([running, setTimeout(LOOK_AGAIN)]);
  }
  return ended;
}

/**
 * A server for trying things on: made in memory where there is room, else in the folder for temporary files.
 * Its `stop` removes it; where its process is killed before, the next one that starts such a server does.
 *
 * @param options.inside another place for its folder
 */
export async function startThrowAwayServer({
  inside,
  ...options
}: Partial<Pick<EmbeddedServerOptions, "settings" | "binaries">> & {
  readonly inside?: string;
} = {}): Promise<EmbeddedServer> {
  const places = inside === undefined ? [tmpdir(), IN_MEMORY] : [inside];
  await Promise.all(places.map(clearLeftServers));
  const parent = inside ?? folderInMemory(ROOM_IN_MEMORY) ?? tmpdir();
  const folder = mkdtempSync(join(parent, THROW_AWAY_PREFIX));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  try {
    takeOwnership(folder);
    const server = await startNewServer(folder, options);
    return { ...server, stop: () => server.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A server with new data, whose superuser has a password of its own. */
async function startNewServer(
  folder: string,
  { settings, binaries }: Partial<EmbeddedServerOptions>,
): Promise<EmbeddedServer> {
  const programs = await findPrograms(binaries);
  // Root's folders are closed to the user that the server runs as.
  if (programs.runAs.uid !== undefined) chmodSync(folder, 0o711);
  const dataDir = join(folder, "data");
  const [first, password] = [newPassword(), newPassword()];
  const known = await makeNewData(programs, dataDir, { user: DEFAULT_USER, password: first });
  const { connection } = await runServer(programs, {
    dataDir,
    password: known,
    settings: { ...FOR_A_WHILE, ...settings },
  });
  const stop = () => endServer(programs, dataDir, "immediate");
  try {
    await withClient(connection, (client) =>
      client.query(`ALTER ROLE ${quoteIdentifier(DEFAULT_USER)} PASSWORD ${escapeLiteral(password)}`),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { connection: { ...connection, password }, stop };
}

function newPassword(): string {
  return randomBytes(18).toString("base64url");
}

/** Whether the server of a data directory runs now. */
export async function serverIsRunning(dataDir: string): Promise<boolean> {
  const postmaster = await postmasterOf(dataDir);
  return postmaster !== null && isAlive(postmaster.pid);
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

/** Keeps our lines in a file of their own, so that whoever edits postgresql.conf is not in the way. */
function writeSettings(dataDir: string, runAs: RunAs, settings: Readonly<Record<string, string>>): void {
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const quote = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${quote(value)}\n`);
  writeAnew(join(dataDir, "wovtools.conf"), lines.join(""), runAs);
  const main = join(dataDir, "postgresql.conf");
  const text = readFileSync(main, "utf8");
  const include = "include 'wovtools.conf'";
  if (!text.includes(include)) writeAnew(main, `${text}\n${include}\n`, runAs);
}

/** Writes a file of the server's user as another one: root follows no link that lies in its place. */
function writeAnew(file: string, text: string, { uid, gid }: RunAs): void {
  rmSync(file, { force: true });
  const handle = openSync(file, "wx", 0o600);
  try {
    writeSync(handle, text);
    if (uid !== undefined && gid !== undefined) fchownSync(handle, uid, gid);
  } finally {
    closeSync(handle);
  }
}

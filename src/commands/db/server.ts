import { hash } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../errors.js";
import { describeConnection } from "../../postgres/connection.js";
import type { ServerResult } from "../results.js";
import { connectionOf, onlyDatabase, openSession, type Session } from "../session.js";
import type { DatabaseOptions } from "./ledger.js";

/**
 * Starts the embedded server as the secrets of a database describe it: host, port, user and password are theirs.
 * Its data stay until the folder is removed.
 *
 * @throws ConfigError `NOT_LOCAL` where the secrets name another machine, `NO_EMBEDDED_SERVER`
 */
export async function startLocalServer(options: DatabaseOptions = {}): Promise<ServerResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const { settings, source } = await connectionOf(session, database.name);
  const { host, port, user, password } = settings;
  if (
    host === undefined ||
    !["127.0.0.1", "localhost"].includes(host) ||
    port === undefined ||
    password === undefined
  ) {
    throw new ConfigError(
      "NOT_LOCAL",
      "The embedded server serves this machine, with a port and a password of its own.",
      {
        where: source,
        hint: 'For it, the secrets need host "127.0.0.1", a port, a username and a password.',
      },
    );
  }
  const { serverIsRunning, startServer } = await import("../../postgres/embedded.js");
  const dataDir = await dataDirOf(session);
  const connection = describeConnection({ ...settings, database: "postgres" });
  if (await serverIsRunning(dataDir)) return { running: true, changed: false, connection, dataDir };
  session.progress("starting PostgreSQL");
  await startServer({ dataDir, user, password, port });
  return { running: true, changed: true, connection, dataDir };
}

/** Stops the embedded server of the project; the data stay. */
export async function stopLocalServer(options: DatabaseOptions = {}): Promise<ServerResult> {
  const session = await openSession(options);
  const { serverIsRunning, stopServer } = await import("../../postgres/embedded.js");
  const dataDir = await dataDirOf(session);
  const changed = await serverIsRunning(dataDir);
  await stopServer(dataDir);
  return { running: false, changed, connection: null, dataDir };
}

/**
 * Where the project's server keeps its data: with the user's own state, by the project's path. Run by root, the
 * server is another user's, who cannot look into root's home.
 */
async function dataDirOf({ project, env }: Session): Promise<string> {
  const state =
    process.getuid?.() === 0
      ? "/var/lib"
      : env.XDG_STATE_HOME || join(env.HOME || homedir(), ".local", "state");
  const folder = join(state, "wovtools", hash("sha256", project.root).slice(0, 16));
  await mkdir(folder, { recursive: true });
  if (process.getuid?.() === 0) await chmod(join(state, "wovtools"), 0o711);
  return join(folder, "postgres");
}

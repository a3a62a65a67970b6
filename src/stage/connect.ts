/** The session that a deploy works in. */
import { escapeLiteral, DatabaseError as ServerError } from "pg";
import { DatabaseError } from "../errors.js";
import {
  type Client,
  type ConnectionSettings,
  connect,
  describeConnection,
  withClient,
} from "../postgres/connection.js";
import { canDumpInTransaction } from "../postgres/dump.js";
import { LOOKS_AS_MADE } from "../postgres/empty.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { applicationName } from "./lock.js";

/** How long statements of a deploy may take and wait. */
export interface Limits {
  /** How long a statement may wait for a lock, in milliseconds; 0: for ever. */
  readonly lockTimeout: number;
  /** How long a statement may take, in milliseconds; 0: for ever. */
  readonly statementTimeout: number;
}

/** A session that is fit for a deploy. */
export interface StageSession {
  readonly client: Client;
  /** `server_version_num`, e.g. 180004. */
  readonly serverVersion: number;
  /** What tells this server's data from any other's; null where the role may not know. */
  readonly systemIdentifier: string | null;
  /** Whether the role or the database lets its sessions change nothing unless they ask for it. */
  readonly isReadOnly: boolean;
  /** Whether the database may hold nothing; what looks so mostly does. */
  readonly looksAsMade: boolean;
  /** Statements that put the session's settings back to what a deploy begins with. */
  readonly fresh: readonly string[];
}

/** The oldest server that can say what became of a transaction by its full number. */
const OLDEST = 130_000;

/**
 * Opens the session of a deploy. Whoever opened it ends its client.
 *
 * @throws DatabaseError `SERVER_TOO_OLD`, `SERVER_TOO_NEW`, `TRANSACTION_POOLER`, `READ_ONLY_SERVER`, and those of `connect`
 */
export async function openStageSession(
  settings: ConnectionSettings,
  limits: Limits,
  by: string,
): Promise<StageSession> {
  const client = await connect(settings);
  try {
    const { rows } = await client.query<{
      version: number;
      pid: number;
      standby: boolean;
      readOnly: boolean;
      looksAsMade: boolean;
    }>(
      `SELECT current_setting('server_version_num')::integer AS version, pg_backend_pid() AS pid,
         pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::boolean AS "readOnly",
         ${LOOKS_AS_MADE} AS "looksAsMade"`,
    );
    const [row] = rows;
    const { version = 0, pid = 0, standby = false, looksAsMade = false } = row ?? {};
    if (standby) throw readOnly(settings);
    refuseVersion(version, settings);
    if (!("processID" in client) || client.processID !== pid) await refusePooler(client, pid, settings);
    const fresh = await freshSettings(client, version, limits, by);
    const identifier = await systemIdentifier(client);
    const isReadOnly = row?.readOnly === true;
    return { client, serverVersion: version, systemIdentifier: identifier, isReadOnly, looksAsMade, fresh };
  } catch (error) {
    await client.end();
    throw error;
  }
}

/**
 * Whoever has made sessions read-only has meant it.
 *
 * @throws DatabaseError `READ_ONLY_SESSION`
 */
export function refuseReadOnly({ isReadOnly }: StageSession, settings: ConnectionSettings): void {
  if (!isReadOnly) return;
  const role = quoteIdentifier(settings.user ?? "ROLE");
  const database = quoteIdentifier(settings.database ?? "DATABASE");
  throw new DatabaseError(
    "READ_ONLY_SESSION",
    "The sessions of this role change nothing here: default_transaction_read_only is set.",
    {
      where: describeConnection(settings),
      hint: `Deploy as another role, or let an administrator take it back, where it is set:\n  ALTER ROLE ${role} RESET default_transaction_read_only;\n  ALTER DATABASE ${database} RESET default_transaction_read_only;`,
    },
  );
}

function readOnly(settings: ConnectionSettings): DatabaseError {
  return new DatabaseError("READ_ONLY_SERVER", "This server is a standby: nothing can be changed on it.", {
    where: describeConnection(settings),
    hint: "Connect to the primary server.",
  });
}

function refuseVersion(version: number, settings: ConnectionSettings): void {
  const major = Math.floor(version / 10_000);
  const where = describeConnection(settings);
  if (version < OLDEST) {
    throw new DatabaseError(
      "SERVER_TOO_OLD",
      `The server is PostgreSQL ${major}; a deploy needs 13 or newer.`,
      {
        where,
        hint: "Upgrade the server.",
      },
    );
  }
  if (!canDumpInTransaction(version)) {
    throw new DatabaseError(
      "SERVER_TOO_NEW",
      `The server is PostgreSQL ${major}, which this version of the tool cannot read.`,
      { where, hint: "Update the tool:\n  npm install wovtools@latest" },
    );
  }
}

/**
 * A pooler that hands a session out by the transaction gives each statement whichever connection is free: locks and
 * settings of a session mean nothing there. While this session is idle, another begins a transaction; either it is
 * given the connection that was ours, or we are given another one next.
 */
async function refusePooler(client: Client, pid: number, settings: ConnectionSettings): Promise<void> {
  const pidOf = async (of: Client) =>
    (await of.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
  const isShared = await withClient(settings, async (other) => {
    if (!(await mayBegin(other))) return true;
    const shared = (await pidOf(other)) === pid || (await pidOf(client)) !== pid;
    await other.query("ROLLBACK");
    return shared;
  });
  if (!isShared) return;
  throw new DatabaseError(
    "TRANSACTION_POOLER",
    "Between here and the server is a connection pooler in transaction or statement mode: the locks and settings of a session mean nothing through it.",
    {
      where: describeConnection(settings),
      hint: "Give this stage the address of the server itself, or of a pool in session mode.",
    },
  );
}

/** A pooler that hands a session out by the statement lets nobody begin a transaction, and ends the connection. */
async function mayBegin(client: Client): Promise<boolean> {
  try {
    await client.query("BEGIN");
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.code === PROTOCOL_VIOLATION) return false;
    throw error;
  }
}

const PROTOCOL_VIOLATION = "08P01";

async function freshSettings(client: Client, version: number, limits: Limits, by: string): Promise<string[]> {
  const { lockTimeout, statementTimeout } = limits;
  const own = [
    `SET application_name = ${escapeLiteral(applicationName(by))}`,
    `SET lock_timeout = ${lockTimeout}`,
    `SET statement_timeout = ${statementTimeout}`,
    // While a schema is compared, the session waits with its transaction open.
    "SET idle_in_transaction_session_timeout = 0",
    ...(version >= 140_000 ? ["SET idle_session_timeout = 0"] : []),
    ...(version >= 170_000 ? ["SET transaction_timeout = 0"] : []),
  ];
  if (await noticeLostClient(client)) own.push(NOTICE_LOST_CLIENTS);
  const fresh = ["RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", ...own];
  await client.query(fresh.join("; "));
  return fresh;
}

const NOTICE_LOST_CLIENTS = "SET client_connection_check_interval = '1s'";
const NOT_THERE = "42704";
const NOT_HERE = "22023";

/**
 * A server whose client is gone gives up instead of holding its locks to the end of a long statement.
 *
 * @param client in no transaction
 * @returns whether the server can: not before PostgreSQL 14, and not on every platform
 */
export async function noticeLostClient(client: Client): Promise<boolean> {
  try {
    await client.query(NOTICE_LOST_CLIENTS);
    return true;
  } catch (error) {
    if (error instanceof ServerError && (error.code === NOT_THERE || error.code === NOT_HERE)) return false;
    throw error;
  }
}

async function systemIdentifier(client: Client): Promise<string | null> {
  try {
    const { rows } = await client.query<{ id: string }>(
      "SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()",
    );
    return rows[0]?.id ?? null;
  } catch (error) {
    // Some providers let nobody ask.
    if (error instanceof ServerError && error.code === "42501") return null;
    throw error;
  }
}

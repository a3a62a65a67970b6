/** One deploy at a time for each database: a lock of the server's, which ends with the session that holds it. */
import { setTimeout as sleep } from "node:timers/promises";
import { escapeLiteral } from "pg";
import { BlockedError } from "../errors.js";
import { type Client, type ConnectionSettings, NO_TIMEOUTS, withClient } from "../postgres/connection.js";

/** Advisory locks are numbers; they count for one database. This one says `wov deploy` in the letters' places. */
const LOCK = [0x776f76, 0x6465706c] as const;

/** Who holds the lock. */
interface LockHolder {
  readonly pid: number;
  /** The role it is logged in as. */
  readonly role: string;
  readonly address: string | null;
  /** What it calls itself: who deploys, and where. */
  readonly application: string;
  /** null where the server does not show it to this role, as of a session of another's. */
  readonly since: Date | null;
}

/** How a session of a deploy calls itself, so that whoever waits for it knows whom to ask. At most 63 bytes. */
export function applicationName(by: string): string {
  return `wovtools deploy by ${by}`.slice(0, 63);
}

/**
 * How long to wait before asking again, in milliseconds, more or less. A session that waits within
 * `pg_advisory_lock` has a snapshot, for which CREATE INDEX CONCURRENTLY waits in its turn: holder and waiter would
 * be in a deadlock.
 */
const PAUSE_MS = 200;

/** How long to wait where nobody says how long, in milliseconds. */
export const PATIENCE_MS = 60_000;

/**
 * Takes the lock for this session, to its end.
 *
 * @param patience how long to wait for it, in milliseconds; 0: not at all
 * @param waits told who holds it, when there is somebody to wait for
 * @throws BlockedError `DEPLOY_LOCKED` with the holder
 */
export async function lockDatabase(
  client: Client,
  patience: number,
  waits: (holder: string) => void,
): Promise<void> {
  if (await tryLock(client)) return;
  let holder = await holderOf(client);
  const end = performance.now() + patience;
  if (patience > 0) waits(describeHolder(holder));
  while (performance.now() < end) {
    await sleep(Math.min(end - performance.now(), PAUSE_MS * (0.5 + Math.random())));
    if (await tryLock(client)) return;
    holder = (await holderOf(client)) ?? holder;
  }
  throw new BlockedError(
    "DEPLOY_LOCKED",
    `Another deploy of this database is at work: ${describeHolder(holder)}.`,
    { hint: "Wait until it has ended, then run this again; a deploy waits longer with --wait SECONDS." },
  );
}

/**
 * Does some work with the lock held, in a session that is there for nothing else.
 *
 * @param by who works, for whoever waits
 * @param waits told who holds it, when there is somebody to wait for
 * @throws BlockedError `DEPLOY_LOCKED`, and what the work throws
 */
export function withDatabaseLock<T>(
  settings: ConnectionSettings,
  by: string,
  waits: (holder: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  return withClient(settings, async (client) => {
    await client.query(`SET application_name = ${escapeLiteral(applicationName(by))}; SELECT ${NO_TIMEOUTS}`);
    await lockDatabase(client, PATIENCE_MS, waits);
    return work();
  });
}

/** Takes the lock if nobody holds it. */
async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS taken", [
    ...LOCK,
  ]);
  return rows[0]?.taken === true;
}

/** Who holds the lock of the database that a client is connected to; null for nobody. */
async function holderOf(client: Client): Promise<LockHolder | null> {
  const { rows } = await client.query<LockHolder>(
    `SELECT a.pid, a.usename AS role, host(a.client_addr) AS address, a.application_name AS application,
       a.backend_start AS since
     FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
       AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())`,
    [...LOCK],
  );
  return rows[0] ?? null;
}

function describeHolder(holder: LockHolder | null): string {
  if (holder === null) return "a session that has just ended";
  const { pid, role, address, application, since } = holder;
  const from = address === null ? "" : ` from ${address}`;
  const began = since === null ? "" : `, since ${since.toISOString()}`;
  return `${application || "a session"} (process ${pid} of the server, role ${role}${from}${began})`;
}

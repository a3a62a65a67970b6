/** One deploy at a time for each database: a lock of the server's, which ends with the session that holds it. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../errors.js";
import type { Client } from "../postgres/connection.js";

/** Advisory locks are numbers; they count for one database. This one says `wov deploy` in the letters' places. */
const LOCK = [0x776f76, 0x6465706c] as const;

/** Who holds the lock. */
export interface LockHolder {
  readonly pid: number;
  /** The role it is logged in as. */
  readonly role: string;
  readonly address: string | null;
  /** What it calls itself: who deploys, and where. */
  readonly application: string;
  readonly since: Date;
}

/** How a session of a deploy calls itself, so that whoever waits for it knows whom to ask. At most 63 bytes. */
export function applicationName(by: string): string {
  return `wovtools deploy by ${by}`.slice(0, 63);
}

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
  const holder = await holderOf(client);
  if (patience > 0) {
    waits(describeHolder(holder));
    await client.query("SELECT set_config('lock_timeout', $1, false)", [`${patience}ms`]);
    try {
      await client.query("SELECT pg_advisory_lock($1, $2)", [...LOCK]);
      return;
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== "55P03") throw error;
    }
  }
  throw new BlockedError(
    "DEPLOY_LOCKED",
    `Another deploy of this database is at work: ${describeHolder((await holderOf(client)) ?? holder)}.`,
    { hint: "Wait until it has ended, then run this again; --wait SECONDS waits longer." },
  );
}

/** Takes the lock if nobody holds it. */
export async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS taken", [
    ...LOCK,
  ]);
  return rows[0]?.taken === true;
}

/** Gives the lock back, for a session that goes on. */
export async function unlockDatabase(client: Client): Promise<void> {
  await client.query("SELECT pg_advisory_unlock($1, $2)", [...LOCK]);
}

/** Who holds the lock of the database that a client is connected to; null for nobody. */
export async function holderOf(client: Client): Promise<LockHolder | null> {
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
  return `${application || "a session"} (process ${pid} of the server, role ${role}${from}, since ${since.toISOString()})`;
}

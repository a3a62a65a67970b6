/** Shadows: throw-away databases in which something is tried before it is believed. */
import { randomBytes } from "node:crypto";
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../errors.js";
import { type Client, type ConnectionSettings, connect, withClient } from "./connection.js";
import { startThrowAwayServer } from "./embedded.js";
import { quoteIdentifier } from "./quote.js";

/** A server on which shadows may be made. */
export interface ShadowServer {
  /** How to reach a database of it that stays; shadows are made from there. */
  readonly connection: ConnectionSettings;
  /** Whether all of it is thrown away, so that roles may be made on it too. */
  readonly isThrowAway: boolean;
  close(): Promise<void>;
}

/** An embedded server for shadows, which ends with `close`. */
export async function embeddedShadowServer(): Promise<ShadowServer> {
  const server = await startThrowAwayServer();
  return { connection: server.connection, isThrowAway: true, close: () => server.stop() };
}

/**
 * The server of a database that is there, where the role may make databases.
 *
 * @returns null where it may not
 */
export async function ownShadowServer(connection: ConnectionSettings): Promise<ShadowServer | null> {
  const allowed = await withClient(connection, async (client) => {
    const { rows } = await client.query<{ allowed: boolean }>(
      "SELECT rolcreatedb OR rolsuper AS allowed FROM pg_catalog.pg_roles WHERE rolname = current_user",
    );
    return rows[0]?.allowed === true;
  });
  return allowed ? { connection, isThrowAway: false, close: async () => undefined } : null;
}

const PREFIX = "wov_shadow_";

/**
 * Makes an empty database, hands over how to reach it, and drops it whatever happens. Shadows that a killed
 * process left on the server are dropped as well.
 *
 * While it is in use its name is locked by a session: the lock ends with its process, and so tells a shadow in use
 * from one that was left.
 */
export async function withShadow<T>(
  server: ShadowServer,
  work: (shadow: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const admin = await connect(server.connection);
  try {
    const name = `${PREFIX}${randomBytes(8).toString("hex")}`;
    await admin.query("SELECT pg_advisory_lock(hashtext($1))", [name]);
    await dropLeftShadows(admin);
    await admin.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`);
    try {
      return await work({ ...server.connection, database: name });
    } finally {
      await dropShadow(admin, name);
    }
  } finally {
    await admin.end();
  }
}

async function dropLeftShadows(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `SELECT datname FROM pg_catalog.pg_database d
     WHERE starts_with(datname, $1) AND pg_catalog.pg_has_role(datdba, 'USAGE')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks
       WHERE locktype = 'advisory' AND objid = (hashtext(d.datname)::bigint & x'ffffffff'::bigint)::oid)`,
    [PREFIX],
  );
  for (const { datname } of rows) await dropShadow(admin, datname);
}

async function dropShadow(admin: Client, name: string): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
}

/**
 * Runs SQL in an empty shadow and hands over how to reach what it made.
 *
 * @param load the SQL, several statements, in one transaction
 * @param load.roles roles that it names; made first where all of the server is thrown away
 * @throws BlockedError `SHADOW_REFUSED` with the server's message where it refuses the SQL
 */
export function withLoadedShadow<T>(
  server: ShadowServer,
  load: { readonly sql: string; readonly name: string; readonly roles?: readonly string[] },
  work: (shadow: ConnectionSettings) => Promise<T>,
): Promise<T> {
  return withShadow(server, async (shadow) => {
    await withClient(shadow, async (client) => {
      if (server.isThrowAway) await makeRoles(client, load.roles ?? []);
      try {
        await client.query(load.sql);
      } catch (error) {
        throw error instanceof ServerError ? refused(error, load) : error;
      }
    });
    return work(shadow);
  });
}

async function makeRoles(client: Client, names: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>("SELECT rolname FROM pg_catalog.pg_roles");
  const known = new Set(rows.map(({ rolname }) => rolname));
  for (const name of new Set(names)) {
    if (!known.has(name)) await client.query(`CREATE ROLE ${quoteIdentifier(name)}`);
  }
}

function refused(
  error: ServerError,
  { sql, name }: { readonly sql: string; readonly name: string },
): BlockedError {
  const line =
    error.position === undefined ? "" : `:${sql.slice(0, Number(error.position)).split("\n").length}`;
  return new BlockedError("SHADOW_REFUSED", `The server refuses the SQL: ${error.message}.`, {
    where: `${name}${line}`,
    hint: error.hint,
    cause: error,
  });
}

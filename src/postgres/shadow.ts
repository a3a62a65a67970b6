/** Shadows: throw-away databases in which something is tried before it is believed. */
import { randomBytes } from "node:crypto";
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError } from "../errors.js";
import {
  type Client,
  type ConnectionSettings,
  connect,
  describeConnection,
  NO_TIMEOUTS,
  withClient,
} from "./connection.js";
import { quoteIdentifier } from "./quote.js";
import type { ShadowServer } from "./shadow-servers.js";

const SHADOW_PREFIX = "wov_shadow_";

/** What shadows are called, as a regular expression of JavaScript's and PostgreSQL's. */
export const SHADOW_NAME = `^${SHADOW_PREFIX}[0-9a-f]{16}$`;

/** A name that no shadow has. */
export function shadowName(): string {
  return `${SHADOW_PREFIX}${randomBytes(8).toString("hex")}`;
}

/**
 * Makes an empty database, hands over how to reach it, and drops it whatever happens. Shadows that a killed
 * process left on the server are dropped as well.
 *
 * While it is in use its name is locked by a session: the lock ends with its process, and so tells a shadow in use
 * from one that was left.
 *
 * @param called the name that it is to have where all of the server is thrown away
 * @throws DatabaseError `NO_SHADOW` where the server makes none
 */
export async function withShadow<T>(
  server: ShadowServer,
  work: (shadow: ConnectionSettings) => Promise<T>,
  called?: string,
): Promise<T> {
  const admin = await connect(server.connection);
  try {
    const name = freeName(server, called) ?? shadowName();
    await clearLeft(server, admin);
    await makeShadow(admin, name, "template0");
    try {
      return await work({ ...server.connection, database: name });
    } finally {
      await dropShadow(admin, name);
    }
  } finally {
    await admin.end();
  }
}

/**
 * Makes a database that counts as in use for as long as the session lasts.
 *
 * @throws DatabaseError `NO_SHADOW`
 */
export async function makeShadow(admin: Client, name: string, template: string): Promise<void> {
  try {
    const { rows } = await admin.query<{ flushes: boolean; version: number }>(
      `SELECT pg_advisory_lock(hashtext($1)), current_setting('fsync')::boolean AS flushes,
         current_setting('server_version_num')::integer AS version, ${NO_TIMEOUTS}`,
      [name],
    );
    const { flushes = true, version = 0 } = rows[0] ?? {};
    // Where nothing is flushed to disk, to copy the template's files takes half as long as to write them into the log.
    const strategy = !flushes && version >= 150_000 ? " STRATEGY file_copy" : "";
    await admin.query(
      `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template)}${strategy}`,
    );
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new DatabaseError("NO_SHADOW", `The server makes no shadow: ${error.message}.`, {
      where: describeConnection({ host: admin.host, port: admin.port, user: admin.user, database: name }),
      hint: error.hint,
      cause: error,
    });
  }
}

/** Where all of the server is thrown away, a shadow may have the name that SQL knows its database by. */
function freeName({ isThrowAway, connection }: ShadowServer, called: string | undefined): string | null {
  const isTaken = called === connection.database || called?.startsWith("template");
  return isThrowAway && called !== undefined && !isTaken ? called : null;
}

/** Clears away what earlier shadows have left, of which none is in use. */
export async function clearLeft({ isThrowAway }: ShadowServer, admin: Client): Promise<void> {
  if (isThrowAway) await emptyServer(admin);
  else await dropLeftShadows(admin);
}

async function dropLeftShadows(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `SELECT datname FROM pg_catalog.pg_database d
     WHERE datname ~ $1 AND pg_catalog.pg_has_role(datdba, 'USAGE')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks
       WHERE locktype = 'advisory' AND objid = (hashtext(d.datname)::bigint & x'ffffffff'::bigint)::oid)`,
    [SHADOW_NAME],
  );
  for (const { datname } of rows) await dropShadow(admin, datname);
}

/** What an earlier shadow's SQL has made beside its database: without it that SQL can be run again. */
async function emptyServer(admin: Client): Promise<void> {
  const { rows: inUse } = await admin.query(
    "SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid <> pg_catalog.pg_backend_pid()",
  );
  if (inUse.length > 0) return;
  const { rows } = await admin.query<{ statement: string }>(
    `SELECT format('DROP DATABASE %I WITH (FORCE)', datname) AS statement FROM pg_catalog.pg_database
     WHERE NOT datistemplate AND datname <> current_database()
     UNION ALL SELECT format('DROP TABLESPACE %I', spcname) FROM pg_catalog.pg_tablespace WHERE NOT starts_with(spcname, 'pg_')
     UNION ALL SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_catalog.pg_roles
     WHERE NOT starts_with(rolname, 'pg_') AND rolname <> current_user`,
  );
  for (const { statement } of rows) await admin.query(statement);
}

export async function dropShadow(admin: Client, name: string): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`);
}

/** SQL for a shadow. */
export interface ShadowLoad {
  /** Several statements, run in one transaction. */
  readonly sql: string;
  /** For messages. */
  readonly name: string;
  /** Roles that it names; made first where all of the server is thrown away. */
  readonly roles?: readonly string[];
  /** The name that the shadow is to have where all of the server is thrown away. */
  readonly called?: string | undefined;
}

/**
 * Runs SQL in an empty shadow and hands over how to reach what it made, with the session that ran it.
 *
 * @throws BlockedError `SHADOW_REFUSED` with the server's message where it refuses the SQL
 */
export function withLoadedShadow<T>(
  server: ShadowServer,
  load: ShadowLoad,
  work: (shadow: ConnectionSettings, client: Client) => Promise<T>,
): Promise<T> {
  const loaded = (shadow: ConnectionSettings) =>
    withClient(shadow, async (client) => {
      await loadShadow(server, client, load);
      return work(shadow, client);
    });
  return withShadow(server, loaded, load.called);
}

/**
 * Runs SQL in a shadow.
 *
 * @throws BlockedError `SHADOW_REFUSED`
 */
export async function loadShadow(server: ShadowServer, client: Client, load: ShadowLoad): Promise<void> {
  if (server.isThrowAway) await makeRoles(client, load.roles ?? []);
  await client.query(`SELECT ${NO_TIMEOUTS}`);
  try {
    await client.query(load.sql);
  } catch (error) {
    throw error instanceof ServerError ? refused(error, load) : error;
  }
}

/** Makes the roles that a server lacks. */
export async function makeRoles(client: Client, names: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>("SELECT rolname FROM pg_catalog.pg_roles");
  const known = new Set(rows.map(({ rolname }) => rolname));
  for (const name of new Set(names)) {
    if (!known.has(name)) await client.query(`CREATE ROLE ${quoteIdentifier(name)}`);
  }
}

function refused(error: ServerError, { sql, name }: ShadowLoad): BlockedError {
  const line =
    error.position === undefined ? "" : `:${sql.slice(0, Number(error.position)).split("\n").length}`;
  return new BlockedError("SHADOW_REFUSED", `The server refuses the SQL: ${error.message}.`, {
    where: `${name}${line}`,
    hint: error.hint,
    cause: error,
  });
}

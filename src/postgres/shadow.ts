/** Shadows: throw-away databases in which something is tried before it is believed. */
import { randomBytes } from "node:crypto";
import { DatabaseError as ServerError } from "pg";
import { BlockedError, ConfigError, DatabaseError } from "../errors.js";
import {
  type Client,
  type ConnectionSettings,
  connect,
  describeConnection,
  withClient,
} from "./connection.js";
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

/** A schema is loaded in one transaction, which holds a lock for each table and index: enough of them for 5,000 tables. */
const MANY_LOCKS = { max_connections: "25", max_locks_per_transaction: "8192" };

/** An embedded server for shadows, which ends with `close`. */
export async function embeddedShadowServer(): Promise<ShadowServer> {
  const server = await startThrowAwayServer({ settings: MANY_LOCKS });
  return { connection: server.connection, isThrowAway: true, close: () => server.stop() };
}

/**
 * The server of a database that is there, where the role may make databases.
 *
 * @returns null where it may not
 */
export async function ownShadowServer(connection: ConnectionSettings): Promise<ShadowServer | null> {
  const { mayMakeDatabases, options } = await askDatabase(connection);
  if (!mayMakeDatabases) return null;
  return { connection: { ...connection, options }, isThrowAway: false, close: async () => undefined };
}

/** Settings of a session by which the same statement makes different things, or is printed in another way. */
const TELLING_SETTINGS = [
  "check_function_bodies",
  "datestyle",
  "default_table_access_method",
  "default_text_search_config",
  "default_toast_compression",
  "intervalstyle",
  "search_path",
  "timezone",
  "transform_null_equals",
  "xmloption",
];

/** What a database tells of the shadows that stand in for it. */
interface Told {
  readonly mayMakeDatabases: boolean;
  /** For a session in a shadow: the settings of the role and the database that its sessions begin with. */
  readonly options: string | undefined;
}

async function askDatabase(connection: ConnectionSettings): Promise<Told> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ allowed: boolean; names: string[]; settings: string[] }>(
      `SELECT rolcreatedb OR rolsuper AS allowed,
         coalesce(array_agg(name ORDER BY name) FILTER (WHERE name IS NOT NULL), '{}') AS names,
         coalesce(array_agg(setting ORDER BY name) FILTER (WHERE name IS NOT NULL), '{}') AS settings
       FROM pg_catalog.pg_roles LEFT JOIN pg_catalog.pg_settings
         ON lower(name) = ANY ($1::text[]) AND source IN ('database', 'user', 'database user')
       WHERE rolname = current_user GROUP BY 1`,
      [TELLING_SETTINGS],
    );
    const { allowed = false, names = [], settings = [] } = rows[0] ?? {};
    const options = names.map((name, index) => `-c ${name}=${escapedOption(settings[index] ?? "")}`);
    const all = [...(connection.options === undefined ? [] : [connection.options]), ...options];
    return { mayMakeDatabases: allowed, options: all.length === 0 ? undefined : all.join(" ") };
  });
}

/** As the server cuts them: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS */
function escapedOption(value: string): string {
  return value.replaceAll(/[\\\s]/g, "\\$&");
}

/**
 * The servers on which one command may make shadows. The embedded one is started when it is first asked for, once;
 * shadows are made on it one after the other.
 */
export class ShadowServers {
  #embedded: Promise<ShadowServer> | undefined;

  /** The server of a database, where the role may make databases there; else null. */
  own(near: ConnectionSettings | undefined): Promise<ShadowServer | null> {
    return near === undefined ? Promise.resolve(null) : ownShadowServer(near);
  }

  /** Starts the embedded server where it is sure to be asked for; whether that went well is told to whoever asks. */
  startAhead(): void {
    this.#embedded ??= embeddedShadowServer();
    this.#embedded.catch(noServer);
  }

  /**
   * @param near a database whose sessions' settings hold in the shadows
   * @throws ConfigError, DatabaseError where there is none
   */
  async embedded(near?: ConnectionSettings): Promise<ShadowServer> {
    this.#embedded ??= embeddedShadowServer();
    const server = await this.#embedded;
    if (near === undefined) return server;
    const { options } = await askDatabase(near);
    return { ...server, connection: { ...server.connection, options } };
  }

  /** Ends the embedded server, where it was started. */
  async close(): Promise<void> {
    const server = await this.#embedded?.catch(noServer);
    this.#embedded = undefined;
    await server?.close();
  }
}

/** Whoever asks for it is told. */
function noServer(error: unknown): undefined {
  if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
}

const SHADOW_PREFIX = "wov_shadow_";

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
         current_setting('server_version_num')::integer AS version`,
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
     WHERE starts_with(datname, $1) AND pg_catalog.pg_has_role(datdba, 'USAGE')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks
       WHERE locktype = 'advisory' AND objid = (hashtext(d.datname)::bigint & x'ffffffff'::bigint)::oid)`,
    [SHADOW_PREFIX],
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

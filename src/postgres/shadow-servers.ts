/** Servers on which shadows may be made: a database's own, or one that is thrown away. */
import { ConfigError, DatabaseError } from "../errors.js";
import { type ConnectionSettings, withClient } from "./connection.js";
import { startThrowAwayServer } from "./embedded.js";

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
      // On a standby, sessions are read-only too.
      `SELECT (rolcreatedb OR rolsuper) AND NOT current_setting('transaction_read_only')::boolean AS allowed,
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

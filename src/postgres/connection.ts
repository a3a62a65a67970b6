import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import pg from "pg";
import { ConfigError } from "../errors.js";
import { connectionError, isAboutTls } from "./connection-error.js";
import { checkSslMode, type SslMode } from "./ssl-mode.js";

/**
 * Where a database is and who asks, by libpq's names. What is left out comes from libpq's own environment
 * variables (`PGHOST`, `PGUSER`, …) and from `~/.pgpass`, both of which `pg` reads.
 */
export interface ConnectionSettings {
  /** A host name, an address, or a folder of Unix sockets. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly sslmode?: SslMode | undefined;
  /** Path of the certificate authority's file. */
  readonly sslrootcert?: string | undefined;
  readonly sslcert?: string | undefined;
  readonly sslkey?: string | undefined;
  /** `schema`: what is recorded beside this database is recorded in a schema inside it. */
  readonly ledger?: "schema" | undefined;
  /** Command-line options for the server's session, as `PGOPTIONS`. */
  readonly options?: string | undefined;
}

export type Client = pg.Client;
export type Pool = pg.Pool;

/** How long a connection may take before the server counts as unreachable, in milliseconds (`PGCONNECT_TIMEOUT` overrides it, in seconds). */
const CONNECT_TIMEOUT_MS = 10_000;

/** A connection in words, for messages: `user@host:port/database`, never the password. */
export function describeConnection(settings: ConnectionSettings): string {
  const user = settings.user ?? process.env.PGUSER;
  const host = settings.host ?? process.env.PGHOST ?? "localhost";
  const port = settings.port ?? process.env.PGPORT ?? 5432;
  const database = settings.database ?? process.env.PGDATABASE ?? user ?? "";
  return `${user === undefined ? "" : `${user}@`}${host}:${port}/${database}`;
}

/** Settings as libpq's environment variables, for programs that use libpq: nothing secret stands in a process list. */
export function libpqEnvironment(settings: ConnectionSettings): Record<string, string> {
  const variables: Record<string, string | number | undefined> = {
    PGHOST: settings.host,
    PGPORT: settings.port,
    PGDATABASE: settings.database,
    PGUSER: settings.user,
    PGPASSWORD: settings.password,
    PGSSLMODE: settings.sslmode,
    PGSSLROOTCERT: settings.sslrootcert,
    PGSSLCERT: settings.sslcert,
    PGSSLKEY: settings.sslkey,
    PGOPTIONS: settings.options,
    PGAPPNAME: "wovtools",
  };
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) set[name] = String(value);
  return set;
}

/**
 * Opens a connection.
 *
 * @param settings where and as whom
 * @returns a connected client; whoever called ends it
 * @throws DatabaseError `UNREACHABLE`, `LOGIN_REFUSED`, `NO_SUCH_DATABASE`, `TLS` …, with what mends each
 */
export async function connect(settings: ConnectionSettings): Promise<Client> {
  return (await connectBy(settings)).client;
}

/** The connection, and what of TLS it took to get it. */
async function connectBy(settings: ConnectionSettings): Promise<{ client: Client; ssl: TlsOptions | false }> {
  const mode = settings.sslmode ?? checkSslMode(process.env.PGSSLMODE || "prefer");
  const overSocket = (settings.host ?? process.env.PGHOST ?? "").startsWith("/");
  const attempts: (TlsOptions | false)[] =
    overSocket || mode === "disable"
      ? [false]
      : mode === "allow"
        ? [false, { rejectUnauthorized: false }]
        : mode === "prefer"
          ? [{ rejectUnauthorized: false }, false]
          : [await verifiedTls(mode, settings)];
  let failure: unknown;
  for (const ssl of attempts) {
    const client = newClient(settings, ssl);
    const parameters = watchParameters(client);
    try {
      await client.connect();
    } catch (error) {
      // libpq, too, tells of the first attempt where the second fails for the same reason.
      failure ??= error;
      if (isAboutTls(error)) continue;
      failure = error;
      break;
    }
    const readsBackslashes = parameters.standard_conforming_strings === "off";
    if (!readsBackslashes || settings.options?.endsWith(STANDARD_STRINGS)) return { client, ssl };
    await client.end();
    return connectBy(withStandardStrings(settings));
  }
  throw connectionError(failure, describeConnection(settings), settings);
}

const STANDARD_STRINGS = "-c standard_conforming_strings=on";

/**
 * Statements are parsed, and dumps are read, with a backslash that is like any other character of a string. Asked
 * for when the session begins, it outlasts RESET ALL.
 */
export function withStandardStrings(settings: ConnectionSettings): ConnectionSettings {
  const others = settings.options ?? process.env.PGOPTIONS ?? "";
  return { ...settings, options: `${others} ${STANDARD_STRINGS}`.trim() };
}

type Parameters = Readonly<Record<string, string>>;

const parametersSaid = new WeakMap<Client, Parameters>();

/**
 * What a server says of itself and of the session, when it begins and when it changes: `server_version`,
 * `client_encoding` … See https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC
 */
export function parametersOf(client: Client): Parameters {
  return parametersSaid.get(client) ?? {};
}

function watchParameters(client: Client): Parameters {
  const parameters: Record<string, string> = {};
  client.connection.on("parameterStatus", (said: { parameterName: string; parameterValue: string }) => {
    parameters[said.parameterName] = said.parameterValue;
  });
  parametersSaid.set(client, parameters);
  return parameters;
}

/** Settings that end what takes long; not all servers have all of them. */
const TIMEOUTS = ["statement_timeout", "idle_session_timeout", "transaction_timeout"];

/**
 * SQL expressions for the list of a SELECT: in the session that asks for them, work takes as long as it takes, and so
 * does waiting for another session's, whatever the role or the database says of how long users may take.
 */
export const NO_TIMEOUTS = TIMEOUTS.map(
  (name) =>
    `CASE WHEN current_setting('${name}', true) IS NOT NULL THEN set_config('${name}', '0', false) END`,
).join(", ");

/** Connects, hands the client over, and ends it whatever happens. */
export async function withClient<T>(
  settings: ConnectionSettings,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect(settings);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Hands over a pool of one connection, for a library that asks for a pool, and ends it whatever happens.
 *
 * @throws DatabaseError as {@link connect} does
 */
export async function withPool<T>(
  settings: ConnectionSettings,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const { client, ssl } = await connectBy(settings);
  await client.end();
  const pool = new pg.Pool({ ...clientConfig(settings, ssl), max: 1 });
  pool.on("error", () => undefined);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

function clientConfig(settings: ConnectionSettings, ssl: TlsOptions | false): pg.ClientConfig {
  const timeout = Number(process.env.PGCONNECT_TIMEOUT);
  return {
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: settings.password,
    options: settings.options,
    ssl,
    application_name: "wovtools",
    connectionTimeoutMillis: timeout > 0 ? timeout * 1000 : CONNECT_TIMEOUT_MS,
  };
}

function newClient(settings: ConnectionSettings, ssl: TlsOptions | false): Client {
  const client = new pg.Client(clientConfig(settings, ssl));
  // Without a listener a connection that breaks while idle would end the process; the next query reports it.
  client.on("error", () => undefined);
  return client;
}

async function verifiedTls(mode: SslMode, settings: ConnectionSettings): Promise<TlsOptions> {
  const read = async (what: string, path: string | undefined) => {
    if (path === undefined) return undefined;
    try {
      return await readFile(path);
    } catch (cause) {
      throw new ConfigError("TLS_FILE", `The file that ${what} names cannot be read.`, {
        where: path,
        cause,
      });
    }
  };
  const [ca, cert, key] = await Promise.all([
    read("sslrootcert", settings.sslrootcert ?? process.env.PGSSLROOTCERT),
    read("sslcert", settings.sslcert ?? process.env.PGSSLCERT),
    read("sslkey", settings.sslkey ?? process.env.PGSSLKEY),
  ]);
  // As libpq has it, `require` with a root certificate verifies like `verify-ca`.
  const verifies = mode === "verify-full" || mode === "verify-ca" || ca !== undefined;
  return {
    rejectUnauthorized: verifies,
    ...(ca && { ca: inPem(ca) }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(mode !== "verify-full" && { checkServerIdentity: () => undefined }),
  };
}

/** Node takes certificates in PEM only; one in DER is one certificate. */
function inPem(certificate: Buffer): string | Buffer {
  if (certificate.includes("-----BEGIN")) return certificate;
  return new X509Certificate(certificate).toString();
}

import { DatabaseError as ServerError } from "pg";
import { DatabaseError } from "../errors.js";
import {
  type Client,
  type ConnectionSettings,
  connect,
  describeConnection,
  NO_TIMEOUTS,
  withClient,
} from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import {
  LEDGER_DATABASE,
  LEDGER_FORMAT,
  prepareTables,
  readFormat,
  LEDGER_SCHEMA as SCHEMA,
} from "./ledger-tables.js";
import { type Position, readPosition } from "./position.js";

export { LEDGER_DATABASE };

/** Something that happened to a database: a version was archived from it, or it was told to be at one. */
export interface LedgerRecord {
  /** As the server calls it: several databases of one server may be the same one of a project. */
  readonly database: string;
  /** A key of the version history, e.g. `1.1.0+2`. */
  readonly version: string;
  /** The version's `id` in the history, which chains it to its ancestors. */
  readonly versionId: string;
  readonly event: "archived" | "instance" | "baseline";
  /** Who did it, e.g. the author of the commit. */
  readonly by: string;
  /** The commit in which the version was archived. */
  readonly commit: string | null;
}

export interface LedgerEntry extends Omit<LedgerRecord, "event"> {
  readonly event: LedgerRecord["event"] | "deployed";
  readonly at: Date;
}

/** The version that a database is at. */
export interface LedgerVersion {
  readonly version: string;
  readonly versionId: string;
  readonly since: Date;
  /** The version in the middle of which a deploy stopped; null for none. */
  readonly stopped: StoppedWithin | null;
}

/** Where a deploy stopped. */
export interface StoppedWithin {
  readonly version: string;
  /** How many of its statements are applied. */
  readonly statements: number;
}

/** A server's ledger, open. Whoever opened it closes it. */
export interface Ledger {
  /** The format of its tables. */
  readonly format: number;
  /** @returns null for a database that the ledger does not know */
  versionOf(database: string): Promise<LedgerVersion | null>;
  /** @returns null for a database that the ledger does not know */
  positionOf(database: string): Promise<Position | null>;
  /** What happened to a database, oldest first. */
  log(database: string): Promise<LedgerEntry[]>;
  /** Writes down an event and the version it leaves the database at. Recording the newest event again changes nothing. */
  record(record: LedgerRecord): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the ledger of a server.
 *
 * @param server how to reach any database of that server
 * @returns null where the server has no ledger yet
 * @throws DatabaseError `NEWER_LEDGER` where a newer version of the tool has made it, `NO_RIGHT_FOR_LEDGER` where
 *   the role may not read it
 */
export function openLedger(server: ConnectionSettings): Promise<Ledger | null> {
  return openTables(server);
}

async function openTables(
  server: ConnectionSettings,
  logIn = () => logInToLedger(server),
): Promise<PostgresLedger | null> {
  let client: Client;
  try {
    client = await connectToLedger(logIn);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "NO_SUCH_DATABASE") return null;
    throw error;
  }
  try {
    const format = await readFormat(client);
    if (format === null) {
      await client.end();
      return null;
    }
    if (format > LEDGER_FORMAT) {
      throw new DatabaseError(
        "NEWER_LEDGER",
        `The ledger has format ${format}; this version of the tool knows up to ${LEDGER_FORMAT}.`,
        {
          where: describeConnection(ledgerConnection(server)),
          hint: "Update the tool:\n  npm install wovtools@latest",
        },
      );
    }
    return new PostgresLedger(client, format);
  } catch (error) {
    await client.end();
    throw isMissingRight(error) ? noRight(server, error.message) : error;
  }
}

/** Logs in to the database of the ledger, and asks nothing of it. @throws DatabaseError as `connect` */
export function logInToLedger(server: ConnectionSettings): Promise<Client> {
  return connect(ledgerConnection(server));
}

/**
 * Connects to the ledger. Databases that are deployed at the same time write to the same tables: where the role's
 * transactions are serializable, they would stand in each other's way.
 */
async function connectToLedger(logIn: () => Promise<Client>): Promise<Client> {
  const client = await logIn();
  try {
    await client.query(
      `SELECT set_config('default_transaction_isolation', 'read committed', false), ${NO_TIMEOUTS}`,
    );
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** PostgreSQL's insufficient_privilege. */
function isMissingRight(error: unknown): error is ServerError {
  return error instanceof ServerError && error.code === "42501";
}

/** The ledger is there, and the role lacks rights in it. */
function noRight(server: ConnectionSettings, reason: string): DatabaseError {
  const role = quoteIdentifier(server.user ?? "ROLE");
  return new DatabaseError("NO_RIGHT_FOR_LEDGER", `The role may not use the ledger: ${reason}.`, {
    where: describeConnection(ledgerConnection(server)),
    hint: `Let the ledger's owner run, in the database ${ledgerConnection(server).database ?? ""}:\n  GRANT USAGE ON SCHEMA ${SCHEMA} TO ${role};\n  GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ${SCHEMA} TO ${role};`,
  });
}

/** How to reach the ledger beside a database, or inside it. */
export function ledgerConnection(server: ConnectionSettings): ConnectionSettings {
  return server.ledger === "schema" ? server : { ...server, database: LEDGER_DATABASE };
}

/**
 * Makes the ledger where it is missing: the database and its tables. One of an older format is brought to the present
 * one. Afterwards the role can record in it.
 *
 * @returns whether there was none
 * @throws DatabaseError `NO_RIGHT_FOR_LEDGER` where the role may not make a database, or not write in the ledger
 */
export async function createLedger(server: ConnectionSettings): Promise<{ created: boolean }> {
  const { client, created } = await connectToRecord(server);
  await client.end();
  return { created };
}

/**
 * Connects to the ledger, as `createLedger` makes it.
 *
 * @param logIn as `logInToLedger`; for whoever has logged in before
 * @returns the connection, and whether there was no ledger
 * @throws DatabaseError as `createLedger`
 */
export async function connectToRecord(
  server: ConnectionSettings,
  logIn?: () => Promise<Client>,
): Promise<{ readonly client: Client; readonly created: boolean }> {
  const existing = await openTables(server, logIn);
  if (existing !== null) {
    const mayRecord = await existing.mayRecord();
    if (mayRecord && existing.format === LEDGER_FORMAT) return { client: existing.client, created: false };
    await existing.close();
    if (!mayRecord) throw noRight(server, "it may read it and not write");
  }
  try {
    if (existing === null && server.ledger !== "schema") await withClient(server, createDatabase);
    await withClient(ledgerConnection(server), prepareTables);
  } catch (error) {
    if (!isMissingRight(error)) throw error;
    throw new DatabaseError("NO_RIGHT_FOR_LEDGER", `The role may not make the ledger: ${error.message}.`, {
      where: describeConnection(server),
      hint: wayToLedger(server),
      cause: error,
    });
  }
  return { client: await connectToLedger(() => logInToLedger(server)), created: existing === null };
}

function wayToLedger({ ledger, user, database }: ConnectionSettings): string {
  const role = quoteIdentifier(user ?? "ROLE");
  if (ledger === "schema") {
    return `Let the owner of the database ${database ?? ""} run this in it once:\n  CREATE SCHEMA ${SCHEMA} AUTHORIZATION ${role};\nthen run:\n  wov-db --wdb-init`;
  }
  return `Let a superuser run this once:\n  CREATE DATABASE ${SCHEMA} OWNER ${role};\nthen run:\n  wov-db --wdb-init\nWhere no database may be made, set "ledger": "schema" for this database in wovtools/config.json.`;
}

async function createDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", [
    LEDGER_DATABASE,
  ]);
  if (rowCount) return;
  try {
    await client.query(`CREATE DATABASE ${SCHEMA} TEMPLATE template0 ENCODING 'UTF8'`);
  } catch (error) {
    // Somebody else made it between the question and the answer.
    if (!(error instanceof ServerError) || !["42P04", "23505"].includes(error.code ?? "")) throw error;
  }
}

/** The tables that are written to. */
const WRITTEN = ["database", "log", "deploy", "applied", "intent", "step"];

class PostgresLedger implements Ledger {
  constructor(
    readonly client: Client,
    readonly format: number,
  ) {}

  async versionOf(database: string): Promise<LedgerVersion | null> {
    const { rows } = await this.client.query<LedgerVersion>(
      // As JSON, since a ledger of the first format has no such columns.
      `SELECT version, version_id AS "versionId", since, CASE WHEN row ->> 'partial_version' IS NOT NULL THEN
         jsonb_build_object('version', row -> 'partial_version', 'statements', row -> 'partial_statements')
       END AS stopped
       FROM ${SCHEMA}.database d, to_jsonb(d) AS row WHERE name = $1`,
      [database],
    );
    return rows[0] ?? null;
  }

  async log(database: string): Promise<LedgerEntry[]> {
    const { rows } = await this.client.query<LedgerEntry>(
      `SELECT database, version, version_id AS "versionId", event, by, commit, at
       FROM ${SCHEMA}.log WHERE database = $1 ORDER BY number`,
      [database],
    );
    return rows;
  }

  async record(record: LedgerRecord): Promise<void> {
    const { database, version, versionId, event, by, commit } = record;
    // One statement, so the log and the database's version never disagree. A database may come back to a version
    // that it was at before, so only the newest entry tells whether this event is noted already.
    await this.client.query(
      `WITH newest AS (
         SELECT version_id, event FROM ${SCHEMA}.log WHERE database = $1 ORDER BY number DESC LIMIT 1
       ), logged AS (
         INSERT INTO ${SCHEMA}.log (database, version, version_id, event, by, commit)
         SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text
         WHERE NOT EXISTS (SELECT FROM newest WHERE version_id = $3 AND event = $4)
         RETURNING database, version, version_id
       )
       INSERT INTO ${SCHEMA}.database (name, version, version_id)
       SELECT database, version, version_id FROM logged
       ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version, version_id = EXCLUDED.version_id, since = now(),
         partial_version = NULL, partial_id = NULL, partial_statements = NULL`,
      [database, version, versionId, event, by, commit],
    );
  }

  positionOf(database: string): Promise<Position | null> {
    return readPosition(this.client, database);
  }

  /** Whether the role has the rights that recording takes. */
  async mayRecord(): Promise<boolean> {
    // A ledger of the first format lacks some tables; what is null does not count.
    const { rows } = await this.client.query<{ may: boolean }>(
      `SELECT bool_and(has_table_privilege(to_regclass(format('%I.%I', $1::text, name)), needed)) AS may
       FROM unnest($2::text[]) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS needed
       WHERE needed <> 'UPDATE' OR name NOT IN ('log', 'applied')`,
      [LEDGER_DATABASE, WRITTEN],
    );
    return rows[0]?.may === true;
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

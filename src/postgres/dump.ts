import { Ahead } from "../ahead.js";
import { ConfigError, DatabaseError } from "../errors.js";
import type { DumpRun } from "./bundled-dump.js";
import { type Client, type ConnectionSettings, connect, parametersOf } from "./connection.js";
import { dumpFailed } from "./dump-failed.js";
import type { Company } from "./dump-relay.js";
import { runSystemDump } from "./system-dump.js";

/** Which pg_dump reads the schema: the one in the package, the one on `PATH`, or the one at a path. */
export type PgDumpProgram = "bundled" | "system" | (string & {});

export interface DumpOptions {
  readonly program: PgDumpProgram;
  /** Write `ALTER … OWNER TO` as well. */
  readonly owners: boolean;
  readonly tablespaces: boolean;
  readonly subscriptions: boolean;
  /** How many connections may read a large schema at once; three unless given. */
  readonly connections?: number | undefined;
  /** The size of `pg_attribute`, in bytes, from which on a schema is large; that of some 1,500 tables unless given. */
  readonly largeFrom?: number | undefined;
  /** Is told, for whoever wants to know more, how the schema is read. */
  readonly tell?: ((what: string) => void) | undefined;
}

/** The major version of the pg_dump that `@electric-sql/pglite-tools` ships. It reads servers up to this one. */
const BUNDLED_MAJOR = 18;

/**
 * Reads a database's schema: the text of `pg_dump --schema-only`.
 *
 * The bundled program serves every server up to its own major version; a newer server is read by a system
 * pg_dump, since pg_dump refuses servers newer than itself.
 *
 * @returns the dump exactly as pg_dump wrote it
 * @throws DatabaseError when the server cannot be reached or pg_dump fails; ConfigError `NO_PG_DUMP` when the
 *   program asked for is not there
 */
export async function dumpSchema(settings: ConnectionSettings, options: DumpOptions): Promise<string> {
  const pieces: string[] = [];
  await dumpInPieces(settings, options, (piece) => pieces.push(piece));
  return pieces.join("");
}

/**
 * Reads a database's schema as {@link dumpSchema} does, for who can use the beginning while pg_dump prints the rest.
 *
 * @param take gets the dump piece by piece
 */
export async function dumpInPieces(
  settings: ConnectionSettings,
  options: DumpOptions,
  take: (piece: string) => void,
): Promise<void> {
  if (options.program !== "bundled") return systemDump(settings, options, take);
  const { dumpThroughClient, giveBackDumpWorker, takeDumpWorker } = await import("./bundled-dump.js");
  // The worker compiles pg_dump while the connection is made.
  const worker = takeDumpWorker();
  let client: Client | undefined;
  let company: Company | undefined;
  try {
    client = await connect(settings);
    const session = await sessionOf(client, options.largeFrom);
    if (session.major > BUNDLED_MAJOR) return await systemDump(settings, options, take);
    if (session.isLarge) company = companyOf(settings, options);
    const run = { ...session, company, args: dumpArguments(options), tell: options.tell };
    await dumpThroughClient(worker, client, run, take);
  } catch (error) {
    if (error instanceof DatabaseError || error instanceof ConfigError) throw error;
    throw dumpFailed(error instanceof Error ? error.message : String(error), settings, error);
  } finally {
    const others = company?.connections.map(async (connection) => (await connection)?.end());
    await Promise.all([giveBackDumpWorker(worker), client?.end(), ...(others ?? [])]);
  }
}

/**
 * pg_dump's own connection and two more, which answer what takes long: that is all that a server of two processors can
 * use. A fourth won nothing there, and a server may have few connections left.
 */
const MOST_CONNECTIONS = 3;

/** Makes the connections beside the one that there is. One that cannot be made leaves the others more to do. */
function companyOf(
  settings: ConnectionSettings,
  { connections = MOST_CONNECTIONS, tell = () => undefined }: DumpOptions,
): Company {
  const another = async () => {
    const { Conversation } = await import("./conversation.js");
    try {
      return new Conversation(await connect(settings));
    } catch (error) {
      tell(`there is no further connection: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  return { connections: Array.from({ length: connections - 1 }, another), tell };
}

/** The error of a dump over a connection of the caller's, with what the server said last. */
export class DumpRefused extends DatabaseError {
  /** The SQLSTATE; null where the server sent no error. */
  readonly sqlState: string | null;

  constructor(error: DatabaseError, sqlState: string | null) {
    super(error.code, error.message, error);
    this.sqlState = sqlState;
  }
}

/** A pg_dump that starts while something else is done, for one dump. Whoever prepared it runs or ends it. */
export interface PreparedDump {
  /**
   * Reads the schema as the transaction sees it that is open on the connection, uncommitted changes included. The
   * transaction stays open and as it was, but that tables are locked in ACCESS SHARE mode for the time of the dump;
   * `lock_timeout` holds for that. Prepared statements of the session are gone afterwards.
   *
   * @throws DumpRefused; the transaction may have failed then
   */
  run(): Promise<string>;
  end(): Promise<void>;
}

/**
 * Starts the bundled pg_dump for a dump inside a transaction; no other program can see what is not committed.
 *
 * @param client with the settings that its session will have when the dump is run
 * @param options.becomesLarge whether much will have been made by then
 */
export async function prepareDump(
  client: Client,
  options: Omit<DumpOptions, "program"> & { readonly becomesLarge: boolean },
): Promise<PreparedDump> {
  const { DumpFailure, dumpThroughClient, giveBackDumpWorker, takeDumpWorker } = await import(
    "./bundled-dump.js"
  );
  const session = await sessionOf(client);
  const worker = takeDumpWorker();
  let handOver: (client: Client) => void = () => undefined;
  const connected = new Promise<Client>((resolve) => {
    handOver = resolve;
  });
  const args = dumpArguments(options);
  const isLarge = session.isLarge || options.becomesLarge;
  const pieces: string[] = [];
  const dumping = new Ahead(() =>
    dumpThroughClient(worker, connected, { ...session, args, isLarge, insideTransaction: true }, (piece) =>
      pieces.push(piece),
    ),
  );
  dumping.begin();
  const run = async () => {
    try {
      await client.query("SAVEPOINT wov_dump");
      handOver(client);
      await dumping.outcome();
      // Takes back pg_dump's settings and its locks. Its prepared statements know no transaction.
      await client.query("ROLLBACK TO SAVEPOINT wov_dump; RELEASE SAVEPOINT wov_dump; DEALLOCATE ALL");
      return pieces.join("");
    } catch (error) {
      if (!(error instanceof DumpFailure)) throw error;
      throw new DumpRefused(dumpFailed(error.message, clientSettings(client), error), error.sqlState);
    }
  };
  return { run, end: () => giveBackDumpWorker(worker) };
}

function clientSettings({ host, port, user, database }: Client): ConnectionSettings {
  return { host, port, user, database };
}

/** Whether the bundled pg_dump can read a server. @param version `server_version_num`, e.g. 180004 */
export function canDumpInTransaction(version: number): boolean {
  return Math.floor(version / 10_000) <= BUNDLED_MAJOR;
}

function dumpArguments(options: Omit<DumpOptions, "program">): string[] {
  return [
    "--schema-only",
    ...(options.owners ? [] : ["--no-owner"]),
    ...(options.tablespaces ? [] : ["--no-tablespaces"]),
    ...(options.subscriptions ? [] : ["--no-subscriptions"]),
  ];
}

/** The size of `pg_attribute`, in bytes, from which on a schema is large: that of some 1,500 tables. */
const LARGE_CATALOG = 4_000_000;

async function sessionOf(
  client: Client,
  largeFrom = LARGE_CATALOG,
): Promise<Pick<DumpRun, "parameters" | "major" | "isLarge">> {
  const { rows } = await client.query<{ large: boolean }>(
    "SELECT pg_catalog.pg_relation_size('pg_catalog.pg_attribute') >= $1 AS large",
    [largeFrom],
  );
  const parameters = parametersOf(client);
  return {
    parameters,
    major: Number.parseInt(parameters.server_version ?? "", 10),
    isLarge: rows[0]?.large === true,
  };
}

function systemDump(
  settings: ConnectionSettings,
  options: DumpOptions,
  take: (piece: string) => void,
): Promise<void> {
  const isTooOld = options.program === "bundled";
  return runSystemDump(settings, take, {
    program: isTooOld || options.program === "system" ? "pg_dump" : options.program,
    args: dumpArguments(options),
    because: isTooOld ? ` The server is newer than the bundled pg_dump ${BUNDLED_MAJOR}.` : "",
  });
}

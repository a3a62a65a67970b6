/** The one server of a test run, and a database of its own for each test that asks. */
import { randomBytes } from "node:crypto";
import { type Client, type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { parseConnectionUrl } from "#src/postgres/connection-url.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { openLedger } from "#src/stage/ledger.js";

/** How test/run.ts tells the test files of the server it has started. */
export const SERVER_VARIABLE = "WOV_TEST_SERVER";

export interface TestDatabase {
  /** For `--url` and the `WOV_…_URL` variables. */
  readonly url: string;
  readonly name: string;
  readonly connection: ConnectionSettings;
  /** Runs SQL, several statements if need be. */
  query(sql: string): Promise<Record<string, unknown>[]>;
}

let own: Promise<EmbeddedServer> | undefined;

/** The server to test on: the run's own where test/run.ts started this file, otherwise one that ends with the process. */
export async function testServer(): Promise<ConnectionSettings> {
  const url = process.env[SERVER_VARIABLE];
  if (url !== undefined) return parseConnectionUrl(url);
  own ??= startOwn();
  return (await own).connection;
}

async function startOwn(): Promise<EmbeddedServer> {
  const server = await startThrowAwayServer();
  process.once("beforeExit", () => void server.stop());
  return server;
}

/** A connection's URL, password included. */
export function urlOf(connection: ConnectionSettings): string {
  const part = (value: string | undefined) => encodeURIComponent(value ?? "");
  const { user, password, host, port, database } = connection;
  return `postgres://${part(user)}:${part(password)}@${host}:${port}/${part(database)}?sslmode=disable`;
}

/** Makes a database for one test. It goes with the server, or with the test file where test/run.ts runs that. */
export async function freshDatabase(sql = "", server?: ConnectionSettings): Promise<TestDatabase> {
  const db = await newDatabase("template0", server ?? (await testServer()));
  if (sql !== "") await db.query(sql);
  return db;
}

/** Another database with the same schema and rows, at the same version by the server's ledger. Nobody may use the first one now. */
export async function copyOfDatabase({ name, connection }: TestDatabase): Promise<TestDatabase> {
  const db = await newDatabase(name, { ...connection, database: "postgres" });
  const ledger = await openLedger(connection);
  if (ledger === null) return db;
  try {
    for (const entry of await ledger.log(name)) {
      if (entry.event !== "deployed")
        await ledger.record({ ...entry, event: entry.event, database: db.name });
    }
  } finally {
    await ledger.close();
  }
  return db;
}

/** The name of a database that a process makes; those of the process all begin with what an empty word gives. */
const databaseOf = (pid: number | undefined, word: string) => `test_${pid}_${word}`;

/** Drops the databases that a process has made. Thousands would lie on the disk, or in memory, at the run's end. */
export async function dropDatabasesOf(pid: number | undefined, on: ConnectionSettings): Promise<void> {
  await withClient(on, async (client) => {
    const made = await client.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)",
      [databaseOf(pid, "")],
    );
    for (const { name } of made.rows)
      await client.query(`DROP DATABASE ${quoteIdentifier(name)} WITH (FORCE)`);
  });
}

async function newDatabase(template: string, on: ConnectionSettings): Promise<TestDatabase> {
  const name = databaseOf(process.pid, randomBytes(6).toString("hex"));
  await withClient(on, async (client) =>
    client.query(
      `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template)}${await quickly(client)}`,
    ),
  );
  const connection = { ...on, database: name };
  const query = (statements: string) =>
    withClient(connection, async (client) => (await client.query<Record<string, unknown>>(statements)).rows);
  return { url: urlOf(connection), name, connection, query };
}

/** Copying files is quicker than writing them into the log, where nothing is flushed to disk. */
async function quickly(client: Client): Promise<string> {
  const { rows } = await client.query<{ number: number }>(
    "SELECT current_setting('server_version_num')::integer AS number",
  );
  return (rows[0]?.number ?? 0) >= 150_000 ? " STRATEGY file_copy" : "";
}

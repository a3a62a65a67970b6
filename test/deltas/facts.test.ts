/** The facts of every kind of statement, held against a server that carries it out. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NOT_VOLATILE } from "#src/deltas/facts/volatile.js";
import { LOCK_MODES, type StatementFacts, statementFacts } from "#src/deltas/facts.js";
import { type Client, connect, withClient } from "#src/postgres/connection.js";
import { loadParser, type Parser } from "#src/schema/parser.js";
import { freshDatabase, testServer } from "../support/server.js";
import { DATABASE, STATEMENTS } from "./facts-statements.js";

const facts = suite("facts of statements");

interface Context {
  readonly client: Client;
  readonly parser: Parser;
}
let context: Promise<Context> | undefined;

/** Made by the first test: where a hook fails, uvu says nothing. */
function ready(): Promise<Context> {
  context ??= prepare();
  return context;
}

async function prepare(): Promise<Context> {
  const db = await freshDatabase(DATABASE);
  await withClient(await testServer(), async (client) => {
    await client.query("SET allow_in_place_tablespaces = on");
    const { rowCount } = await client.query("SELECT FROM pg_tablespace WHERE spcname = 'aside'");
    if (!rowCount) await client.query("CREATE TABLESPACE aside LOCATION ''");
  });
  const client = await connect(db.connection);
  await client.query(
    "CREATE SUBSCRIPTION subscribed CONNECTION 'dbname=none' PUBLICATION news WITH (connect = false)",
  );
  await client.query("ALTER SUBSCRIPTION subscribed ENABLE");
  return { client, parser: await loadParser() };
}

/** A subscription lets no database be dropped, and its worker tries on for ever. */
facts.after(async () => {
  const { client } = await ready();
  await client.query("ALTER SUBSCRIPTION subscribed DISABLE");
  await client.query("ALTER SUBSCRIPTION subscribed SET (slot_name = NONE)");
  await client.query("DROP SUBSCRIPTION subscribed");
  await client.end();
});

interface Relation {
  readonly oid: string;
  readonly name: string;
  readonly kind: string;
  readonly file: string;
  readonly scans: string;
}

/** The database's own relations. In a transaction that has done nothing but this. */
async function relations(client: Client): Promise<Map<string, Relation>> {
  const { rows } = await client.query<Relation>(
    `SELECT c.oid, c.oid::regclass::text AS name, relkind AS kind, relfilenode::text AS file,
            coalesce(pg_stat_get_xact_numscans(c.oid), 0)::text AS scans
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'shop')`,
  );
  return new Map(rows.map((row) => [row.oid, row]));
}

/** The strongest mode held on each relation. */
async function locksHeld(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ relation: string; mode: string }>(
    "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted",
  );
  const held = new Map<string, string>();
  for (const { relation, mode } of rows) {
    if (rank(mode) > rank(held.get(relation))) held.set(relation, mode);
  }
  return held;
}

const RANKS: ReadonlyMap<string, number> = new Map(LOCK_MODES.map((mode, index) => [mode, index]));

function rank(mode: string | undefined): number {
  return RANKS.get(mode ?? "") ?? -1;
}

/** What the facts call an object, as oids. */
async function oidsOf(client: Client, object: string): Promise<string[]> {
  const index = /^the table of (.*)$/.exec(object)?.[1];
  const type = /^the tables with columns of (.*)$/.exec(object)?.[1];
  const sql =
    index !== undefined
      ? `SELECT indrelid AS oid FROM pg_index WHERE indexrelid = to_regclass($1)
         UNION SELECT stxrelid FROM pg_statistic_ext WHERE stxname = $1`
      : type !== undefined
        ? "SELECT DISTINCT attrelid AS oid FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE atttypid = to_regtype($1) AND relkind = 'r'"
        : object === "every table"
          ? "SELECT oid FROM pg_class WHERE relkind IN ('r', 'm', 'p') AND relnamespace IN ('public'::regnamespace, 'shop'::regnamespace) AND $1 <> ''"
          : "SELECT to_regclass($1)::oid AS oid WHERE to_regclass($1) IS NOT NULL";
  const { rows } = await client.query<{ oid: string }>(sql, [index ?? type ?? object]);
  return rows.map(({ oid }) => oid);
}

/** What a server did, and what the facts say of it, in the same words. */
async function compare(client: Client, sql: string, told: StatementFacts): Promise<string[]> {
  const wrong: string[] = [];
  await client.query("BEGIN");
  try {
    const named = new Map<string, string>();
    for (const { mode, object } of told.locks)
      for (const oid of await oidsOf(client, object)) named.set(oid, mode);
    const before = await relations(client);
    // The numbers of scans are those since the last flush.
    await client.query("SELECT pg_stat_force_next_flush()");
    await client.query("COMMIT");
    await client.query("BEGIN");
    const refused = await client.query(sql).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "25001") return true;
        throw error;
      },
    );
    if (refused !== told.outsideTransaction) wrong.push(`refused in a transaction: ${refused}`);
    if (refused) return wrong;
    const held = await locksHeld(client);
    const after = await relations(client);
    wrong.push(...wrongLocks(before, named, held, told), ...wrongWork(before, after, named, told));
    return wrong;
  } finally {
    await client.query("ROLLBACK");
  }
}

function wrongLocks(
  before: Map<string, Relation>,
  named: Map<string, string>,
  held: Map<string, string>,
  told: StatementFacts,
): string[] {
  const wrong: string[] = [];
  const mayBeMore = told.unclear.some((note) => /lock|drops|what the code|empties|same to tables/.test(note));
  for (const { oid, name, kind } of before.values()) {
    const mode = held.get(oid);
    const expected = named.get(oid);
    if (expected !== undefined && mode !== expected) wrong.push(`${name}: ${mode}, not ${expected}`);
    if (expected !== undefined || mayBeMore || mode === undefined || mode === "AccessShareLock") continue;
    // Indexes, sequences and the row types of tables go with their table.
    if (["r", "p", "v", "m", "f"].includes(kind)) wrong.push(`${name}: ${mode}, not told`);
  }
  return wrong;
}

function wrongWork(
  before: Map<string, Relation>,
  after: Map<string, Relation>,
  named: Map<string, string>,
  told: StatementFacts,
): string[] {
  const wrong: string[] = [];
  const changed = [...before.values()].filter(
    ({ oid, kind, file }) => "rmi".includes(kind) && after.has(oid) && after.get(oid)?.file !== file,
  );
  const names = changed.map(({ name }) => name).join(", ");
  const may = (words: RegExp) => told.unclear.some((note) => words.test(note));
  const empties = told.destructive?.includes("all rows of") === true;
  if (changed.length > 0 && !told.rewrites && !empties && !may(/rewrites/)) wrong.push(`rewrote ${names}`);
  if (changed.length === 0 && told.rewrites && !may(/not rewrite|leaves/)) wrong.push("rewrote nothing");
  const read = [...before.values()].filter(
    ({ oid, kind }) => "rm".includes(kind) && Number(after.get(oid)?.scans ?? 0) > 0,
  );
  if (read.length > 0 && !told.scans && told.kind !== "data" && !may(/reads|rewrites/))
    wrong.push(`read ${read.map(({ name }) => name).join(", ")}`);
  if (read.length === 0 && told.scans && named.size > 0 && !may(/not read|not rewrite|leaves|sample/))
    wrong.push("read nothing");
  return wrong;
}

for (const sql of STATEMENTS) {
  facts(sql, async () => {
    const { client, parser } = await ready();
    const told = statementFacts({ text: sql }, parser);
    assert.equal(await compare(client, sql, told), [], JSON.stringify(told));
  });
}

facts("no function that counts as not volatile is volatile on the server", async () => {
  const { client } = await ready();
  const { rows } = await client.query(
    "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v' AND proname = ANY ($1)",
    [[...NOT_VOLATILE]],
  );
  assert.equal(rows, []);
});

facts.run();

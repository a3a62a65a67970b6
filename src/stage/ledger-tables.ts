/** The ledger's tables, format by format. */
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";

/** The database, and the schema in it, that hold a server's ledger. */
export const LEDGER_DATABASE = "wovtool";

/** The ledger's schema, quoted. */
export const LEDGER_SCHEMA = quoteIdentifier(LEDGER_DATABASE);

const SCHEMA = LEDGER_SCHEMA;

/** What leads from each format to the next; the first from nothing. A change of the tables is a new entry. */
const FORMATS: readonly string[] = [
  `
  CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
  CREATE TABLE ${SCHEMA}.format (number integer NOT NULL);
  CREATE TABLE ${SCHEMA}.database (
    name text PRIMARY KEY,
    version text NOT NULL,
    version_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
  );
  CREATE TABLE ${SCHEMA}.log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database text NOT NULL,
    version text NOT NULL,
    version_id text NOT NULL,
    event text NOT NULL,
    by text NOT NULL,
    commit text,
    at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX ON ${SCHEMA}.log (database, number);
  INSERT INTO ${SCHEMA}.format (number) VALUES (0);`,
  `
  ALTER TABLE ${SCHEMA}.database
    ADD partial_version text,
    ADD partial_id text,
    ADD partial_statements integer;
  COMMENT ON COLUMN ${SCHEMA}.database.partial_version IS
    'the version whose first partial_statements statements are applied already; null between two versions';
  CREATE TABLE ${SCHEMA}.deploy (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database text NOT NULL,
    stage text NOT NULL,
    plan text NOT NULL,
    from_version text,
    to_version text NOT NULL,
    outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'applied', 'failed', 'stopped')),
    message text,
    by text NOT NULL,
    commit text,
    began timestamptz NOT NULL DEFAULT now(),
    ended timestamptz
  );
  CREATE INDEX ON ${SCHEMA}.deploy (database, number);
  CREATE TABLE ${SCHEMA}.applied (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deploy bigint NOT NULL REFERENCES ${SCHEMA}.deploy,
    database text NOT NULL,
    version text NOT NULL,
    version_id text NOT NULL,
    deltas text,
    how text NOT NULL CHECK (how IN ('applied', 'loaded')),
    by text NOT NULL,
    commit text,
    took_ms integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (deploy, version_id)
  );
  CREATE INDEX ON ${SCHEMA}.applied (database, number);
  CREATE TABLE ${SCHEMA}.intent (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deploy bigint NOT NULL REFERENCES ${SCHEMA}.deploy,
    database text NOT NULL,
    system_identifier text,
    xid text NOT NULL,
    progress jsonb NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'committed', 'aborted')),
    began timestamptz NOT NULL DEFAULT now(),
    ended timestamptz
  );
  CREATE INDEX ON ${SCHEMA}.intent (database) WHERE state = 'open';
  CREATE TABLE ${SCHEMA}.step (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deploy bigint NOT NULL REFERENCES ${SCHEMA}.deploy,
    database text NOT NULL,
    statement text NOT NULL,
    work jsonb NOT NULL,
    progress jsonb NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'undone')),
    began timestamptz NOT NULL DEFAULT now(),
    ended timestamptz
  );
  CREATE INDEX ON ${SCHEMA}.step (database) WHERE state = 'open';`,
];

/** The format that this version of the tool writes. A ledger of a higher one was made by a newer version. */
export const LEDGER_FORMAT = FORMATS.length;

/** The format of the ledger that a client is connected to; null where there is none. */
export async function readFormat(client: Client): Promise<number | null> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [
    `${SCHEMA}.format`,
  ]);
  if (!rows[0]?.there) return null;
  const { rows: formats } = await client.query<{ number: number }>(`SELECT number FROM ${SCHEMA}.format`);
  return formats[0]?.number ?? null;
}

/**
 * Brings the tables to the present format, from nothing or from an older one, in one transaction.
 *
 * @returns whether there was anything to do
 */
export async function prepareTables(client: Client): Promise<boolean> {
  // What the one before has made has to be seen.
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  try {
    // Two processes that make the ledger at once do it one after the other.
    await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [LEDGER_DATABASE]);
    const missing = FORMATS.slice((await readFormat(client)) ?? 0);
    for (const sql of missing) await client.query(sql);
    if (missing.length > 0) await client.query(`UPDATE ${SCHEMA}.format SET number = $1`, [LEDGER_FORMAT]);
    await client.query("COMMIT");
    return missing.length > 0;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

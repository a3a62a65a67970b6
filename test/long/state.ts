/** What a database has, for comparisons. */
import { dumpSchema } from "#src/postgres/dump.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { canonicalSchema } from "#src/schema/index.js";
import { inLedger } from "../stage/project.js";
import type { TestDatabase } from "../support/server.js";

/** A database's schema as pg_dump prints it. */
export function dumpOf({ connection }: Pick<TestDatabase, "connection">): Promise<string> {
  return dumpSchema(connection, {
    program: "bundled",
    owners: false,
    tablespaces: false,
    subscriptions: false,
  });
}

/** The checksum of a database's schema. */
export async function checksumOf(db: TestDatabase): Promise<string> {
  return (await canonicalSchema(await dumpOf(db))).checksum;
}

/** Every table with the number of its rows and a checksum of them, whatever their order. */
export async function rowsOf({
  query,
}: TestDatabase): Promise<Record<string, { count: unknown; md5: unknown }>> {
  const tables = await query(
    `SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
     WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
     ORDER BY table_schema, table_name`,
  );
  const rows: Record<string, { count: unknown; md5: unknown }> = {};
  for (const { schema, name } of tables) {
    const table = `${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`;
    const [sums] = await query(
      `SELECT count(*)::integer AS count, md5(string_agg(t::text, chr(10) ORDER BY t::text)) AS md5 FROM ${table} AS t`,
    );
    rows[table] = { count: sums?.count, md5: sums?.md5 };
  }
  return rows;
}

/** How many entries the ledger has for a database, and for how many versions. */
export async function ledgerOf(db: TestDatabase): Promise<{ entries: unknown; versions: unknown }> {
  const [row] = await inLedger(
    db,
    "SELECT count(*)::integer AS entries, count(DISTINCT version)::integer AS versions FROM wovtool.applied WHERE database = $1",
  );
  return { entries: row?.entries, versions: row?.versions };
}

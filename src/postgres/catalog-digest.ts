import type { Client } from "./connection.js";
import { quoteIdentifier } from "./quote.js";

/**
 * Catalogs that no schema is read from: what ANALYZE has found, large objects, and the databases' own rows, which
 * vacuuming changes.
 */
const WITHOUT_SCHEMA = [
  "pg_database",
  "pg_largeobject",
  "pg_largeobject_metadata",
  "pg_statistic",
  "pg_statistic_ext_data",
];

/** What VACUUM and ANALYZE write into `pg_class`: https://www.postgresql.org/docs/current/catalog-pg-class.html */
const UPKEEP = ["relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid"];

/**
 * The rows that tell of a schema, where not all do. The rules that initdb has made are the system's own views: pg_dump
 * prints nothing of those but privileges, which stand elsewhere, and their text is two thirds of that of all catalogs.
 * What users make has a number from 16384 on:
 * https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
 */
const TELLING_ROWS: Readonly<Record<string, string>> = {
  // Of a system column, such as ctid, only privileges can change; they are a third of all columns.
  pg_attribute: "attnum > 0 OR attacl IS NOT NULL",
  pg_rewrite: "oid >= 16384",
};

/**
 * A digest of all that pg_dump reads a schema from: the rows of the system catalogs, the roles' names, and the
 * session's settings, by which constants are printed. While it is the same, so is the dump, and it takes the server
 * a fraction of the time.
 *
 * The catalogs' content is digested, not their transaction numbers: a server that was put back to an earlier
 * state gives the same numbers again. The opposite does not hold: a schema that is the same may have another
 * digest, as after a rollback or where rows lie in another order.
 *
 * The session reads catalogs from their start and without helpers afterwards, so that rows come in one order.
 *
 * @param client of a database; a role that may not read a catalog, as pg_dump would not either, leaves it out
 * @returns SHA-256 in hexadecimal
 */
export async function catalogDigest(client: Client): Promise<string> {
  const { rows: catalogs } = await client.query<{ name: string; columns: string[] }>(
    `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
       set_config('synchronize_seqscans', 'off', false), set_config('max_parallel_workers_per_gather', '0', false)
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL ($1)
       AND (c.relname <> 'pg_class' OR a.attname <> ALL ($2))
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
     GROUP BY c.relname ORDER BY c.relname`,
    [WITHOUT_SCHEMA, UPKEEP],
  );
  const parts = [
    "SELECT string_agg(concat_ws('=', name, setting), ',' ORDER BY name) FROM pg_catalog.pg_settings",
    "SELECT string_agg(concat_ws(' ', oid, rolname, rolsuper), ',' ORDER BY oid) FROM pg_catalog.pg_roles",
    "SELECT string_agg(m::text, ',' ORDER BY umid) FROM pg_catalog.pg_user_mappings m",
    ...catalogs.map(({ name, columns }) => rowsOf(name, columns)),
  ];
  const { rows } = await client.query<{ digest: string }>(
    `SELECT encode(sha256(convert_to(concat_ws('|', current_database(), current_user, version(), ${parts
      .map((part) => `md5((${part}))`)
      .join(", ")}), 'UTF8')), 'hex') AS digest`,
  );
  const [row] = rows;
  if (row === undefined) throw new RangeError("a SELECT without FROM has one row");
  return row.digest;
}

function rowsOf(catalog: string, columns: readonly string[]): string {
  const from = `FROM pg_catalog.${quoteIdentifier(catalog)} c`;
  if (catalog === "pg_class")
    return `SELECT string_agg(ROW(${columns.map(quoteIdentifier).join(", ")})::text, '') ${from}`;
  const rows = TELLING_ROWS[catalog];
  return `SELECT string_agg(c::text, '') ${from}${rows === undefined ? "" : ` WHERE ${rows}`}`;
}

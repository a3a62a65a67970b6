/** Who keeps a deploy from a lock on a table. */
import type { Client } from "../postgres/connection.js";

interface TableLocks {
  readonly pid: number;
  readonly role: string | null;
  readonly application: string | null;
  /** When its transaction began; null where the server does not show it to this role. */
  readonly since: Date | null;
  readonly tables: string[];
}

/** How many sessions, and how many tables of each, are told. */
const TOLD = 3;

/**
 * The other sessions of this database that have tables locked now, those that have been at it longest first.
 *
 * @returns a line each
 */
export async function lockHolders(client: Client): Promise<string[]> {
  const { rows } = await client.query<TableLocks>(
    `SELECT a.pid, a.usename AS role, a.application_name AS application, a.xact_start AS since,
       array_agg(DISTINCT l.relation::regclass::text) AS tables
     FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
       JOIN pg_catalog.pg_class c ON c.oid = l.relation
     WHERE l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
       AND l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
       AND c.relnamespace <> ALL (ARRAY['pg_catalog', 'information_schema', 'pg_toast']::regnamespace[])
     GROUP BY 1, 2, 3, 4 ORDER BY a.xact_start NULLS LAST, a.pid LIMIT $1`,
    [TOLD],
  );
  return rows.map(describe);
}

function describe({ pid, role, application, since, tables }: TableLocks): string {
  const who = application || "a session";
  const began = since === null ? "" : `, since ${since.toISOString()}`;
  const rest = tables.length > TOLD ? ` and ${tables.length - TOLD} more` : "";
  return `${who} (process ${pid} of the server, role ${role}${began}): ${tables.slice(0, TOLD).join(", ")}${rest}`;
}

/** wo's two tables. */
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import type { BookkeepingPlan } from "./plan.js";

/**
 * Makes the tables where they are missing, in the schema that the session makes tables in, as wo does.
 *
 * @param schema where they are; null where they are missing
 * @returns their schema, quoted
 */
export async function makeBookkeeping(client: Client, schema: string | null): Promise<string> {
  if (schema === null) {
    await client.query(
      `CREATE TABLE IF NOT EXISTS wo_objects (
         po_id text PRIMARY KEY, po_md5 text, po_script text, po_path text, po_depends_on text[], po_required_by text[])`,
    );
  }
  const home = schema ?? (await homeOf(client));
  await client.query(
    `CREATE TABLE IF NOT EXISTS ${quoteIdentifier(home)}.wo_migrations (pm_id text PRIMARY KEY)`,
  );
  return quoteIdentifier(home);
}

async function homeOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT n.nspname AS schema FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = 'wo_objects'::regclass`,
  );
  return rows[0]?.schema ?? "public";
}

/** Enters a migration as done. */
export async function recordMigration(client: Client, schema: string, id: string): Promise<void> {
  await client.query(`INSERT INTO ${schema}.wo_migrations (pm_id) VALUES ($1) ON CONFLICT DO NOTHING`, [id]);
}

/** Carries a plan for the bookkeeping out, in three statements at most. */
export async function keepBooks(client: Client, schema: string, plan: BookkeepingPlan): Promise<void> {
  const { enter, requiredBy, remove } = plan;
  if (remove.length > 0)
    await client.query(`DELETE FROM ${schema}.wo_objects WHERE po_id = ANY ($1::text[])`, [remove]);
  if (enter.length > 0) {
    const rows = enter.map(({ id, md5, script, path, dependsOn, requiredBy: required }) => ({
      po_id: id,
      po_md5: md5,
      po_script: script,
      po_path: path,
      po_depends_on: dependsOn,
      po_required_by: required,
    }));
    await client.query(
      `INSERT INTO ${schema}.wo_objects (po_id, po_md5, po_script, po_path, po_depends_on, po_required_by)
       SELECT po_id, po_md5, po_script, po_path, po_depends_on, po_required_by FROM json_to_recordset($1) AS r
         (po_id text, po_md5 text, po_script text, po_path text, po_depends_on text[], po_required_by text[])
       ON CONFLICT (po_id) DO UPDATE SET po_md5 = excluded.po_md5, po_script = excluded.po_script,
         po_path = excluded.po_path, po_depends_on = excluded.po_depends_on, po_required_by = excluded.po_required_by`,
      [JSON.stringify(rows)],
    );
  }
  if (requiredBy.length > 0) {
    const rows = requiredBy.map(({ id, requiredBy: required }) => ({ po_id: id, po_required_by: required }));
    await client.query(
      `UPDATE ${schema}.wo_objects o SET po_required_by = r.po_required_by
       FROM json_to_recordset($1) AS r (po_id text, po_required_by text[]) WHERE o.po_id = r.po_id`,
      [JSON.stringify(rows)],
    );
  }
}

/** Constraints whose checking is put off to the end of a transaction: https://www.postgresql.org/docs/current/sql-set-constraints.html */
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";

/** Whether a check may be put off in the database as it is, or as some statements change it. */
export async function mayPutOff(
  statements: readonly { readonly text: string }[],
  client: Client,
): Promise<boolean> {
  if (statements.some(({ text }) => /deferrable/i.test(text))) return true;
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE condeferrable) AS found",
  );
  return rows[0]?.found === true;
}

/**
 * Checks what is put off, as the end of a transaction would, in a transaction that goes on: a version was archived as
 * if it had one for itself, and PostgreSQL alters no table on which a check is still to come. Afterwards each
 * constraint is put off again, or not, as it was made. `SET CONSTRAINTS ALL` would bind those made later, too.
 */
export async function checkPutOff(client: Client): Promise<void> {
  const { rows } = await client.query<{ schema: string; name: string; deferred: boolean }>(
    `SELECT n.nspname AS schema, c.conname AS name, bool_and(c.condeferrable) AND bool_or(c.condeferred) AS deferred
     FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
     GROUP BY n.nspname, c.conname HAVING bool_or(c.condeferrable)`,
  );
  if (rows.length === 0) return;
  await client.query(`SET CONSTRAINTS ${namesOf(rows)} IMMEDIATE`);
  const deferred = rows.filter((row) => row.deferred);
  if (deferred.length > 0) await client.query(`SET CONSTRAINTS ${namesOf(deferred)} DEFERRED`);
}

function namesOf(constraints: readonly { schema: string; name: string }[]): string {
  return constraints
    .map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`)
    .join(", ");
}

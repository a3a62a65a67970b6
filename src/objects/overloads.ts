/** The overloads of a function, of which those go that its script makes no longer; and a late look at bodies. */
import { DatabaseError as ServerError } from "pg";
import type { Client } from "../postgres/connection.js";
import { scriptFailure } from "./failures.js";
import { nameOfId } from "./kinds.js";
import type { ObjectsPlan, Overloads } from "./plan.js";

/** One overload, and the version of its row in the catalogue, which every change makes another. */
export interface Overload {
  readonly signature: string;
  readonly row: string;
}

export async function overloads(client: Client, { schema, name, kinds }: Overloads): Promise<Overload[]> {
  const { rows } = await client.query<Overload>(
    `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS signature,
       p.oid || ' ' || p.xmin || ' ' || p.ctid AS row
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind = ANY ($3::"char"[]) ORDER BY 1`,
    [schema, name, kinds],
  );
  return rows;
}

/** Drops the overloads that were there and have not been replaced. */
export async function dropStale(
  client: Client,
  named: Overloads,
  before: readonly Overload[],
): Promise<void> {
  const rows = new Set(before.map(({ row }) => row));
  for (const { signature, row } of await overloads(client, named))
    if (rows.has(row)) await client.query(`DROP ROUTINE ${signature}`);
}

/** Has the language of a function look at its body, as it would have done when the function was made. */
export async function checkFunction(client: Client, id: string, plan: ObjectsPlan): Promise<void> {
  const [schema = "", name = ""] = nameOfId(id)?.parts ?? [];
  const { rows } = await client.query<{ function: number; validator: string }>(
    `SELECT p.oid AS function, l.lanvalidator::regproc::text AS validator
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE n.nspname = $1 AND p.proname = $2 AND l.lanvalidator <> 0`,
    [schema, name],
  );
  for (const { function: oid, validator } of rows) {
    try {
      await client.query(`SELECT ${validator}($1::oid)`, [oid]);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      const step = plan.steps.find((one) => one.id === id);
      const path = step !== undefined && "run" in step ? step.run.path : id;
      throw scriptFailure(error, path, { sql: `the body of ${id}`, line: 1 });
    }
  }
}

import * as v from "valibot";
import type { Client } from "../postgres/connection.js";
import { LEDGER_SCHEMA as SCHEMA } from "./ledger-tables.js";

/** How far a database has come. */
export interface Position {
  readonly version: string;
  readonly versionId: string;
  /** The version that a deploy stopped in the middle of, and how many of its statements are applied. */
  readonly partial: Partial | null;
}

export const Partial = v.object({ version: v.string(), versionId: v.string(), statements: v.number() });
export type Partial = v.InferOutput<typeof Partial>;

/**
 * Reads where a ledger says that a database is.
 *
 * @param client connected to the ledger
 * @returns null for a database that the ledger does not know
 */
export async function readPosition(client: Client, database: string): Promise<Position | null> {
  const { rows } = await client.query<{ version: string; versionId: string; partial: unknown }>(
    // As JSON, since a ledger of the first format has no such columns.
    `SELECT version, version_id AS "versionId", CASE WHEN row ->> 'partial_version' IS NOT NULL THEN
       jsonb_build_object('version', row -> 'partial_version', 'versionId', row -> 'partial_id',
         'statements', row -> 'partial_statements')
     END AS partial
     FROM ${SCHEMA}.database d, to_jsonb(d) AS row WHERE name = $1`,
    [database],
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, partial: v.parse(v.nullable(Partial), row.partial) };
}

/**
 * Statements that run outside a transaction: what they may leave behind when they are cut short, how to tell whether
 * they were carried out, and how to clean up so that they can be run again.
 */
import * as v from "valibot";
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";

/** What such a statement works on, as far as it can be read off the statement. Names are quoted as SQL needs it. */
export type OutsideTarget =
  | { readonly kind: "createIndex"; readonly table: string; readonly index: string | null }
  | { readonly kind: "dropIndex"; readonly indexes: readonly string[] }
  | { readonly kind: "reindex" }
  | { readonly kind: "detach"; readonly table: string; readonly partition: string }
  | {
      readonly kind: "shared";
      readonly what: "database" | "tablespace" | "subscription";
      readonly name: string;
      /** Whether it is there when the statement was carried out. */
      readonly there: boolean;
    }
  /** Running it twice is as good as once: VACUUM, ALTER SYSTEM, … */
  | { readonly kind: "again" };

const Oid = v.string();

/** The same on one server, with what was there before the statement began. Stored in the ledger. */
export const OutsideWork = v.variant("kind", [
  v.object({
    kind: v.literal("createIndex"),
    table: v.nullable(Oid),
    index: v.nullable(v.string()),
    before: v.array(Oid),
  }),
  v.object({ kind: v.literal("dropIndex"), indexes: v.array(Oid) }),
  v.object({ kind: v.literal("reindex"), before: v.array(Oid) }),
  v.object({ kind: v.literal("detach"), table: v.nullable(Oid), partition: v.nullable(Oid) }),
  v.object({
    kind: v.literal("shared"),
    what: v.picklist(["database", "tablespace", "subscription"]),
    name: v.string(),
    there: v.boolean(),
  }),
  v.object({ kind: v.literal("again") }),
]);
export type OutsideWork = v.InferOutput<typeof OutsideWork>;

/** Looks at the server before the statement begins, under the `search_path` that the statement will have. */
export async function observe(client: Client, target: OutsideTarget): Promise<OutsideWork> {
  switch (target.kind) {
    case "createIndex": {
      const table = await oidOf(client, target.table);
      const before = await oids(client, "SELECT indexrelid AS oid FROM pg_index WHERE indrelid = $1", [
        table,
      ]);
      return { kind: target.kind, table, index: target.index, before };
    }
    case "dropIndex": {
      const found = await Promise.all(target.indexes.map((index) => oidOf(client, index)));
      return { kind: target.kind, indexes: found.filter((oid) => oid !== null) };
    }
    case "reindex":
      return { kind: target.kind, before: await oids(client, LEFT_BY_REINDEX, []) };
    case "detach":
      return {
        kind: target.kind,
        table: await oidOf(client, target.table),
        partition: await oidOf(client, target.partition),
      };
    case "shared":
    case "again":
      return target;
  }
}

/** REINDEX CONCURRENTLY builds beside the old index, under its name and this: https://www.postgresql.org/docs/current/sql-reindex.html */
const LEFT_BY_REINDEX = String.raw`SELECT i.indexrelid AS oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)\d*$'`;

/**
 * Finds out whether a statement that did not end before our eyes was carried out, and removes what a half one has
 * left. The session that ran it must be gone.
 *
 * @returns `undone`: it can be run (again)
 */
export async function judge(client: Client, work: OutsideWork): Promise<"done" | "undone"> {
  switch (work.kind) {
    case "createIndex":
      return judgeIndex(client, work);
    case "dropIndex": {
      const left = await oids(client, "SELECT oid FROM pg_class WHERE oid = ANY ($1::oid[])", [work.indexes]);
      return work.indexes.length > 0 && left.length === 0 ? "done" : "undone";
    }
    case "reindex": {
      const left = await oids(client, LEFT_BY_REINDEX, []);
      await dropIndexes(
        client,
        left.filter((oid) => !work.before.includes(oid)),
      );
      return "undone";
    }
    case "detach":
      return judgeDetach(client, work);
    case "shared": {
      const [column, catalog] = CATALOGS[work.what];
      const { rowCount } = await client.query(`SELECT FROM ${catalog} WHERE ${column} = $1`, [work.name]);
      return (rowCount === 1) === work.there ? "done" : "undone";
    }
    case "again":
      return "undone";
  }
}

const CATALOGS = {
  database: ["datname", "pg_catalog.pg_database"],
  tablespace: ["spcname", "pg_catalog.pg_tablespace"],
  subscription: ["subname", "pg_catalog.pg_subscription"],
} as const;

async function judgeIndex(
  client: Client,
  { table, index, before }: Extract<OutsideWork, { kind: "createIndex" }>,
): Promise<"done" | "undone"> {
  const { rows } = await client.query<{ oid: string; valid: boolean }>(
    `SELECT i.indexrelid::text AS oid, i.indisvalid AS valid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = $1::oid AND ($2::text IS NULL OR c.relname = $2) AND NOT i.indexrelid = ANY ($3::oid[])`,
    [table, index, before],
  );
  await dropIndexes(
    client,
    rows.filter(({ valid }) => !valid).map(({ oid }) => oid),
  );
  return rows.some(({ valid }) => valid) ? "done" : "undone";
}

async function judgeDetach(
  client: Client,
  { table, partition }: Extract<OutsideWork, { kind: "detach" }>,
): Promise<"done" | "undone"> {
  const { rows } = await client.query<{ pending: boolean; table: string; partition: string }>(
    `SELECT inhdetachpending AS pending, inhparent::regclass::text AS table, inhrelid::regclass::text AS partition
     FROM pg_inherits WHERE inhparent = $1::oid AND inhrelid = $2::oid`,
    [table, partition],
  );
  const [row] = rows;
  if (row === undefined) return table !== null && partition !== null ? "done" : "undone";
  if (!row.pending) return "undone";
  // A regclass prints itself quoted as far as it needs to be.
  await client.query(`ALTER TABLE ${row.table} DETACH PARTITION ${row.partition} FINALIZE`);
  return "done";
}

async function dropIndexes(client: Client, indexes: readonly string[]): Promise<void> {
  for (const oid of indexes) {
    const { rows } = await client.query<{ schema: string; name: string }>(
      `SELECT nspname AS schema, relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = $1::oid`,
      [oid],
    );
    const [index] = rows;
    if (index === undefined) continue;
    const name = `${quoteIdentifier(index.schema)}.${quoteIdentifier(index.name)}`;
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
  }
}

async function oidOf(client: Client, name: string): Promise<string | null> {
  const { rows } = await client.query<{ oid: string | null }>("SELECT to_regclass($1)::oid::text AS oid", [
    name,
  ]);
  return rows[0]?.oid ?? null;
}

async function oids(client: Client, sql: string, values: readonly unknown[]): Promise<string[]> {
  const { rows } = await client.query<{ oid: string }>(`SELECT oid::text FROM (${sql}) AS found ORDER BY 1`, [
    ...values,
  ]);
  return rows.map(({ oid }) => oid);
}

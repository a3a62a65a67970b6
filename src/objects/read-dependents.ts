/** Reading what depends on objects that may be dropped. */
import type { Client } from "../postgres/connection.js";
import {
  type Address,
  columnKey,
  type Dependency,
  type Dependents,
  type Existing,
  keyOf,
  type RoleFacts,
  readScripts,
} from "./state.js";
import { DEPENDENCIES, ROLES } from "./state-queries.js";

interface DependencyRow {
  readonly classid: number;
  readonly objid: number;
  readonly objsubid: number;
  readonly refclassid: number;
  readonly refobjid: number;
  readonly refobjsubid: number;
  readonly deptype: string;
  readonly description: string;
}

/** What is asked about. */
export interface DependentsRequest {
  /** Of which all that depends on them is read. */
  readonly objects: readonly Existing[];
  /** Those of them whose columns are read. */
  readonly tables: readonly Existing[];
  /** Names of roles. */
  readonly roles: readonly string[];
  /** Ids whose recorded scripts are read. */
  readonly ids: readonly string[];
}

/** Reads what depends on objects, and what else is known of what may be dropped: six questions at most. */
export async function readDependents(
  client: Client,
  bookkeeping: string | null,
  { objects, tables, roles, ids }: DependentsRequest,
): Promise<Dependents> {
  const dependencies = objects.length === 0 ? [] : await readDependencies(client, objects);
  const facts = roles.length === 0 ? [] : (await client.query<RoleFacts>(ROLES, [[...new Set(roles)]])).rows;
  return {
    dependencies,
    signatures: await readSignatures(client, [...objects, ...dependencies.map(({ of }) => of)]),
    columns: await readColumns(client, tables),
    scripts: await readScripts(client, bookkeeping, ids),
    roles: new Map(facts.map((role) => [role.name, role])),
  };
}

async function readDependencies(client: Client, objects: readonly Existing[]): Promise<Dependency[]> {
  const { rows } = await client.query<DependencyRow>(DEPENDENCIES, [
    objects.map(({ classId }) => classId),
    objects.map(({ objectId }) => objectId),
  ]);
  return rows.map(dependencyOf);
}

function dependencyOf(row: DependencyRow): Dependency {
  return {
    of: { classId: row.classid, objectId: row.objid },
    ofColumn: row.objsubid,
    on: { classId: row.refclassid, objectId: row.refobjid },
    onColumn: row.refobjsubid,
    kind: row.deptype,
    description: row.description,
  };
}

async function readColumns(client: Client, tables: readonly Existing[]): Promise<Map<string, number>> {
  if (tables.length === 0) return new Map();
  const { rows } = await client.query<{ object: number; name: string; number: number }>(
    `SELECT attrelid AS object, attname AS name, attnum AS number FROM pg_catalog.pg_attribute
     WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped`,
    [tables.map(({ objectId }) => objectId)],
  );
  const classes = new Map(tables.map(({ classId, objectId }) => [objectId, classId]));
  return new Map(
    rows.map(({ object, name, number }) => [
      columnKey({ classId: classes.get(object) ?? 0, objectId: object }, name),
      number,
    ]),
  );
}

async function readSignatures(client: Client, things: readonly Address[]): Promise<Map<string, string>> {
  if (things.length === 0) return new Map();
  const { rows } = await client.query<{ class: number; object: number; signature: string }>(
    `SELECT 'pg_catalog.pg_proc'::regclass::oid AS class, p.oid AS object,
       format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS signature
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE p.oid = ANY ($1::oid[])`,
    [[...new Set(things.map(({ objectId }) => objectId))]],
  );
  return new Map(rows.map((row) => [keyOf({ classId: row.class, objectId: row.object }), row.signature]));
}

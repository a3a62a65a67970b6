/** Statements that make relations and what hangs on them. */
import type { CreateStmt, CreateTableAsStmt, IndexStmt, Node, RangeVar, ViewStmt } from "libpg-query";
import { constraintsOf } from "./constraints.js";
import { type Effect, namesOf, option } from "./effect.js";
import { nameOf, relationName } from "./lock.js";
import { lockQuery } from "./queries.js";

/** A new table takes locks only on those it is built upon. */
export function createTable(statement: CreateStmt, effect: Effect): void {
  const own = relationName(statement.relation);
  const isPartition = statement.partbound !== undefined;
  for (const node of statement.inhRelations ?? []) {
    if ("RangeVar" in node)
      effect.lock(
        isPartition ? "AccessExclusiveLock" : "ShareUpdateExclusiveLock",
        relationName(node.RangeVar),
      );
  }
  if (isPartition) effect.doubt("locks a default partition too (AccessExclusiveLock), and reads it");
  for (const node of statement.tableElts ?? []) {
    if ("TableLikeClause" in node)
      effect.lock("AccessShareLock", relationName(node.TableLikeClause.relation));
    const constraints =
      "ColumnDef" in node ? constraintsOf(node.ColumnDef.constraints) : constraintsOf([node]);
    for (const { contype, pktable } of constraints) {
      const referenced = relationName(pktable);
      if (contype === "CONSTR_FOREIGN" && referenced !== own)
        effect.lock("ShareRowExclusiveLock", referenced);
    }
  }
}

export function createIndex({ relation, concurrent = false }: IndexStmt, effect: Effect): void {
  effect.lock(concurrent ? "ShareUpdateExclusiveLock" : "ShareLock", relationName(relation)).scan();
  if (concurrent) effect.refuseTransaction("CREATE INDEX CONCURRENTLY");
}

export function createView({ view, query, replace = false }: ViewStmt, effect: Effect): void {
  lockQuery(query, effect);
  if (replace) effect.lock("AccessExclusiveLock", relationName(view));
}

/** `CREATE TABLE … AS`, `SELECT … INTO` and `CREATE MATERIALIZED VIEW`. */
export function createTableAs({ query, into }: CreateTableAsStmt, effect: Effect): void {
  lockQuery(query, effect);
  if (into?.skipData !== true) effect.scan();
}

/** A sequence that a column owns; see process_owned_by in PostgreSQL's sequence.c. */
export function ownedBy(options: readonly Node[] | undefined, effect: Effect): void {
  const owner = namesOf(option(options, "owned_by")?.arg);
  if (owner.length > 1) effect.lock("AccessShareLock", nameOf(owner.slice(0, -1)));
}

/** The tables that a publication names. */
export function publishedTables(objects: readonly Node[] | undefined, effect: Effect): void {
  for (const node of objects ?? []) {
    const table = "PublicationObjSpec" in node ? node.PublicationObjSpec.pubtable?.relation : undefined;
    if (table !== undefined) effect.lock("ShareUpdateExclusiveLock", relationName(table));
  }
}

/** A list of `RangeVar` nodes. */
export function relationsIn(nodes: readonly Node[] | undefined): RangeVar[] {
  return (nodes ?? []).flatMap((node) => ("RangeVar" in node ? [node.RangeVar] : []));
}

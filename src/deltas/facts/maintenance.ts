/** Statements that keep tables and indexes in order. */
import type {
  ClusterStmt,
  Node,
  RangeVar,
  RefreshMatViewStmt,
  ReindexStmt,
  TruncateStmt,
  VacuumStmt,
} from "libpg-query";
import { relationsIn } from "./create.js";
import { type Effect, isOn } from "./effect.js";
import { relationName } from "./lock.js";

export function vacuum({ options, rels, is_vacuumcmd = false }: VacuumStmt, effect: Effect): void {
  const isFull = is_vacuumcmd && isOn(options, "full");
  const tables = rels === undefined ? ["every table"] : vacuumed(rels).map(relationName);
  effect.lock(isFull ? "AccessExclusiveLock" : "ShareUpdateExclusiveLock", ...tables);
  if (isFull) effect.rewrite();
  else effect.scan();
  if (is_vacuumcmd) effect.refuseTransaction("VACUUM");
  else effect.doubt("reads no more than a sample of a large table");
}

function vacuumed(nodes: readonly Node[] | undefined): RangeVar[] {
  return (nodes ?? []).flatMap((node) =>
    "VacuumRelation" in node && node.VacuumRelation.relation !== undefined
      ? [node.VacuumRelation.relation]
      : [],
  );
}

export function cluster({ relation }: ClusterStmt, effect: Effect): void {
  effect.rewrite();
  if (relation === undefined) effect.refuseTransaction("CLUSTER");
  else {
    const table = relationName(relation);
    effect
      .lock("AccessExclusiveLock", table)
      .doubt(`cannot run in a transaction where ${table} is partitioned`);
  }
}

export function reindex({ kind, relation, params }: ReindexStmt, effect: Effect): void {
  effect.rewrite();
  const concurrent = isOn(params, "concurrently");
  const name = relationName(relation);
  if (kind === "REINDEX_OBJECT_INDEX") {
    effect.lock(concurrent ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock", name);
    effect.lock(concurrent ? "ShareUpdateExclusiveLock" : "ShareLock", `the table of ${name}`);
  } else if (kind === "REINDEX_OBJECT_TABLE") {
    effect.lock(concurrent ? "ShareUpdateExclusiveLock" : "ShareLock", name);
  } else {
    const word = kind?.replace("REINDEX_OBJECT_", "") ?? "";
    effect.refuseTransaction(`REINDEX ${word}`).doubt("locks the tables one after the other (ShareLock)");
    return;
  }
  if (concurrent) effect.refuseTransaction("REINDEX CONCURRENTLY");
  else effect.doubt(`cannot run in a transaction where ${name} is partitioned`);
}

export function refresh(
  { relation, concurrent = false, skipData }: RefreshMatViewStmt,
  effect: Effect,
): void {
  effect.lock(concurrent ? "ExclusiveLock" : "AccessExclusiveLock", relationName(relation));
  if (concurrent) effect.scan();
  else if (skipData !== true) effect.rewrite();
  effect.doubt("reads the tables that it is made from (AccessShareLock)");
}

export function truncate({ relations, behavior }: TruncateStmt, effect: Effect): void {
  for (const relation of relationsIn(relations)) {
    const table = relationName(relation);
    effect.lock("AccessExclusiveLock", table).destroy(`all rows of ${table}`);
  }
  effect.data();
  if (behavior === "DROP_CASCADE")
    effect.destroy("all rows of the tables that refer to it").doubt("empties the tables that refer to it");
}

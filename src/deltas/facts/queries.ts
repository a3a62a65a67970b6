/** The locks of queries: what is read, what is written, what is held for an update. */
import { isTreeObject, listAt, objectAt, stringAt, type TreeObject, unwrap } from "../../schema/tree.js";
import type { Effect } from "./effect.js";
import { nameOf } from "./lock.js";

const WRITES: ReadonlySet<string> = new Set(["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"]);

/**
 * Adds the locks that a query takes on the relations it names, anywhere in it: subqueries, common table
 * expressions, the bodies of `BEGIN ATOMIC` functions.
 *
 * @param query any part of a parse tree
 */
export function lockQuery(query: unknown, effect: Effect): void {
  walk(query, new Set(), effect);
}

/** Adds what a query does that is run, beside its locks: it may change rows, or take them away. */
export function runQuery(query: unknown, effect: Effect): void {
  lockQuery(query, effect);
  effect.data();
  destroyRows(query, effect);
}

function destroyRows(value: unknown, effect: Effect): void {
  if (Array.isArray(value)) {
    for (const item of value) destroyRows(item, effect);
    return;
  }
  if (!isTreeObject(value)) return;
  const [type, fields] = unwrap(value);
  if (type === "DeleteStmt") effect.destroy(`rows of ${written(objectAt(fields, "relation"))}`);
  for (const child of Object.values(value)) destroyRows(child, effect);
}

function walk(value: unknown, withNames: ReadonlySet<string>, effect: Effect): void {
  if (typeof value !== "object") return;
  if (Array.isArray(value)) {
    for (const item of value) walk(item, withNames, effect);
    return;
  }
  if (!isTreeObject(value)) return;
  const [type, fields] = unwrap(value);
  if (type === "RangeVar") {
    lockRelation("AccessShareLock", fields, withNames, effect);
    return;
  }
  const own = [...namesOfWith(fields), ...namesOfWith(value)];
  const names = own.length === 0 ? withNames : new Set([...withNames, ...own]);
  if (WRITES.has(type)) {
    // The target is no node of its own, and a name of a WITH is never one.
    lockRelation("RowExclusiveLock", objectAt(fields, "relation"), new Set(), effect);
  }
  for (const item of listAt(fields, "lockingClause")) lockForUpdate(item, fields, names, effect);
  for (const child of Object.values(value)) walk(child, names, effect);
}

function lockForUpdate(
  item: unknown,
  select: TreeObject,
  withNames: ReadonlySet<string>,
  effect: Effect,
): void {
  const [, clause] = unwrap(item);
  const only = new Set(
    listAt(clause, "lockedRels").map((node) => stringAt(unwrap(node)[1], "relname") ?? ""),
  );
  for (const node of tablesOf(listAt(select, "fromClause"))) {
    const name = stringAt(objectAt(node, "alias"), "aliasname") ?? stringAt(node, "relname") ?? "";
    if (only.size === 0 || only.has(name)) lockRelation("RowShareLock", node, withNames, effect);
  }
}

/** The relations of a FROM, through joins. */
function tablesOf(nodes: readonly unknown[]): TreeObject[] {
  return nodes.flatMap((node) => {
    const [type, fields] = unwrap(node);
    if (type === "RangeVar") return [fields];
    return type === "JoinExpr" ? tablesOf([fields.larg, fields.rarg]) : [];
  });
}

function namesOfWith(query: unknown): string[] {
  const ctes = listAt(objectAt(query, "withClause"), "ctes");
  return ctes.map((cte) => stringAt(objectAt(cte, "CommonTableExpr"), "ctename") ?? "");
}

function lockRelation(
  mode: "AccessShareLock" | "RowShareLock" | "RowExclusiveLock",
  relation: TreeObject,
  withNames: ReadonlySet<string>,
  effect: Effect,
): void {
  const name = stringAt(relation, "relname");
  if (name === undefined) return;
  if (stringAt(relation, "schemaname") === undefined && withNames.has(name)) return;
  effect.lock(mode, written(relation));
}

function written(relation: TreeObject): string {
  const schema = stringAt(relation, "schemaname");
  const name = stringAt(relation, "relname") ?? "";
  return nameOf(schema === undefined ? [name] : [schema, name]);
}

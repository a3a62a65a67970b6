/** Queries of views. */
import { isTreeObject, listAt, namesIn, stringAt, unwrap } from "../tree.js";

/**
 * `SELECT orders.id FROM orders` is `SELECT id FROM orders`. Where a query has one relation and stands in no
 * other query, PostgreSQL qualifies its columns before 16 and not since. Queries inside it are qualified by every
 * version, so they stay as they are. A name in ORDER BY is never one of the view's own columns: PostgreSQL prints
 * the column's expression there, and qualifies it where the two could be mistaken for each other.
 * Bridges 15 and earlier, and 16 and later.
 *
 * @param query the node under `CREATE VIEW … AS`
 */
export function unqualifiedColumns(query: unknown): unknown {
  const [type, select] = unwrap(query);
  const from = listAt(select, "fromClause");
  const source = from.length === 1 ? relationName(from[0]) : undefined;
  if (type !== "SelectStmt" || source === undefined) return query;
  const rewritten: Record<string, unknown> = {};
  for (const key in select) {
    rewritten[key] = key === "fromClause" || key === "withClause" ? select[key] : bare(select[key], source);
  }
  return { SelectStmt: rewritten };
}

/** The name by which a query's columns are qualified: that of its one relation, not of a join. */
function relationName(node: unknown): string | undefined {
  const [type, fields] = unwrap(node);
  const [, sampled] = type === "RangeTableSample" ? unwrap(fields.relation) : [type, fields];
  const alias = isTreeObject(sampled.alias) ? stringAt(sampled.alias, "aliasname") : undefined;
  if (type === "JoinExpr") return undefined;
  return alias ?? stringAt(sampled, "relname");
}

function bare(value: unknown, source: string): unknown {
  if (Array.isArray(value)) return value.map((item) => bare(item, source));
  if (!isTreeObject(value)) return value;
  const rewritten: Record<string, unknown> = {};
  for (const key in value) {
    const inner = value[key];
    if (key === "ColumnRef") rewritten[key] = bareColumn(inner, source);
    else rewritten[key] = key === "subselect" ? inner : bare(inner, source);
  }
  return rewritten;
}

/** `orders.id` → `id`; `orders.*`, a whole row, stays. */
function bareColumn(column: unknown, source: string): unknown {
  const fields = listAt(column, "fields");
  const [first, second] = namesIn(fields);
  if (fields.length !== 2 || first !== source || second === "" || second === undefined) return column;
  return { ...(isTreeObject(column) ? column : {}), fields: fields.slice(1) };
}

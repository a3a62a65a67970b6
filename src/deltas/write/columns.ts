/** The columns of a `CREATE TABLE` as pg_dump writes it, in pieces. */
import type { ColumnDef, Constraint, CreateStmt, Node } from "libpg-query";
import type { Parser } from "../../schema/parser.js";

/** A column in pieces of SQL. */
export interface Column {
  readonly name: string;
  /** All of it, as it stands between the parentheses. */
  readonly text: string;
  readonly type: string;
  /** `COLLATE …`, or empty. */
  readonly collation: string;
  /** The expression, or null. */
  readonly fallback: string | null;
  readonly notNull: string | null;
  /** `GENERATED ALWAYS AS (…) STORED`, or null. */
  readonly generated: string | null;
  /** What else stands there: options of a foreign table's column, constraints without a name. */
  readonly rest: string;
}

/** What stands between a table's parentheses. */
export interface TableBody {
  readonly columns: ReadonlyMap<string, Column>;
  /** Constraints by their name; those without one by their text. */
  readonly constraints: ReadonlyMap<string, string>;
}

/** Cuts a `CREATE TABLE`, or a `CREATE FOREIGN TABLE`, into its columns and constraints. */
export function tableBody(sql: string, parser: Parser): TableBody {
  const [parsed] = parser.parse(sql).stmts ?? [];
  const create = parsed?.stmt === undefined ? undefined : createIn(parsed.stmt);
  const bytes = Buffer.from(sql);
  const slice = (from: number, to: number) =>
    bytes.toString("utf8", from, to).trim().replace(/,$/, "").trim();
  const elements = create?.tableElts ?? [];
  const columns = new Map<string, Column>();
  const constraints = new Map<string, string>();
  for (const [index, node] of elements.entries()) {
    const next = elements[index + 1];
    const start = locationOf(node);
    const end = next === undefined ? endOfBody(bytes, start) : locationOf(next);
    if ("ColumnDef" in node) {
      const column = columnIn(node.ColumnDef, slice, end);
      columns.set(column.name, column);
    } else if ("Constraint" in node) {
      const text = slice(start, end);
      constraints.set(node.Constraint.conname ?? text, text);
    }
  }
  return { columns, constraints };
}

function createIn(node: Node): CreateStmt | undefined {
  if ("CreateStmt" in node) return node.CreateStmt;
  return "CreateForeignTableStmt" in node ? node.CreateForeignTableStmt.base : undefined;
}

function locationOf(node: Node): number {
  if ("ColumnDef" in node) return node.ColumnDef.location ?? 0;
  return "Constraint" in node ? (node.Constraint.location ?? 0) : 0;
}

/** pg_dump writes each element in a line of its own, and the closing parenthesis at the beginning of another. */
function endOfBody(bytes: Buffer, start: number): number {
  const end = bytes.indexOf("\n)", start);
  return end < 0 ? bytes.length : end;
}

/** A column in pieces; `slice` gives the text between two places, which count bytes. */
export function columnIn(
  column: ColumnDef,
  slice: (from: number, to: number) => string,
  end: number,
): Column {
  const { colname = "", typeName, collClause, location = 0 } = column;
  const constraints = (column.constraints ?? []).flatMap((node) =>
    "Constraint" in node ? [node.Constraint] : [],
  );
  const places = [collClause?.location, ...constraints.map((constraint) => constraint.location)]
    .flatMap((place) => place ?? [])
    .sort((a, b) => a - b);
  const piece = (from: number | undefined) =>
    from === undefined ? null : slice(from, places.find((place) => place > from) ?? end);
  const find = (type: Constraint["contype"]) => constraints.find(({ contype }) => contype === type);
  const known = ["CONSTR_DEFAULT", "CONSTR_NOTNULL", "CONSTR_GENERATED"] as const;
  const [fallback, notNull, generated] = known.map((type) => piece(find(type)?.location));
  const others = constraints.filter(({ contype }) => !known.some((type) => type === contype));
  return {
    name: colname,
    text: slice(location, end),
    type: slice(typeName?.location ?? location, places[0] ?? end),
    collation: piece(collClause?.location) ?? "",
    fallback: fallback?.replace(/^DEFAULT\s+/, "") ?? null,
    notNull: notNull ?? null,
    generated: generated ?? null,
    rest: others.map((constraint) => piece(constraint.location) ?? "").join(" "),
  };
}

/** What it takes to add a constraint or a column. */
import type { ColumnDef, Constraint, Node } from "libpg-query";
import { typeText } from "../../schema/names.js";
import type { Effect } from "./effect.js";
import { relationName } from "./lock.js";
import { maybeVolatile } from "./volatile.js";

/** What `serial` and its like stand for is computed for every row. They are no types of the catalogue. */
const SERIALS: ReadonlySet<string> = new Set([
  "serial",
  "serial2",
  "serial4",
  "serial8",
  "smallserial",
  "bigserial",
]);

/**
 * Adds what a new constraint does to a table that has rows. Its lock on the table is not added, except for a
 * foreign key, whose lock on both tables is the same.
 */
export function addConstraint(constraint: Constraint, table: string, effect: Effect): void {
  const { contype, indexname, skip_validation: skips = false, is_enforced: enforced = false } = constraint;
  switch (contype) {
    case "CONSTR_FOREIGN":
      effect.lock("ShareRowExclusiveLock", relationName(constraint.pktable));
      if (!skips && enforced) effect.scan();
      return;
    case "CONSTR_CHECK":
      if (!skips && enforced) effect.scan();
      return;
    case "CONSTR_NOTNULL":
      if (!skips) effect.scan();
      return;
    case "CONSTR_PRIMARY":
      if (indexname === undefined) effect.scan();
      else effect.doubt(`reads ${table} from end to end where a column of the key may be null`);
      return;
    case "CONSTR_UNIQUE":
    case "CONSTR_EXCLUSION":
      if (indexname === undefined) effect.scan();
      return;
    default:
  }
}

/**
 * Adds what a new column does to a table that has rows; see ATExecAddColumn in PostgreSQL's tablecmds.c. A default
 * that is the same for all rows is kept in the catalogue.
 */
export function addColumn(column: ColumnDef, table: string, effect: Effect): void {
  const constraints = constraintsOf(column.constraints);
  const given = constraints.find(({ contype }) => contype === "CONSTR_DEFAULT")?.raw_expr;
  const hasDefault = given !== undefined && !isNull(given);
  for (const constraint of constraints) {
    switch (constraint.contype) {
      case "CONSTR_DEFAULT":
        if (maybeVolatile(constraint.raw_expr).length > 0) computeForEachRow(constraint, table, effect);
        break;
      case "CONSTR_IDENTITY":
        effect.rewrite();
        break;
      case "CONSTR_GENERATED":
        if (constraint.generated_kind === "s") effect.rewrite();
        break;
      case "CONSTR_NOTNULL":
        if (!hasDefault) effect.scan();
        break;
      case "CONSTR_FOREIGN":
        addConstraint({ ...constraint, skip_validation: !hasDefault }, table, effect);
        break;
      default:
        addConstraint(constraint, table, effect);
    }
  }
  const type = column.typeName === undefined ? "" : typeText({ TypeName: column.typeName });
  if (SERIALS.has(type)) effect.rewrite();
  else if (!isBuiltIn(column)) effect.doubt(`rewrites ${table} where ${type} is a domain with constraints`);
}

function computeForEachRow({ raw_expr }: Constraint, table: string, effect: Effect): void {
  effect.rewrite();
  const unknown = maybeVolatile(raw_expr).filter((name) => !KNOWN_VOLATILE.has(name));
  for (const name of unknown) effect.doubt(`does not rewrite ${table} where ${name}() is not volatile`);
}

const KNOWN_VOLATILE: ReadonlySet<string> = new Set([
  "clock_timestamp",
  "gen_random_uuid",
  "nextval",
  "random",
  "timeofday",
  "uuidv4",
  "uuidv7",
]);

function isNull(node: Node): boolean {
  if ("TypeCast" in node) return node.TypeCast.arg !== undefined && isNull(node.TypeCast.arg);
  return "A_Const" in node && node.A_Const.isnull === true;
}

/** The grammar puts its own types, such as `integer`, into pg_catalog; the rest of the built-in ones are listed. */
function isBuiltIn({ typeName }: ColumnDef): boolean {
  const names = (typeName?.names ?? []).map((node) => ("String" in node ? (node.String.sval ?? "") : ""));
  return names[0] === "pg_catalog" || (names.length === 1 && BUILT_IN_TYPES.has(names[0] ?? ""));
}

const BUILT_IN_TYPES: ReadonlySet<string> = new Set([
  "bytea",
  "cidr",
  "date",
  "daterange",
  "inet",
  "int4range",
  "int8range",
  "json",
  "jsonb",
  "jsonpath",
  "macaddr",
  "money",
  "name",
  "numrange",
  "oid",
  "point",
  "regclass",
  "text",
  "timestamptz",
  "tsquery",
  "tsrange",
  "tstzrange",
  "tsvector",
  "uuid",
  "xml",
]);

/** The constraints in a list of nodes. */
export function constraintsOf(nodes: readonly Node[] | undefined): Constraint[] {
  return (nodes ?? []).flatMap((node) => ("Constraint" in node ? [node.Constraint] : []));
}

/** Columns that take no NULL and have no default: no table with rows can get one just so. */
import { quoteIdentifier } from "../../postgres/quote.js";
import { nameOf } from "../facts/lock.js";
import { columnIn } from "./columns.js";
import { relationSql } from "./names.js";
import type { Stated } from "./stated.js";
import { type OpenDifference, plainly, type WrittenStatement } from "./written.js";

/** A column that is added so. */
export interface BareColumn {
  /** The parts of the table's name. */
  readonly table: readonly string[];
  readonly column: string;
  /** The statement in two, so that the rows can be filled in between. */
  readonly inTwo: readonly [WrittenStatement, WrittenStatement];
}

/** The column that a statement adds without anything for the rows that are there; null for any other statement. */
export function bareColumn({ text, node }: Stated): BareColumn | null {
  if (!("AlterTableStmt" in node)) return null;
  const { relation, cmds, objtype } = node.AlterTableStmt;
  const [command, ...others] = cmds ?? [];
  if (command === undefined || others.length > 0 || !("AlterTableCmd" in command)) return null;
  const { subtype, def } = command.AlterTableCmd;
  if (objtype !== "OBJECT_TABLE" || subtype !== "AT_AddColumn") return null;
  if (def === undefined || !("ColumnDef" in def)) return null;
  const bytes = Buffer.from(text);
  const column = columnIn(def.ColumnDef, (from, to) => bytes.toString("utf8", from, to).trim(), bytes.length);
  if (column.notNull === null || column.fallback !== null || column.generated !== null) return null;
  if (column.rest !== "") return null;
  const table = [relation?.schemaname ?? "public", relation?.relname ?? ""];
  const alter = `ALTER TABLE ${relationSql(relation)}`;
  const name = quoteIdentifier(column.name);
  const nullable = [`${alter} ADD COLUMN ${name} ${column.type}`, column.collation].filter(
    (part) => part !== "",
  );
  const notNull = /NOT VALID|NO INHERIT|^CONSTRAINT/.test(column.notNull)
    ? `${alter} ADD ${withColumn(column.notNull, name)}`
    : `${alter} ALTER COLUMN ${name} SET NOT NULL`;
  const place = placeFor(table, column.name);
  return { table, column: column.name, inTwo: [plainly(nullable.join(" ")), { ...plainly(notNull), place }] };
}

/** `CONSTRAINT n NOT NULL` of a column as a constraint of its table. */
function withColumn(constraint: string, name: string): string {
  return constraint.replace(/NOT NULL/, `NOT NULL ${name}`);
}

function placeFor(table: readonly string[], column: string): OpenDifference {
  const name = nameOf(table);
  return {
    id: `table ${name}`,
    change: "changed",
    details: [
      `what the rows that are there get in ${nameOf([column])}, e.g.`,
      `UPDATE ${name} SET ${nameOf([column])} = …;`,
    ],
    why: "the column takes no NULL and has no default",
  };
}

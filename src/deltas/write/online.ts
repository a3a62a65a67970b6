/** The ways of a statement that hold up nobody who uses a table for long, where it has one. */
import type { AlterTableCmd, Constraint, IndexStmt, Node } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { Parser } from "../../schema/parser.js";
import { partsOf, relationSql } from "./names.js";
import { type Stated, tokensOf } from "./stated.js";

/** A safer way of a statement. */
export interface SaferWay {
  /** Statements without their semicolons. */
  readonly sql: readonly string[];
  /** In a few words. */
  readonly words: string;
}

/**
 * The safer way of a statement on tables that are in use.
 *
 * @param isNew whether a table is made by the same deltas, so that nobody uses it yet
 * @returns null where it has none, or needs none
 */
export function saferWay(stated: Stated, isNew: (table: string) => boolean, parser: Parser): SaferWay | null {
  const { node, text } = stated;
  if ("IndexStmt" in node) {
    const { relation, concurrent } = node.IndexStmt;
    if (concurrent || isNew(relationSql(relation))) return null;
    return concurrentIndex(text, node.IndexStmt, parser);
  }
  if ("DropStmt" in node && node.DropStmt.removeType === "OBJECT_INDEX" && !node.DropStmt.concurrent) {
    const sql = text.replace(/^DROP INDEX/, "DROP INDEX CONCURRENTLY");
    return { sql: [sql], words: "DROP INDEX CONCURRENTLY" };
  }
  if (!("AlterTableStmt" in node)) return null;
  const { relation, cmds, objtype } = node.AlterTableStmt;
  const [command, ...others] = cmds ?? [];
  const table = relationSql(relation);
  if (command === undefined || others.length > 0 || !("AlterTableCmd" in command)) return null;
  if (objtype !== "OBJECT_TABLE" || isNew(table)) return null;
  return saferCommand(text, `ALTER TABLE ${table}`, command.AlterTableCmd, parser);
}

function concurrentIndex(text: string, { unique }: IndexStmt, parser: Parser): SaferWay | null {
  const index = tokensOf(text, parser).find((token) => token.text.toUpperCase() === "INDEX");
  if (index === undefined) return null;
  const after = index.start + index.text.length;
  const words = `CREATE ${unique ? "UNIQUE " : ""}INDEX CONCURRENTLY`;
  // ON ONLY is for partitioned tables, whose indexes are made on each partition.
  if (/\bON ONLY\b/.test(text)) return null;
  return { sql: [`${text.slice(0, after)} CONCURRENTLY${text.slice(after)}`], words };
}

function saferCommand(
  text: string,
  alter: string,
  { subtype, name, def }: AlterTableCmd,
  parser: Parser,
): SaferWay | null {
  if (subtype === "AT_SetNotNull" && name !== undefined) return notNullByCheck(alter, name);
  if (subtype !== "AT_AddConstraint" || def === undefined || !("Constraint" in def)) return null;
  const constraint = def.Constraint;
  if (constraint.skip_validation === true || constraint.conname === undefined) return null;
  if (constraint.contype === "CONSTR_CHECK" || constraint.contype === "CONSTR_FOREIGN")
    return validatedLater(text, alter, constraint);
  return keyFromIndex(text, alter, constraint, parser);
}

function validatedLater(text: string, alter: string, { conname = "" }: Constraint): SaferWay {
  const name = quoteIdentifier(conname);
  return {
    sql: [`${text} NOT VALID`, `${alter} VALIDATE CONSTRAINT ${name}`],
    words: "ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT",
  };
}

/** A key made of an index that is there needs no index built under its lock. */
function keyFromIndex(text: string, alter: string, constraint: Constraint, parser: Parser): SaferWay | null {
  const { contype, conname = "", indexname, keys, including, deferrable, initdeferred } = constraint;
  const isKey = contype === "CONSTR_UNIQUE" || contype === "CONSTR_PRIMARY";
  if (!isKey || indexname !== undefined || constraint.without_overlaps === true) return null;
  const columns = partsOf(keys).map(quoteIdentifier).join(", ");
  const include = partsOf(including);
  const covering = include.length === 0 ? "" : ` INCLUDE (${include.map(quoteIdentifier).join(", ")})`;
  const nulls = constraint.nulls_not_distinct === true ? " NULLS NOT DISTINCT" : "";
  const options = withClause(text, parser);
  const table = alter.replace(/^ALTER TABLE /, "");
  const kind = contype === "CONSTR_PRIMARY" ? "PRIMARY KEY" : "UNIQUE";
  const deferred = `${deferrable === true ? " DEFERRABLE" : ""}${initdeferred === true ? " INITIALLY DEFERRED" : ""}`;
  const name = quoteIdentifier(conname);
  return {
    sql: [
      `CREATE UNIQUE INDEX CONCURRENTLY ${name} ON ${table} (${columns})${covering}${nulls}${options}`,
      `${alter} ADD CONSTRAINT ${name} ${kind} USING INDEX ${name}${deferred}`,
    ],
    words: `CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … ${kind} USING INDEX`,
  };
}

function withClause(text: string, parser: Parser): string {
  const tokens = tokensOf(text, parser);
  const found = tokens.findLastIndex((token) => token.text.toUpperCase() === "WITH");
  const end = tokens.findIndex((token, index) => index > found && token.text === ")");
  const [from, to] = [tokens[found], tokens[end]];
  return from === undefined || to === undefined ? "" : ` ${text.slice(from.start, to.start + 1)}`;
}

/** PostgreSQL believes a validated check, and then does not read the table to set NOT NULL. */
function notNullByCheck(alter: string, column: string): SaferWay {
  const [name, quoted] = [quoteIdentifier(`${column.slice(0, 50)}_not_null_`), quoteIdentifier(column)];
  return {
    sql: [
      `${alter} ADD CONSTRAINT ${name} CHECK (${quoted} IS NOT NULL) NOT VALID`,
      `${alter} VALIDATE CONSTRAINT ${name}`,
      `${alter} ALTER COLUMN ${quoted} SET NOT NULL`,
      `${alter} DROP CONSTRAINT ${name}`,
    ],
    words: "a CHECK that is validated first, then SET NOT NULL",
  };
}

/** The tables that statements make. */
export function tablesMadeBy(nodes: readonly Node[]): ReadonlySet<string> {
  return new Set(
    nodes.flatMap((node) => {
      if ("CreateStmt" in node) return [relationSql(node.CreateStmt.relation)];
      return "CreateTableAsStmt" in node ? [relationSql(node.CreateTableAsStmt.into?.rel)] : [];
    }),
  );
}

/** Sparing rows: what another has drawn up drops and makes anew is altered instead. */
import type { Schema } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { statementsOf } from "./changes.js";
import { tableBody } from "./columns.js";
import { relationSql } from "./names.js";
import { changeColumn, createIn } from "./table-changes.js";
import { type Attempt, onlyBy } from "./written.js";

/** What rows are lost with when it is dropped. */
export interface DataHolder {
  /** e.g. `table shop.orders`. */
  readonly table: string;
  /** Its name as it is stored; null for the whole table. */
  readonly column: string | null;
}

/** A statement of which it is known what of this it drops and makes; without its semicolon. */
export interface DrawnStatement {
  readonly sql: string;
  readonly destroys: readonly DataHolder[];
  readonly makes: readonly DataHolder[];
}

/** The tables that statements drop and make anew. */
export function tablesRemade(statements: readonly DrawnStatement[]): string[] {
  const destroyed = destroyedBy(statements);
  const made = statements.flatMap(({ makes }) => makes.filter(({ column }) => column === null));
  return made.filter((holder) => destroyed.has(keyOf(holder))).map(({ table }) => table);
}

function destroyedBy(statements: readonly DrawnStatement[]): ReadonlySet<string> {
  return new Set(statements.flatMap(({ destroys }) => destroys.map(keyOf)));
}

/** Whether statements drop columns that they make anew. */
export function remakesColumns(statements: readonly DrawnStatement[]): boolean {
  const destroyed = destroyedBy(statements);
  return statements.some(({ makes }) => makes.some((holder) => destroyed.has(keyOf(holder))));
}

/** Statements as attempts, as they are. */
export function asDrawn(statements: readonly DrawnStatement[]): Attempt[] {
  return statements.map(({ sql, destroys, makes }) => onlyBy([...destroys, ...makes][0]?.table ?? sql, sql));
}

/**
 * Statements without those about some tables, and with columns altered that they drop and make anew, where they would
 * have been dropped.
 */
export function sparingRows(
  statements: readonly DrawnStatement[],
  tables: ReadonlySet<string>,
  { from, to }: { readonly from: Schema; readonly to: Schema },
  parser: Parser,
): Attempt[] {
  const destroyed = destroyedBy(statements);
  const columns = new Map(
    statements
      .flatMap(({ makes }) => makes)
      .filter((holder) => holder.column !== null && destroyed.has(keyOf(holder)))
      .map((holder) => [keyOf(holder), holder]),
  );
  return statements.flatMap((statement) => {
    const { destroys, makes } = statement;
    if ([...destroys, ...makes].some(({ table }) => tables.has(table))) return [];
    if (makes.some((holder) => columns.has(keyOf(holder)))) return [];
    const spared = destroys.flatMap((holder) => columns.get(keyOf(holder)) ?? []);
    if (spared.length === 0) return asDrawn([statement]);
    return spared.flatMap((holder) => altering(holder, from, to, parser));
  });
}

function keyOf({ table, column }: DataHolder): string {
  return JSON.stringify([table, column]);
}

function altering({ table, column }: DataHolder, from: Schema, to: Schema, parser: Parser): Attempt[] {
  const [old, now] = [from, to].map((schema) => {
    const object = schema.objects.get(table);
    return object === undefined ? null : statementsOf(object, parser).creation;
  });
  if (old == null || now == null || column === null) return [];
  const [was, is] = [old, now].map(({ text }) => tableBody(text, parser).columns.get(column));
  if (was === undefined || is === undefined) return [];
  const alter = `ALTER TABLE ${relationSql(createIn(now.node)?.relation)}`;
  return changeColumn({ about: table, alter }, was, is);
}

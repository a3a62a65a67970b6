/** Replacing what columns are made of, their values kept: the old one stands aside until they have changed over. */
import { quoteIdentifier } from "../../postgres/quote.js";
import type { ObjectChange, Schema } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { statementsOf } from "./changes.js";
import { type Column, tableBody } from "./columns.js";
import { relationSql } from "./names.js";
import { createIn } from "./table-changes.js";
import { dropping } from "./undo.js";
import { type Attempt, plainly, type Way } from "./written.js";

/** What a column can be made of. */
const OF_COLUMNS: ReadonlySet<string> = new Set(["type", "domain", "collation"]);

export function isOfColumns({ after }: ObjectChange): boolean {
  return OF_COLUMNS.has(after.type);
}

/** A column that changes over. */
export interface ChangedOver {
  /** The id of its table. */
  readonly table: string;
  readonly column: string;
}

/**
 * Renames what is replaced, makes the new one, changes the columns over, and drops the old one.
 *
 * @param columns the columns that it would take along
 * @returns one attempt, or nothing where it has no name to be renamed by
 */
export function changingOver(
  { before, after }: ObjectChange,
  columns: readonly ChangedOver[],
  target: Schema,
  parser: Parser,
): Attempt[] {
  const [old, now] = [statementsOf(before, parser).creation, statementsOf(after, parser).creation];
  const drop = old === null ? null : dropping(old.node);
  if (drop === null || now === null) return [];
  const [, kind = "", name = ""] = /^DROP (\w+) (.+)$/s.exec(drop) ?? [];
  const parts = name.split(/\.(?="[^"]*"$)/);
  const last = parts.at(-1)?.replace(/^"|"$/g, "") ?? "";
  const aside = quoteIdentifier(`${last.slice(0, 50)}_wov_old`);
  const renamed = [...parts.slice(0, -1), aside].join(".");
  const altered = columns.flatMap((column) => changing(column, target, parser));
  if (altered.length < columns.length) return [];
  const ways = combined(altered).map(
    (statements): Way => [
      plainly(`ALTER ${kind} ${name} RENAME TO ${aside}`),
      plainly(now.text),
      ...statements.map((sql) => plainly(sql)),
      plainly(`DROP ${kind} ${renamed}`),
    ],
  );
  return [{ about: after.id, ways }];
}

/** All of them by assignment, all by a cast, or all by way of text. */
function combined(altered: readonly (readonly string[][])[]): string[][] {
  const count = Math.max(...altered.map((ways) => ways.length), 1);
  return Array.from({ length: count }, (_, index) =>
    altered.flatMap((ways) => ways[Math.min(index, ways.length - 1)] ?? []),
  );
}

/** The ways of one column; none where it is not to be there. */
function changing({ table, column }: ChangedOver, target: Schema, parser: Parser): string[][][] {
  const object = target.objects.get(table);
  const creation = object === undefined ? null : statementsOf(object, parser).creation;
  if (creation === null) return [];
  const now = tableBody(creation.text, parser).columns.get(column);
  if (now === undefined) return [];
  const alter = `ALTER TABLE ${relationSql(createIn(creation.node)?.relation)} ALTER COLUMN ${quoteIdentifier(column)}`;
  return [typeWays(alter, now)];
}

function typeWays(alter: string, { name, type, collation, fallback }: Column): string[][] {
  const sql = `${alter} TYPE ${type}${collation === "" ? "" : ` ${collation}`}`;
  // There is no cast from the old one to the new one, but both are read from text.
  const byText = `${sql} USING ${quoteIdentifier(name)}::text::${type}`;
  const before = fallback === null ? [] : [`${alter} DROP DEFAULT`];
  const behind = fallback === null ? [] : [`${alter} SET DEFAULT ${fallback}`];
  const ways = collation === "" ? [byText, sql] : [sql];
  return ways.map((way) => [...before, way, ...behind]);
}

/** What brings one object of a schema to what it is in another, as attempts. Pure: nothing is known of whether they work. */
import type { ObjectChange, SchemaObject } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { changeAttached } from "./attached.js";
import { changeDomain } from "./domain-changes.js";
import { relationSql } from "./names.js";
import { type Stated, statedIn } from "./stated.js";
import { changeTable, createIn } from "./table-changes.js";
import { dropping, undoing } from "./undo.js";
import { type Attempt, onlyBy, plainly } from "./written.js";

/** An object's statements: the one that makes it, and those about it. */
export interface ObjectStatements {
  readonly creation: Stated | null;
  readonly attached: readonly Stated[];
}

/** Cuts an object's SQL. */
export function statementsOf({ sql }: Pick<SchemaObject, "sql">, parser: Parser): ObjectStatements {
  const [first, ...rest] = statedIn(sql, parser);
  if (first === undefined) return { creation: null, attached: [] };
  const attached = dropping(first.node) === null ? [first, ...rest] : rest;
  return { creation: attached === rest ? first : null, attached };
}

/** What changes an object where it stands. What cannot be changed so is left, to be replaced. */
export function changeInPlace({ before, after, parts }: ObjectChange, parser: Parser): Attempt[] {
  const [was, is] = [statementsOf(before, parser), statementsOf(after, parser)];
  const about = after.id;
  const changed = was.creation?.text === is.creation?.text ? [] : changeCreation(about, was, is, parser);
  const settings = changeSettings(about, parts, is);
  return [...changed, ...settings, ...changeAttached(about, was.attached, is.attached, parser)];
}

/** What pg_dump says by a setting before the statement. */
function changeSettings(
  about: string,
  parts: ObjectChange["parts"],
  { creation }: ObjectStatements,
): Attempt[] {
  const table = creation === null ? undefined : createIn(creation.node);
  const method = parts.find(({ part }) => part === "access method");
  if (table === undefined || method === undefined) return [];
  const name = method.after ?? "heap";
  return [onlyBy(about, `ALTER TABLE ${relationSql(table.relation)} SET ACCESS METHOD ${name}`)];
}

const REPLACED_BY_SQL =
  /^CREATE (?=FUNCTION|PROCEDURE|VIEW|AGGREGATE|RULE|TRANSFORM|(?:TRUSTED )?LANGUAGE|PROCEDURAL)/;

function changeCreation(
  about: string,
  { creation: before }: ObjectStatements,
  { creation: after }: ObjectStatements,
  parser: Parser,
): Attempt[] {
  if (before === null || after === null) return [];
  if (createIn(after.node) !== undefined) return changeTable(about, before, after, parser);
  if ("CreateSeqStmt" in after.node) return changeSequence(about, before, after);
  if ("CreateDomainStmt" in after.node) return changeDomain(about, before, after);
  if ("CreateRangeStmt" in after.node) return changeRange(about, before, after);
  if (REPLACED_BY_SQL.test(after.text))
    return [onlyBy(about, after.text.replace(REPLACED_BY_SQL, "CREATE OR REPLACE "))];
  return [];
}

const MULTIRANGE = /\bmultirange_type_name = ([^\n]+?)(?=,?\n)/;

/** All but the name of its multirange is for ever. */
function changeRange(about: string, before: Stated, after: Stated): Attempt[] {
  const [was, is] = [before, after].map(({ text }) => MULTIRANGE.exec(text)?.[1]);
  const isAlike = before.text.replace(MULTIRANGE, "") === after.text.replace(MULTIRANGE, "");
  if (!isAlike || was === undefined || is === undefined) return [];
  const name = is.split(/\.(?=[^.]+$)/).at(-1) ?? is;
  return [onlyBy(about, `ALTER TYPE ${was} RENAME TO ${name}`)];
}

/** pg_dump spells out all that a sequence is, but for CYCLE and whether it is logged. */
function changeSequence(about: string, before: Stated, after: Stated): Attempt[] {
  const [, name = ""] = /^CREATE (?:UNLOGGED )?SEQUENCE ((?:"(?:[^"]|"")*"|[^\s"])+)/.exec(after.text) ?? [];
  const isUnlogged = ({ text }: Stated) => text.startsWith("CREATE UNLOGGED ");
  const options = after.text.slice(after.text.indexOf(name) + name.length);
  const cycle = / CYCLE\b/.test(before.text) && !/\bCYCLE\b/.test(options) ? " NO CYCLE" : "";
  const type = / AS \w+/.test(before.text) && !/ AS \w+/.test(options) ? " AS bigint" : "";
  return [
    ...(isUnlogged(before) === isUnlogged(after)
      ? []
      : [onlyBy(about, `ALTER SEQUENCE ${name} SET ${isUnlogged(after) ? "UNLOGGED" : "LOGGED"}`)]),
    onlyBy(about, `ALTER SEQUENCE ${name}${type}${options.replace(/\s+/g, " ")}${cycle}`),
  ];
}

/** A statement and where it stands in the dump that it is from. */
export interface Placed {
  readonly about: string;
  readonly sql: string;
  readonly place: number;
}

/** Tells where a statement stands in a dump, by which dependencies can be told. */
export type PlaceOf = (statement: string) => number;

/** All statements that make some objects. */
export function makingOf(objects: readonly SchemaObject[], placeOf: PlaceOf, parser: Parser): Placed[] {
  return objects
    .flatMap(({ id, sql }) =>
      statedIn(sql, parser).map(({ text }) => ({ about: id, sql: filled(text), place: placeOf(text) })),
    )
    .sort((a, b) => a.place - b.place);
}

/** A dump without rows leaves materialized views empty. */
function filled(sql: string): string {
  return /^CREATE MATERIALIZED VIEW /.test(sql) ? sql.replace(/\s+WITH NO DATA$/, "") : sql;
}

/** What drops some objects, the last one made first. What is no object but only said is taken back. */
export function droppingOf(objects: readonly SchemaObject[], placeOf: PlaceOf, parser: Parser): Placed[] {
  return objects
    .flatMap(({ id, sql }) => {
      const statements = statedIn(sql, parser);
      const made = statements.find(({ node }) => dropping(node) !== null);
      const undone = made === undefined ? statements : [made];
      return undone.flatMap((stated) => {
        const undo = undoing(stated, parser);
        return undo === null ? [] : [{ about: id, sql: undo, place: placeOf(stated.text) }];
      });
    })
    .sort((a, b) => b.place - a.place);
}

/** Placed statements as attempts, one each. */
export function inTurn(placed: readonly Placed[]): Attempt[] {
  return placed.map(({ about, sql }) => ({ about, ways: [[plainly(sql)]] }));
}

/**
 * Making a table anew beside its old self, when no ALTER leads from the one to the other: the old one goes into a schema
 * of its own, with its indexes, its constraints and its sequences; the new one gets its rows; the old one is dropped.
 */
import type { Node } from "libpg-query";
import type { SchemaObject } from "../../schema/index.js";
import { qualified, readable } from "../../schema/names.js";
import type { Parser } from "../../schema/parser.js";
import { listAt, namesIn, unwrap } from "../../schema/tree.js";
import { option } from "../facts/effect.js";
import { nameOf } from "../facts/lock.js";
import { statementsOf } from "./changes.js";
import { type Column, tableBody } from "./columns.js";
import { relationSql, sqlName } from "./names.js";
import { type Stated, statedIn } from "./stated.js";
import { createIn } from "./table-changes.js";
import { plainly, type WrittenStatement } from "./written.js";

/** Where old tables stand until their rows are copied. */
export const ASIDE = "wov_aside";

export interface Rebuild {
  /** The tables as they are, each with what is to come of it: null for a partition that goes. */
  readonly tables: readonly { readonly before: SchemaObject; readonly after: SchemaObject | null }[];
  /** Tables that come with them: new partitions. */
  readonly added: readonly SchemaObject[];
  /** All objects by id, as they are and as they are to be: what a table has from its parents stands there. */
  readonly schemas: { readonly now: Objects; readonly target: Objects };
  /** The statements of the target's dump that make sequences of theirs. */
  readonly sequences: readonly SchemaObject[];
  /** Puts statements into the order of the target's dump. */
  readonly placeOf: (statement: string) => number;
}

type Objects = ReadonlyMap<string, SchemaObject>;

/** The statements, to be run as one. What they leave out, such as indexes and triggers, comes when the rows are there. */
export function rebuilding(
  { tables, added, schemas, sequences, placeOf }: Rebuild,
  parser: Parser,
): WrittenStatement[] {
  const known = tables.map(({ before, after }) => ({
    old: statementsOf(before, parser),
    now: after === null ? null : statementsOf(after, parser),
  }));
  const names = known.flatMap(({ old }) => (old.creation === null ? [] : [relationOf(old.creation)]));
  const made = [...tables.flatMap(({ after }) => after ?? []), ...added, ...sequences]
    .flatMap(({ sql }) => statedIn(sql, parser))
    .filter(({ node }) => isBeforeRows(node))
    .sort((a, b) => placeOf(a.text) - placeOf(b.text));
  const copies = known.flatMap(({ old, now }) =>
    old.creation === null || now?.creation == null || isPartition(old.attached)
      ? []
      : copying(old.creation, now.creation, schemas, parser),
  );
  const counters = [
    ...sequences.flatMap((sequence) => counting(sequence, parser) ?? []),
    ...known.flatMap(({ old, now }) => (now === null ? [] : countingIdentities(old.attached, now.attached))),
  ];
  return [
    plainly(`CREATE SCHEMA ${ASIDE}`),
    ...names.map((name) => plainly(`ALTER TABLE ${sqlName(name)} SET SCHEMA ${ASIDE}`)),
    ...made.map(({ text }) => plainly(text)),
    ...copies,
    ...counters.map((sql) => plainly(sql)),
    plainly(
      `DROP TABLE ${names.map((name) => sqlName([ASIDE, name.at(-1) ?? ""])).join(", ")}`,
      copies.length > 0 ? "Its rows have been copied." : `DESTROYS DATA: ${names.map(nameOf).join(", ")}`,
    ),
    plainly(`DROP SCHEMA ${ASIDE}`),
  ];
}

function relationOf({ node }: Stated): string[] {
  const { schemaname = "public", relname = "" } = createIn(node)?.relation ?? {};
  return [schemaname, relname];
}

/** As in a dump: what stands before the rows, constraints and indexes aside, which cost less behind them. */
function isBeforeRows(node: Node): boolean {
  if (createIn(node) !== undefined || "CreateSeqStmt" in node || "AlterSeqStmt" in node) return true;
  if (!("AlterTableStmt" in node)) return false;
  return (node.AlterTableStmt.cmds ?? []).every(
    (command) =>
      "AlterTableCmd" in command &&
      BEFORE_ROWS.has(command.AlterTableCmd.subtype ?? "") &&
      node.AlterTableStmt.objtype !== "OBJECT_INDEX",
  );
}

const BEFORE_ROWS: ReadonlySet<string> = new Set([
  "AT_AttachPartition",
  "AT_ColumnDefault",
  "AT_AddIdentity",
  "AT_SetStorage",
  "AT_SetCompression",
]);

/** A partition's rows are copied with those of its table. */
export function isPartition(attached: readonly Stated[]): boolean {
  return attached.some(
    ({ node }) =>
      "AlterTableStmt" in node &&
      (node.AlterTableStmt.cmds ?? []).some(
        (command) => "AlterTableCmd" in command && command.AlterTableCmd.subtype === "AT_AttachPartition",
      ),
  );
}

function copying(old: Stated, now: Stated, schemas: Rebuild["schemas"], parser: Parser): WrittenStatement[] {
  const [was, is] = [columnsOf(old, schemas.now, parser), columnsOf(now, schemas.target, parser)];
  const kept = [...is.values()].flatMap((column): [Column, Column][] => {
    const before = was.get(column.name);
    return before === undefined || column.generated !== null ? [] : [[before, column]];
  });
  if (kept.length === 0) return [];
  const name = relationOf(old);
  const isPartitioned = createIn(old.node)?.partspec !== undefined;
  const from = `${isPartitioned ? "" : "ONLY "}${sqlName([ASIDE, name.at(-1) ?? ""])}`;
  const values = kept.map(([before, column]) => {
    const value = sqlName([column.name]);
    return before.type === column.type ? value : `${value}::${column.type}`;
  });
  const columns = kept.map(([, column]) => sqlName([column.name])).join(", ");
  const lost = [...was.keys()].filter((column) => !is.has(column));
  const into = relationSql(createIn(now.node)?.relation);
  const copied = plainly(
    `INSERT INTO ${into} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${values.join(", ")} FROM ${from}`,
    `All rows of ${nameOf(name)} are copied; nobody reads or writes it meanwhile.`,
    ...lost.map((column) => `DESTROYS DATA: column ${nameOf([...name, column])}`),
  );
  return [copied];
}

/** The columns that a table says to have, behind those of its parents, which its statement does not repeat. */
function columnsOf({ text, node }: Stated, objects: Objects, parser: Parser): ReadonlyMap<string, Column> {
  const parents = (createIn(node)?.inhRelations ?? []).flatMap((parent) => {
    if (!("RangeVar" in parent)) return [];
    const { schemaname = "public", relname = "" } = parent.RangeVar;
    const object = objects.get(`table ${qualified(schemaname, readable(relname))}`);
    return object === undefined ? [] : (statementsOf(object, parser).creation ?? []);
  });
  const inherited = parents.flatMap((parent) => [...columnsOf(parent, objects, parser)]);
  return new Map([...inherited, ...tableBody(text, parser).columns]);
}

/** A sequence goes on where the one set aside has stopped. */
function counting({ sql }: SchemaObject, parser: Parser): string | null {
  const creation = statedIn(sql, parser).find(({ node }) => "CreateSeqStmt" in node);
  if (creation === undefined || !("CreateSeqStmt" in creation.node)) return null;
  const { sequence } = creation.node.CreateSeqStmt;
  return goingOn(relationSql(sequence), sequence?.relname ?? "");
}

function goingOn(sequence: string, old: string): string {
  return `SELECT pg_catalog.setval('${sequence.replaceAll("'", "''")}', last_value, is_called) FROM ${sqlName([ASIDE, old])}`;
}

function countingIdentities(old: readonly Stated[], now: readonly Stated[]): string[] {
  const [was, is] = [identitiesIn(old), identitiesIn(now)];
  return [...is].flatMap(([column, sequence]) => {
    const before = was.get(column)?.at(-1);
    return before === undefined ? [] : [goingOn(sqlName(sequence), before)];
  });
}

/** The sequences of identity columns, by column. */
function identitiesIn(attached: readonly Stated[]): Map<string, string[]> {
  const found = attached.flatMap(({ node }): [string, string[]][] => {
    const commands = "AlterTableStmt" in node ? (node.AlterTableStmt.cmds ?? []) : [];
    return commands.flatMap((command): [string, string[]][] => {
      if (!("AlterTableCmd" in command) || command.AlterTableCmd.subtype !== "AT_AddIdentity") return [];
      const { name = "", def } = command.AlterTableCmd;
      const options = def !== undefined && "Constraint" in def ? def.Constraint.options : [];
      const [, list] = unwrap(option(options, "sequence_name")?.arg);
      return [[name, namesIn(listAt(list, "items"))]];
    });
  });
  return new Map(found);
}

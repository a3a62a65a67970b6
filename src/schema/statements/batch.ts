/** What the statements of a few entries of a dump say: the part of the work that needs the parser. */
import type { RawStmt } from "libpg-query";
import type { Entry } from "../dump.js";
import { qualified } from "../names.js";
import type { Parser } from "../parser.js";
import { WRITES_ROWS } from "../rows.js";
import type { RuleContext } from "../rules/context.js";
import { type Privilege, privilegesOf } from "../rules/privileges.js";
import type { SchemaSettings } from "../settings.js";
import { listAt, namesIn, objectAt, stringAt, type TreeObject, unwrap } from "../tree.js";
import { isPublicInPublic } from "./attachments.js";
import { type Fragment, type Reader, type Statement, unqualified } from "./fragment.js";
import { READERS } from "./index.js";

/** A statement's text and what it says. */
export interface Said {
  readonly sql: string;
  readonly fragments: readonly Fragment[];
}

/** What one entry of a dump says. */
export interface EntryReading {
  readonly entry: Entry;
  readonly said: Said[];
  /** What could not be read as a statement of a known kind, and so is compared by its text. */
  readonly warnings: string[];
  /** Grants to PUBLIC in the schema `public`, in the order of the statements, and their SQL. */
  readonly onPublic: { readonly privileges: readonly Privilege[]; readonly sql: string }[];
}

/** What holds for all statements of a dump. */
export interface Surroundings {
  readonly context: RuleContext;
  readonly settings: SchemaSettings;
}

const SEPARATOR = "\n;\n";

/**
 * Parses entries together; when that fails, halves them until the entry that does not parse stands alone.
 *
 * @returns what each of them says, in their order
 */
export function readBatch(
  parser: Parser,
  entries: readonly Entry[],
  surroundings: Surroundings,
): EntryReading[] {
  const text = entries.map((entry) => entry.sql).join(SEPARATOR);
  let statements: readonly RawStmt[];
  try {
    statements = parser.parse(text).stmts ?? [];
  } catch (error) {
    const [only] = entries;
    if (only !== undefined && entries.length === 1) {
      const reason = error instanceof Error ? error.message : String(error);
      const reading = newReading(only);
      readAsText(reading, only.sql, `does not parse (${reason})`);
      return [reading];
    }
    const middle = entries.length >> 1;
    return [entries.slice(0, middle), entries.slice(middle)].flatMap((half) =>
      readBatch(parser, half, surroundings),
    );
  }
  return readParsed(text, entries, statements, surroundings);
}

/** Places in the parse tree count bytes of UTF-8. */
function byteSlicer(text: string): { slice: (from: number, to: number) => string; length: number } {
  const length = Buffer.byteLength(text);
  if (length === text.length) return { slice: (from, to) => text.slice(from, to), length };
  const bytes = Buffer.from(text);
  return { slice: (from, to) => bytes.toString("utf8", from, Math.min(to, length)), length };
}

const LEADING_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$))+/;

function newReading(entry: Entry): EntryReading {
  return { entry, said: [], warnings: [], onPublic: [] };
}

function readParsed(
  text: string,
  entries: readonly Entry[],
  statements: readonly RawStmt[],
  { context, settings }: Surroundings,
): EntryReading[] {
  const readings = entries.map(newReading);
  const { slice, length } = byteSlicer(text);
  const placeAt = placeFinder(entries);
  let grantor: string | null = null;
  let current: EntryReading | undefined;
  for (const { stmt, stmt_location = 0, stmt_len = length - stmt_location } of statements) {
    const end = stmt_location + stmt_len;
    const [kind, tree] = unwrap(stmt);
    const reading = readings[placeAt(end)];
    if (reading !== current) grantor = null;
    current = reading;
    if (kind === "VariableSetStmt") grantor = grantorAfter(tree, grantor);
    if (reading === undefined || saysNothing(kind, tree) || clearsTheWay(reading, kind, tree)) continue;
    const sql = slice(stmt_location, end).replace(LEADING_COMMENTS, "").trimEnd();
    const within = (from: number, to: number) => slice(from, Math.min(to, end));
    const statement: Statement = { tree, text: sql, slice: within, context, settings, grantor };
    readStatement(reading, kind, statement);
  }
  return readings;
}

function readStatement(reading: EntryReading, kind: string, statement: Statement): void {
  const { tree, text: sql, context } = statement;
  const reader = READERS.get(kind);
  if (reader === undefined) {
    readAsText(reading, sql, `is of no known kind (${kind})`);
  } else if (kind === "GrantStmt" && isPublicInPublic(tree)) {
    reading.onPublic.push({ privileges: privilegesOf(tree, context), sql });
  } else {
    const fragments = fragmentsOf(reader, statement);
    if (fragments === undefined) readAsText(reading, sql, "is nested too deeply");
    else {
      const bySettings = saidBySettings(reading.entry, kind, statement, fragments[0]);
      reading.said.push({ sql, fragments: [...fragments, ...bySettings] });
    }
  }
}

/** Undefined for an expression of some thousand levels, which the parser takes and the stack does not. */
function fragmentsOf(reader: Reader, statement: Statement): Fragment[] | undefined {
  try {
    return reader(statement);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Gives the place of each statement's entry, in order, by the statement's last byte. */
function placeFinder(entries: readonly Entry[]): (end: number) => number {
  let index = 0;
  let entryEnd = Buffer.byteLength(entries[0]?.sql ?? "");
  return (end) => {
    while (end > entryEnd && index + 1 < entries.length) {
      index += 1;
      entryEnd += SEPARATOR.length + Buffer.byteLength(entries[index]?.sql ?? "");
    }
    return index;
  };
}

/** Settings of the session in which a dump is loaded, rows, and where sequences stand. */
function saysNothing(kind: string, tree: TreeObject): boolean {
  if (kind === "VariableSetStmt" || WRITES_ROWS.has(kind)) return true;
  if (kind !== "SelectStmt") return false;
  const [target] = listAt(tree, "targetList");
  const call = objectAt(objectAt(unwrap(target)[1], "val"), "FuncCall");
  const name = namesIn(listAt(call, "funcname")).at(-1);
  return name === "set_config" || name === "setval";
}

/** `pg_dump --clean` drops, before the first heading, what may be there from before; nothing is made by then. */
function clearsTheWay({ entry, said }: EntryReading, kind: string, tree: TreeObject): boolean {
  if (entry.type !== "" || said.some(({ fragments }) => fragments[0]?.isPlaceholder !== true)) return false;
  if (kind === "DropStmt") return true;
  if (kind !== "AlterTableStmt") return false;
  return listAt(tree, "cmds").every((command) => {
    const does = stringAt(unwrap(command)[1], "subtype");
    return does === "AT_DropConstraint" || (does === "AT_ColumnDefault" && !("def" in unwrap(command)[1]));
  });
}

function grantorAfter(tree: TreeObject, before: string | null): string | null {
  if (stringAt(tree, "name") !== "session_authorization") return before;
  const [value] = listAt(tree, "args");
  return stringAt(objectAt(objectAt(value, "A_Const"), "sval"), "sval") ?? null;
}

function readAsText(reading: EntryReading, sql: string, reason: string): void {
  const { entry } = reading;
  const type = entry.type === "" ? "statement" : entry.type.toLowerCase();
  const name = entry.type === "" ? `"${sql.replaceAll(/\s+/g, " ").slice(0, 60)}"` : entry.name;
  const of = { ...unqualified(type, name), schema: entry.schema };
  reading.said.push({ sql, fragments: [{ of, part: "text", canonical: JSON.stringify(sql), text: sql }] });
  reading.warnings.push(`${type} ${qualified(entry.schema, name)} ${reason}; it is compared by its text`);
}

const HAS_TABLESPACE: ReadonlySet<string> = new Set(["TABLE", "MATERIALIZED VIEW", "INDEX", "CONSTRAINT"]);

/** What pg_dump says by a setting before the statement: a table's access method, and tablespaces. */
function saidBySettings(
  entry: Entry,
  kind: string,
  statement: Statement,
  first: Fragment | undefined,
): Fragment[] {
  // Other entries leave these settings as they are, so there they say nothing.
  if (first === undefined || !HAS_TABLESPACE.has(entry.type)) return [];
  const { of } = first;
  const { accessMethod, tablespace } = entry;
  const isTable = kind === "CreateStmt" || kind === "CreateTableAsStmt";
  if (!(isTable || kind === "IndexStmt" || first.part.startsWith("constraint "))) return [];
  const fragments: Fragment[] = [];
  if (isTable && !("partspec" in statement.tree) && accessMethod !== "heap") {
    fragments.push({
      of,
      part: "access method",
      canonical: JSON.stringify(accessMethod),
      text: accessMethod,
    });
  }
  if (statement.settings.tablespaces && tablespace !== "") {
    const part = isTable ? "tablespace" : first.part;
    fragments.push({ of, part, canonical: JSON.stringify(`tablespace ${tablespace}`), text: "" });
  }
  return fragments;
}

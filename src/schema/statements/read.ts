/** From the entries of a dump to what their statements say. */
import type { RawStmt } from "libpg-query";
import type { Dump, Entry } from "../dump.js";
import { qualified } from "../names.js";
import type { Parser } from "../parser.js";
import type { RuleContext } from "../rules/context.js";
import { type Privilege, privilegesOf, publicSchemaPrivileges } from "../rules/privileges.js";
import type { SchemaSettings } from "../settings.js";
import { listAt, namesIn, objectAt, stringAt, type TreeObject, unwrap } from "../tree.js";
import { isPublicInPublic, PUBLIC_IN_PUBLIC } from "./attachments.js";
import { type Fragment, type Reader, type Statement, unqualified } from "./fragment.js";
import { READERS } from "./index.js";

/** A statement's text and what it says. */
export interface Said {
  readonly sql: string;
  readonly fragments: readonly Fragment[];
}

export interface Reading {
  readonly said: readonly Said[];
  /** What could not be read as a statement of a known kind, and so is compared by its text. */
  readonly warnings: readonly string[];
}

/**
 * How much SQL is given to the parser at once, in UTF-16 units. One statement at a time costs four times as much;
 * the whole of a large dump costs more again, as the answer outgrows the processor's caches.
 */
const BATCH_SIZE = 65_536;

/** Reads every statement of a dump. */
export function readStatements(parser: Parser, dump: Dump, settings: SchemaSettings): Reading {
  const context: RuleContext = { server: dump.server };
  const reading: MutableReading = { said: new Map(), warnings: [], onPublic: [], isAlone: new Set() };
  const before = saidBefore(context, settings);
  let batch: Entry[] = [];
  let size = 0;
  const flush = () => {
    readBatch(parser, batch, { context, settings, reading });
    batch = [];
    size = 0;
  };
  for (const entry of dump.entries) {
    if (entry.sql === "") continue;
    const known = before?.get(keyOf(entry));
    if (known !== undefined) {
      reading.said.set(entry, [...known]);
      continue;
    }
    batch.push(entry);
    size += entry.sql.length;
    if (size >= BATCH_SIZE) flush();
  }
  flush();
  remember(context, settings, reading);
  const inPublic = publicPrivileges(dump, reading.onPublic);
  const said = [...reading.said.values()].flat();
  return { said: inPublic === undefined ? said : [...said, inPublic], warnings: reading.warnings };
}

interface MutableReading {
  readonly said: Map<Entry, Said[]>;
  readonly warnings: string[];
  /** Grants to PUBLIC in the schema `public`, in the order of the statements, and their SQL. */
  readonly onPublic: { readonly privileges: readonly Privilege[]; readonly sql: string }[];
  /** Entries of which more is to be known than what they say. */
  readonly isAlone: Set<Entry>;
}

interface Surroundings {
  readonly context: RuleContext;
  readonly settings: SchemaSettings;
  readonly reading: MutableReading;
}

/**
 * What the entries of the dump before said. The dumps of one run are mostly a schema and the same a little later,
 * so nearly nothing has to be parsed again.
 */
let latest:
  | { readonly by: string; readonly said: readonly (readonly [Entry, readonly Said[]])[] }
  | undefined;

function readingBy(
  { server }: RuleContext,
  { owners, tablespaces, subscriptions, columnOrder }: SchemaSettings,
): string {
  return JSON.stringify([server, owners, tablespaces, subscriptions, columnOrder]);
}

/** All of an entry that has a bearing on what its statements say. */
function keyOf({ name, type, schema, tablespace, accessMethod, sql }: Entry): string {
  return [type, schema, name, tablespace, accessMethod, sql].join("\0");
}

/** The keys are made only now: a run that reads one schema has no use for them. */
function saidBefore(
  context: RuleContext,
  settings: SchemaSettings,
): ReadonlyMap<string, readonly Said[]> | undefined {
  if (latest?.by !== readingBy(context, settings)) return undefined;
  return new Map(latest.said.map(([entry, list]) => [keyOf(entry), list]));
}

function remember(context: RuleContext, settings: SchemaSettings, { said, isAlone }: MutableReading): void {
  latest = {
    by: readingBy(context, settings),
    said: [...said].filter(([entry]) => !isAlone.has(entry)),
  };
}

function add({ said }: MutableReading, entry: Entry, one: Said): void {
  const list = said.get(entry);
  if (list === undefined) said.set(entry, [one]);
  else list.push(one);
}

const SEPARATOR = "\n;\n";

/** Parses entries together; when that fails, halves them until the entry that does not parse stands alone. */
function readBatch(parser: Parser, entries: readonly Entry[], surroundings: Surroundings): void {
  const [only] = entries;
  if (only === undefined) return;
  const text = entries.map((entry) => entry.sql).join(SEPARATOR);
  let statements: readonly RawStmt[];
  try {
    statements = parser.parse(text).stmts ?? [];
  } catch (error) {
    if (entries.length === 1) {
      const reason = error instanceof Error ? error.message : String(error);
      readAsText(only, only.sql, `does not parse (${reason})`, surroundings.reading);
    } else {
      const middle = entries.length >> 1;
      readBatch(parser, entries.slice(0, middle), surroundings);
      readBatch(parser, entries.slice(middle), surroundings);
    }
    return;
  }
  readParsed(text, entries, statements, surroundings);
}

/** Places in the parse tree count bytes of UTF-8. */
function byteSlicer(text: string): { slice: (from: number, to: number) => string; length: number } {
  const length = Buffer.byteLength(text);
  if (length === text.length) return { slice: (from, to) => text.slice(from, to), length };
  const bytes = Buffer.from(text);
  return { slice: (from, to) => bytes.toString("utf8", from, Math.min(to, length)), length };
}

const LEADING_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$))+/;

function readParsed(
  text: string,
  entries: readonly Entry[],
  statements: readonly RawStmt[],
  { context, settings, reading }: Surroundings,
): void {
  const { slice, length } = byteSlicer(text);
  const entryAt = entryFinder(entries);
  let grantor: string | null = null;
  let current: Entry | undefined;
  for (const { stmt, stmt_location = 0, stmt_len = length - stmt_location } of statements) {
    const end = stmt_location + stmt_len;
    const [kind, tree] = unwrap(stmt);
    const sql = slice(stmt_location, end).replace(LEADING_COMMENTS, "").trimEnd();
    const entry = entryAt(end);
    if (entry !== current) grantor = null;
    current = entry;
    if (kind === "VariableSetStmt") grantor = grantorAfter(tree, grantor);
    if (entry === undefined || saysNothing(kind, tree)) continue;
    const reader = READERS.get(kind);
    if (reader === undefined) {
      readAsText(entry, sql, `is of no known kind (${kind})`, reading);
    } else if (kind === "GrantStmt" && isPublicInPublic(tree)) {
      reading.isAlone.add(entry);
      reading.onPublic.push({ privileges: privilegesOf(tree, context), sql });
    } else {
      const within = (from: number, to: number) => slice(from, Math.min(to, end));
      const statement: Statement = { tree, text: sql, slice: within, context, settings, grantor };
      const fragments = fragmentsOf(reader, statement);
      if (fragments === undefined) readAsText(entry, sql, "is nested too deeply", reading);
      else {
        const bySettings = saidBySettings(entry, kind, statement, fragments[0]);
        add(reading, entry, { sql, fragments: [...fragments, ...bySettings] });
      }
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

/** Gives the entry of each statement, in order, by the statement's last byte. */
function entryFinder(entries: readonly Entry[]): (end: number) => Entry | undefined {
  let index = 0;
  let entryEnd = Buffer.byteLength(entries[0]?.sql ?? "");
  return (end) => {
    while (end > entryEnd && index + 1 < entries.length) {
      index += 1;
      entryEnd += SEPARATOR.length + Buffer.byteLength(entries[index]?.sql ?? "");
    }
    return entries[index];
  };
}

/** Settings of the session in which a dump is loaded. */
function saysNothing(kind: string, tree: TreeObject): boolean {
  if (kind === "VariableSetStmt") return true;
  if (kind !== "SelectStmt") return false;
  const [target] = listAt(tree, "targetList");
  const call = objectAt(objectAt(unwrap(target)[1], "val"), "FuncCall");
  return namesIn(listAt(call, "funcname")).at(-1) === "set_config";
}

function grantorAfter(tree: TreeObject, before: string | null): string | null {
  if (stringAt(tree, "name") !== "session_authorization") return before;
  const [value] = listAt(tree, "args");
  return stringAt(objectAt(objectAt(value, "A_Const"), "sval"), "sval") ?? null;
}

function readAsText(entry: Entry, sql: string, reason: string, reading: MutableReading): void {
  const type = entry.type === "" ? "statement" : entry.type.toLowerCase();
  const name = entry.type === "" ? `"${sql.replaceAll(/\s+/g, " ").slice(0, 60)}"` : entry.name;
  const of = { ...unqualified(type, name), schema: entry.schema };
  reading.isAlone.add(entry);
  add(reading, entry, { sql, fragments: [{ of, part: "text", canonical: JSON.stringify(sql), text: sql }] });
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

/** What PUBLIC may do in the schema `public`, where that is not what a new database of the server gives it. */
function publicPrivileges(dump: Dump, onPublic: MutableReading["onPublic"]): Said | undefined {
  const privileges = onPublic.flatMap((said) => said.privileges);
  const isWrittenFor15 =
    dump.server !== null && dump.server < 15 && dump.program !== null && dump.program >= 15;
  const isThere = dump.entries.some((entry) => entry.type === "SCHEMA" && entry.name === "public");
  let held = publicSchemaPrivileges(privileges);
  if (isWrittenFor15 && isThere) {
    // To a pg_dump of 15 or later, USAGE alone is the default, and what 14 gives by default is a difference.
    if (privileges.length === 0) held = "USAGE";
    else if (held === "CREATE, USAGE") return undefined;
  } else if (privileges.length === 0) return undefined;
  const sql = onPublic.map((said) => said.sql).join(";\n") || "REVOKE CREATE ON SCHEMA public FROM PUBLIC";
  const text = held === "" ? "nothing" : held;
  const of = unqualified("schema", "public");
  return { sql, fragments: [{ of, part: PUBLIC_IN_PUBLIC, canonical: JSON.stringify(held), text }] };
}

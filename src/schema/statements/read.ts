/** From the entries of a dump to what their statements say. */
import type { Dump, Entry } from "../dump.js";
import type { Parser } from "../parser.js";
import { publicSchemaPrivileges } from "../rules/privileges.js";
import type { SchemaSettings } from "../settings.js";
import { readAlike } from "./alike.js";
import { PUBLIC_IN_PUBLIC } from "./attachments.js";
import { type EntryReading, readBatch, type Said, type Surroundings } from "./batch.js";
import { unqualified } from "./fragment.js";

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
  const surroundings: Surroundings = { context: { server: dump.server }, settings };
  const entries = dump.entries.filter((entry) => entry.sql !== "");
  const read = (some: readonly Entry[]) =>
    readAlike(some, (parsed) => batchesOf(parsed).flatMap((batch) => readBatch(parser, batch, surroundings)));
  const before = readBefore(surroundings);
  const readings = before === undefined ? read(entries) : readUnknown(entries, before, read);
  latest = { by: comparable(surroundings), readings };
  const said = readings.flatMap((reading) => reading.said);
  const inPublic = publicPrivileges(
    dump,
    readings.flatMap((reading) => reading.onPublic),
  );
  return {
    said: inPublic === undefined ? said : [...said, inPublic],
    warnings: readings.flatMap((reading) => reading.warnings),
  };
}

/** Reads those entries of which it is not known what they say. */
function readUnknown(
  entries: readonly Entry[],
  before: ReadonlyMap<string, EntryReading>,
  read: (some: readonly Entry[]) => readonly EntryReading[],
): EntryReading[] {
  const known = entries.map((entry) => before.get(keyOf(entry)));
  const unknown = entries.filter((_, place) => known[place] === undefined);
  const byEntry = new Map(read(unknown).map((reading) => [reading.entry, reading]));
  return entries.flatMap((entry, place) => known[place] ?? byEntry.get(entry) ?? []);
}

function batchesOf(entries: readonly Entry[]): Entry[][] {
  const batches: Entry[][] = [];
  let size = BATCH_SIZE;
  for (const entry of entries) {
    if (size >= BATCH_SIZE) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(entry);
    size += entry.sql.length;
  }
  return batches;
}

/**
 * What the entries of the dump before said. The dumps of one run are mostly a schema and the same a little later,
 * so nearly nothing has to be parsed again.
 */
let latest: { readonly by: string; readonly readings: readonly EntryReading[] } | undefined;

/** Readings with the same surroundings say the same of the same entry. */
function comparable({ context, settings }: Surroundings): string {
  const { owners, tablespaces, subscriptions, columnOrder } = settings;
  return JSON.stringify([context.server, owners, tablespaces, subscriptions, columnOrder]);
}

/** All of an entry that has a bearing on what its statements say. */
function keyOf({ name, type, schema, tablespace, accessMethod, sql }: Entry): string {
  return [type, schema, name, tablespace, accessMethod, sql].join("\0");
}

/** The keys are made only now: a run that reads one schema has no use for them. */
function readBefore(surroundings: Surroundings): ReadonlyMap<string, EntryReading> | undefined {
  if (latest?.by !== comparable(surroundings)) return undefined;
  return new Map(latest.readings.map((reading) => [keyOf(reading.entry), reading]));
}

/** What PUBLIC may do in the schema `public`, where that is not what a new database of the server gives it. */
function publicPrivileges(dump: Dump, onPublic: EntryReading["onPublic"]): Said | undefined {
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

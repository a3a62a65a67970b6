import type { ProjectDatabase, SchemaOptions } from "../config/project.js";
import { sha256 } from "../files.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import { archivedDump, archivedText } from "../schema/archived.js";
import { type Dump, DumpReader } from "../schema/dump.js";
import type { Schema } from "../schema/index.js";

/** A schema as text, parsed only when somebody needs to know more than whether the text is the same. */
export interface SchemaText {
  /** The dump less the noise, as it goes into the archive. */
  readonly text: string;
  /** SHA-256 of `text`. */
  readonly sha256: string;
  /** Major version of the server that printed it; null where the text does not say. */
  readonly server: number | null;
  /** What counts as schema in it. */
  readonly settings: SchemaOptions;
  /** The canonical form, computed once. */
  canonical(): Promise<Schema>;
  /** Whether there is no object in it. Where there is no text for one, nothing has to be parsed to say so. */
  isEmpty(): Promise<boolean>;
}

/** Makes a schema of a dump, its text or what was cut of that; nothing is parsed yet. */
export function schemaText(dump: string | Dump, settings: SchemaOptions): SchemaText {
  const archived = archivedDump(dump, settings);
  let text: string | undefined;
  let checksum: string | undefined;
  let canonical: Promise<Schema> | undefined;
  const inCanonicalForm = () => (canonical ??= canonicalOf(archived, settings));
  return {
    get text() {
      text ??= archivedText(archived, settings);
      return text;
    },
    get sha256() {
      checksum ??= sha256(this.text);
      return checksum;
    },
    server: archived.server,
    settings,
    canonical: inCanonicalForm,
    isEmpty: async () => archived.entries.length === 0 || (await inCanonicalForm()).objects.size === 0,
  };
}

/** Mostly the text answers, and none of what parses it is loaded. */
async function canonicalOf(dump: Dump, settings: SchemaOptions): Promise<Schema> {
  const { canonicalSchema } = await import("../schema/index.js");
  return canonicalSchema(dump, settings);
}

/** Reads the schema that a database has now. @param tell is told how, for whoever wants to know more */
export async function readLiveSchema(
  connection: ConnectionSettings,
  database: Pick<ProjectDatabase, "pgDump" | "schema">,
  tell?: (what: string) => void,
): Promise<SchemaText> {
  const { dumpInPieces } = await import("../postgres/dump.js");
  const { owners, tablespaces, subscriptions } = database.schema;
  const leftOut = { owners, tablespaces, subscriptions };
  const reader = new DumpReader();
  const options = { program: database.pgDump, ...leftOut, tell };
  await dumpInPieces(connection, options, (piece) => reader.add(piece));
  return schemaText(reader.end(), database.schema);
}

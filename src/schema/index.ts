/**
 * Schemas as values: read from a dump, brought to a canonical form, given checksums, compared.
 * Nothing here touches a server, a file or a process.
 */
import { type Dump, readDump } from "./dump.js";
import { assembleObjects, compare, type Schema, sha256 } from "./objects.js";
import { loadParser } from "./parser.js";
import { DEFAULT_SETTINGS, ignoredBy, type SchemaSettings } from "./settings.js";
import { readStatements } from "./statements/read.js";

export { archivedSchema, fingerprintOfDump } from "./archived.js";
export { diffSchemas, type ObjectChange, type PartChange, renderDiff, type SchemaDiff } from "./diff.js";
export type { Schema, SchemaObject, SchemaPart } from "./objects.js";
export { DEFAULT_SETTINGS, type SchemaSettings } from "./settings.js";

/**
 * The number of the canonical form. Checksums of different forms cannot be compared; one is made again from the
 * stored schema.
 */
export const FORM = 1;

/**
 * Brings a dump to the canonical form: the same for the same schema, whichever server from 13 to 18 holds it and
 * whichever pg_dump wrote it.
 *
 * @param dump what `pg_dump --schema-only` wrote, or what {@link archivedSchema} made of it; or that, cut already
 * @param settings what counts as schema; what is not given is as in {@link DEFAULT_SETTINGS}
 * @returns the schema; text that PostgreSQL 18's parser refuses is compared as it is, with a warning
 * @example (await canonicalSchema("CREATE TABLE public.t (id integer);")).objects.has("table public.t") // → true
 */
export async function canonicalSchema(
  dump: string | Dump,
  settings: Partial<SchemaSettings> = {},
): Promise<Schema> {
  const all = { ...DEFAULT_SETTINGS, ...settings };
  const parser = await loadParser();
  const { said, warnings } = readStatements(parser, typeof dump === "string" ? readDump(dump) : dump, all);
  const objects = assembleObjects(said, ignoredBy(all));
  const lines = [...objects.values()].map(({ id, checksum }) => `${JSON.stringify(id)} ${checksum}\n`);
  return { form: FORM, checksum: sha256(lines.sort(compare).join("")), objects, warnings };
}

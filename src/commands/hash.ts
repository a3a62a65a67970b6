import type { HashResult } from "./results.js";
import { parseSource, readSource, sourceName } from "./schema-source.js";
import type { CommandOptions } from "./session.js";

/**
 * The checksum of a schema, and of each object in it.
 *
 * @param source `shopdb`, `prod:shopdb`, `shopdb@1.2.0`, `shopdb@head`, `postgres://…` or a path
 * @example (await hash("shopdb@head")).checksum
 */
export async function hash(source: string, options: CommandOptions = {}): Promise<HashResult> {
  const parsed = parseSource(source);
  const read = await readSource(parsed, options);
  const schema = await read.canonical();
  const { ignoreSchemas, ignoreTables } = read.settings;
  return {
    source: sourceName(parsed),
    checksum: schema.checksum,
    form: schema.form,
    settings: {
      ...read.settings,
      ignoreSchemas: [...ignoreSchemas],
      ignoreTables: [...ignoreTables],
    },
    objects: [...schema.objects.values()].map(({ id, type, checksum }) => ({
      type,
      name: id.slice(type.length + 1),
      checksum,
    })),
    warnings: [...schema.warnings],
  };
}

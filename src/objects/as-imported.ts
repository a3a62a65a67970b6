/** Objects that are as their scripts say, though nobody has recorded it. */
import { type ImportOptions, importTree } from "./import.js";
import { pathOf } from "./kinds.js";
import type { Tree } from "./tree.js";

/**
 * The objects whose scripts are, to the letter, what an import of a schema writes for them: they are so in a database
 * that has the schema.
 *
 * @param dump what `pg_dump --schema-only` wrote, or an archived schema
 * @returns their ids; roles, of which a schema says less than their scripts, are never among them
 */
export async function asImported(
  { objects, rolePrefix }: Tree,
  dump: string,
  { roles, settings }: Pick<ImportOptions, "roles" | "settings">,
): Promise<ReadonlySet<string>> {
  const { files } = await importTree(dump, { rolePrefix, roles, settings, tables: true });
  const contents = new Map(
    files.map(({ path, content }) => [path, content.replaceAll("{wo_role_prefix}", rolePrefix)]),
  );
  const same = [...objects.values()].filter(
    ({ name, text }) => name.type !== "role" && contents.get(pathOf(name)) === text,
  );
  return new Set(same.map(({ id }) => id));
}

/** The object scripts of a project's database: those of the working tree, and those that a stage was given. */
import { relative } from "node:path";
import type { Project, ProjectDatabase } from "../../config/project.js";
import { ConfigError } from "../../errors.js";
import { isFolder, sha256 } from "../../files.js";
import { nameOfId } from "../../objects/kinds.js";
import { readBase, readScripts } from "../../objects/state.js";
import { type ObjectScript, readTree, type Script, type Tree } from "../../objects/tree.js";
import type { Client } from "../../postgres/connection.js";

/** A tree, and how names in it are looked up. */
export interface ObjectScripts {
  readonly tree: Tree;
  readonly searchPath: readonly string[];
}

/**
 * Reads the scripts of a database of the project. Their paths are relative to the project, with slashes: so they
 * are recorded on every stage, whoever deploys.
 *
 * @returns null where there is no folder of them
 * @throws ConfigError `OBJECTS_MIGRATIONS` for a tree with migrations of its own, and those of `readTree`
 */
export async function readProjectScripts(
  project: Pick<Project, "root">,
  { paths, objects }: ProjectDatabase,
): Promise<ObjectScripts | null> {
  if (!(await isFolder(paths.objects))) return null;
  const tree = await readTree(paths.objects, objects.rolePrefix);
  const [migration] = tree.migrations;
  const from = relative(project.root, paths.objects).replaceAll("\\", "/");
  const moved = <T extends { readonly path: string }>(script: T): T => ({
    ...script,
    path: `${from}${script.path.slice(tree.root.length)}`,
  });
  if (migration !== undefined) {
    throw new ConfigError(
      "OBJECTS_MIGRATIONS",
      "In a project the archived deltas take the place of migrations.",
      {
        where: moved(migration).path,
        hint: "Archive what it does as deltas, and take the folder migrations/ out of the tree.",
      },
    );
  }
  return {
    searchPath: objects.searchPath,
    tree: {
      ...tree,
      root: from,
      objects: new Map([...tree.objects].map(([id, script]) => [id, moved(script)])),
      drops: new Map([...tree.drops].map(([id, script]) => [id, moved(script)])),
      initial: tree.initial.map(moved),
      final: tree.final.map(moved),
    },
  };
}

/**
 * The scripts that a database was given, as its bookkeeping has them.
 *
 * @param present the working tree's, whose scripts that are no object's stand in for those that nobody recorded
 * @returns null where nothing is recorded
 */
export async function readRecordedScripts(
  client: Client,
  { tree, searchPath }: ObjectScripts,
): Promise<ObjectScripts | null> {
  const { recorded, bookkeeping } = await readBase(client);
  if (recorded.size === 0) return null;
  const texts = await readScripts(client, bookkeeping, [...recorded.keys()]);
  const objects = [...recorded.values()].flatMap(({ id, path, md5 }): ObjectScript[] => {
    const name = nameOfId(id);
    return name === null ? [] : [{ id, name, path, text: texts.get(id) ?? "", md5 }];
  });
  return {
    searchPath,
    tree: {
      ...tree,
      objects: new Map(objects.map((script) => [script.id, script])),
      drops: new Map(),
      notes: [],
    },
  };
}

/** Whether there is anything in it. */
export function isEmptyTree({ objects, initial, final }: Tree): boolean {
  return objects.size + initial.length + final.length === 0;
}

/** SHA-256 over all that a tree does to a database. */
export function fingerprintOf({ tree, searchPath }: ObjectScripts): string {
  const plain = (scripts: Iterable<Script>) => [...scripts].map(({ id, text }) => [id, text]);
  const objects = [...tree.objects.values()].map(({ id, md5 }) => [id, md5]);
  return sha256(
    JSON.stringify([objects, plain(tree.drops.values()), plain(tree.initial), plain(tree.final), searchPath]),
  );
}

/**
 * Whether scripts reach beyond their database, so that they are tried on a server that is thrown away: roles are
 * the server's, and what a script that is no object's does nobody knows.
 */
export function isServerWide({ objects, initial, final }: Tree): boolean {
  const hasRole = [...objects.values()].some(({ name }) => name.type === "role");
  return hasRole || initial.length + final.length > 0;
}

/** All scripts of a tree as one text. */
export function textOf({ objects, initial, final }: Tree): string {
  return [...initial, ...objects.values(), ...final].map(({ text }) => text).join("\n;\n");
}

/** The scripts that are in a tree already, and what becomes of them when others are written into it. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../../errors.js";
import { isMissing, readText } from "../../files.js";
import type { ImportedFile } from "../../objects/import.js";
import { KINDS } from "../../objects/kinds.js";
import { BASE_FILES } from "./init.js";

/** The folders that an import writes to. */
const FOLDERS = [...KINDS.map(({ directory }) => directory), "initial", "final"];

/** The folders whose scripts make and drop the database itself; an import knows nothing of those. */
const BASE_FOLDERS = ["create", "drop"];

/**
 * Reads the scripts of a tree.
 *
 * @returns by path inside the tree; nothing where there is no tree
 */
export async function treeFiles(dir: string): Promise<ReadonlyMap<string, string>> {
  const paths = await Promise.all([...FOLDERS, ...BASE_FOLDERS].map((folder) => scriptsIn(dir, folder)));
  const texts = await Promise.all(
    paths.flat().map(async (path) => [path, (await readText(join(dir, path), ConfigError)) ?? ""] as const),
  );
  return new Map(texts);
}

async function scriptsIn(dir: string, folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(dir, folder));
    return names.filter((name) => /\.sql$/i.test(name)).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** What an import does to a tree. */
export interface FilesPlan {
  /** What is to be written: scripts that are not there, or say something else. */
  readonly write: readonly { readonly path: string; readonly content: string }[];
  /** How many are there already just so. */
  readonly unchanged: number;
  /** Paths of scripts that say something else and are written over. */
  readonly changed: readonly string[];
  /** Paths of scripts of the tree that the import knows nothing of. */
  readonly unknown: readonly string[];
}

/**
 * Decides what is written. Pure.
 *
 * @param existing the scripts of the tree by path
 * @param options.database whether the tree is to make a database of its own, and so needs the scripts for that
 */
export function planFiles(
  files: readonly ImportedFile[],
  existing: ReadonlyMap<string, string>,
  { database }: { readonly database: boolean },
): FilesPlan {
  const imported = new Map(files.map(({ path, content }) => [path, content]));
  const hasFolder = (folder: string) => [...existing.keys()].some((path) => path.startsWith(`${folder}/`));
  const base = Object.entries(BASE_FILES).filter(
    ([path]) =>
      database && BASE_FOLDERS.some((folder) => path.startsWith(`${folder}/`) && !hasFolder(folder)),
  );
  const others = [...existing].filter(
    // What an empty tree has is nobody's work yet.
    ([path, text]) => !BASE_FOLDERS.includes(path.split("/")[0] ?? "") && BASE_FILES[path] !== text,
  );
  return {
    write: [...imported, ...base]
      .filter(([path, content]) => existing.get(path) !== content)
      .map(([path, content]) => ({ path, content })),
    unchanged: files.filter(({ path, content }) => existing.get(path) === content).length,
    changed: others
      .filter(([path, text]) => imported.has(path) && imported.get(path) !== text)
      .map(([path]) => path),
    unknown: others.filter(([path]) => !imported.has(path)).map(([path]) => path),
  };
}

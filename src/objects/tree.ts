/** The tree of scripts on disk, read into a value. Nothing is parsed here. */
import { hash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { ConfigError } from "../errors.js";
import { isMissing, readTextSync } from "../files.js";
import { nearest } from "../nearest.js";
import { describeName, idOf, KINDS, type Kind, nameOfFile, type ObjectName } from "./kinds.js";

/** A script that is no object's: a migration, or one of `create/`, `drop/`, `initial/`, `final/`. */
export interface Script {
  /** The file's name, e.g. `01-create-database.sql`; a migration's id. */
  readonly id: string;
  /** The path as it was reached, the tree's own folder first. */
  readonly path: string;
  /** As it stands in the file; a migration's with the role prefix put in. */
  readonly text: string;
}

/** A script that makes an object. */
export interface ObjectScript {
  readonly id: string;
  /** By the file's name; letters are lower case unless the file's name spells them out. */
  readonly name: ObjectName;
  readonly path: string;
  /** With the role prefix put in. */
  readonly text: string;
  /** MD5 of `text`, 32 hexadecimal digits. */
  readonly md5: string;
}

/** All of a tree. */
export interface Tree {
  readonly root: string;
  readonly rolePrefix: string;
  /** By id, sorted by it. */
  readonly objects: ReadonlyMap<string, ObjectScript>;
  /** The user's own drop scripts by the id of the object that they drop. */
  readonly drops: ReadonlyMap<string, Script>;
  /** In the order in which they run. */
  readonly migrations: readonly Script[];
  readonly create: readonly Script[];
  readonly drop: readonly Script[];
  readonly initial: readonly Script[];
  readonly final: readonly Script[];
  /** What is worth saying, one sentence each. */
  readonly notes: readonly string[];
}

/** The folders that hold no objects. */
export const PLAIN_FOLDERS = ["create", "drop", "initial", "final", "migrations"] as const;

const PREFIX = "{wo_role_prefix}";

/** Keeps the folder as it was written, `./wo` say: so do the paths that wo records. */
function under(folder: string, name: string): string {
  return `${folder.replace(/[/\\]+$/, "")}/${name}`;
}

/**
 * Reads a tree. A folder that is not there holds nothing; files that do not end in `.sql` are not looked at.
 *
 * @param root its folder
 * @param rolePrefix what `{wo_role_prefix}` stands for
 * @throws ConfigError `NO_OBJECTS_TREE`, `OBJECT_FILE_NAME`, `OBJECT_TWICE`, `FILE_UNREADABLE`, `FILE_NOT_UTF8`
 */
export async function readTree(root: string, rolePrefix: string): Promise<Tree> {
  const folders = await foldersOf(root);
  const put = (text: string) => text.replaceAll(PREFIX, rolePrefix);
  const plain = async (folder: (typeof PLAIN_FOLDERS)[number]) =>
    folders.includes(folder) ? await readScripts(under(root, folder)) : [];
  const kinds = KINDS.filter(({ directory }) => folders.includes(directory));
  const files = await Promise.all(kinds.map((kind) => readKind(root, kind, rolePrefix)));
  const { objects, drops } = gather(files.flat());
  const own = async (folder: (typeof PLAIN_FOLDERS)[number]) =>
    (await plain(folder)).map((script) => ({ ...script, text: put(script.text) }));
  return {
    root,
    rolePrefix,
    objects,
    drops,
    migrations: await own("migrations"),
    create: await plain("create"),
    drop: await plain("drop"),
    initial: await own("initial"),
    final: await own("final"),
    notes: folders.flatMap((folder) => strangerNote(root, folder)),
  };
}

async function foldersOf(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name)
      .sort();
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new ConfigError("NO_OBJECTS_TREE", "There is no tree of object scripts.", {
      where: root,
      hint: "Make one with:\n  wo init",
    });
  }
}

function strangerNote(root: string, folder: string): string[] {
  const known = [...KINDS.map(({ directory }) => directory), ...PLAIN_FOLDERS];
  if (known.some((name) => name === folder)) return [];
  const meant = nearest(folder, known);
  return [
    `${under(root, folder)} is no folder of the tree, and nothing in it is read${meant === null ? "" : `; did you mean ${meant}?`}`,
  ];
}

/** Names of the `.sql` files of a folder, in the order of their code points: the same on every machine. */
async function sqlFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inside = entries.find((entry) => entry.isDirectory());
  if (inside !== undefined) {
    throw new ConfigError("OBJECT_FILE_NAME", "A folder of the tree holds files, no folders.", {
      where: under(folder, inside.name),
      hint: "Move its files one folder up.",
    });
  }
  const names = entries.map(({ name }) => name).filter((name) => /\.sql$/i.test(name));
  return names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

async function readScripts(folder: string): Promise<Script[]> {
  const names = await sqlFiles(folder);
  return names.map((id) => {
    const path = under(folder, id);
    return { id, path, text: readScript(path) };
  });
}

function readScript(path: string): string {
  return readTextSync(path, ConfigError) ?? "";
}

/** A file of a kind's folder. */
interface KindFile {
  readonly script: ObjectScript;
  /** Whether it drops the object instead of making it. */
  readonly isDrop: boolean;
}

async function readKind(root: string, kind: Kind, rolePrefix: string): Promise<KindFile[]> {
  const folder = under(root, kind.directory);
  return (await sqlFiles(folder)).map((file) => {
    const path = under(folder, file);
    const { name: written, isDrop } = fileOf(kind, file, path);
    const name = kind.type === "role" ? prefixed(written, rolePrefix) : written;
    const text = readScript(path).replaceAll(PREFIX, rolePrefix);
    const md5 = hash("md5", text);
    return { script: { id: idOf(name), name, path, text, md5 }, isDrop };
  });
}

/** A script that drops an object has `drop` as one part more than its kind's names have. */
function fileOf(kind: Kind, file: string, path: string): { name: ObjectName; isDrop: boolean } {
  const stem = file.replace(/\.sql$/i, "");
  const parts = stem.split(".");
  const isDrop = parts.length === kind.parts.length + 1 && parts.at(-1)?.toLowerCase() === "drop";
  if (!isDrop) return { name: nameOfFile(kind, file, path), isDrop };
  if (!kind.drops) {
    throw new ConfigError("OBJECT_FILE_NAME", `A ${kind.type} is not dropped by a script of its own.`, {
      where: path,
      hint: "Drop it in a migration.",
    });
  }
  return { name: nameOfFile(kind, parts.slice(0, -1).join("."), path), isDrop };
}

/** A role's name begins with the prefix, which the server folds as it does the rest. */
function prefixed({ type, parts }: ObjectName, prefix: string): ObjectName {
  return { type, parts: parts.map((part) => prefix.toLowerCase() + part) };
}

function gather(files: readonly KindFile[]): Pick<Tree, "objects" | "drops"> {
  const objects = new Map<string, ObjectScript>();
  const drops = new Map<string, Script>();
  const sorted = files.toSorted((a, b) => (a.script.id < b.script.id ? -1 : 1));
  for (const { script, isDrop } of sorted) {
    const seen = (isDrop ? drops : objects).get(script.id);
    if (seen !== undefined) throw twice(script, seen.path);
    if (isDrop) drops.set(script.id, { id: script.id, path: script.path, text: script.text });
    else objects.set(script.id, script);
  }
  return { objects, drops };
}

function twice({ name, path }: ObjectScript, other: string): ConfigError {
  const [first, second] = [other, path].sort();
  return new ConfigError("OBJECT_TWICE", `Two files are of the same ${describeName(name)}.`, {
    where: `${first}, ${second}`,
    hint: "Keep one of them. Capital letters in a file's name are those of the object only where they are written as in %41.",
  });
}

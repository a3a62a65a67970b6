/** Reading an archive from disk and proving that it is whole. */
import { readdir } from "node:fs/promises";
import { sep } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ArchiveError } from "../errors.js";
import { isMissing, readBytesSync, readText, sha256, sha256OfFileSync } from "../files.js";
import { type ArchivePaths, parseHistory, quotePath, versionId } from "./history.js";
import { ancestors, heads, parentOf, type Version, type Versions } from "./versions.js";

/** The archive of one database, checked. */
export interface Archive {
  readonly paths: ArchivePaths;
  readonly versions: Versions;
  /** The history file as it was read; null where there is none, which is an empty archive. */
  readonly text: string | null;
  /** Files in the archive's folder that no version names; hidden files and `objects/` aside. Absolute, sorted. */
  readonly strays: readonly string[];
  /** The deltas that were read and hashed with it, by their file: what is applied later is what was verified. */
  readonly verified: ReadonlyMap<string, Buffer>;
}

export interface ReadArchiveOptions {
  /**
   * Which files are read and hashed. `all` proves the whole archive. `heads` reads those of the newest versions
   * only, for a hook that runs at every push; shape, ids, parents and the presence of every file are checked
   * either way, and `readDeltas` and `readSchema` hash what has not been. Default: all.
   */
  readonly verify?: "heads" | "all";
  /** Entries to leave out, by their keys, as if the history did not have them; their files are strays then. */
  readonly without?: readonly string[] | undefined;
}

/** How many files are read at once, at a tenth of a millisecond each mostly, before anybody else has a turn. */
const FILES_IN_A_TURN = 20;

/**
 * Reads and verifies the archive of a database.
 *
 * @throws ArchiveError `HISTORY_CONFLICT`, `HISTORY_JSON`, `HISTORY_INVALID`, `UNKNOWN_PARENT`, `PARENT_CYCLE`,
 *   `ROOT_DELTAS`, `ID_MISMATCH`, `ARCHIVED_FILE_MISSING`, `ARCHIVED_FILE_ALTERED`; each with the file and the command that mends it
 * @example
 * const archive = await readArchive(databasePaths(project, "shopdb"), { verify: "heads" });
 * newest(archive.versions)?.checksum;
 */
export async function readArchive(paths: ArchivePaths, options: ReadArchiveOptions = {}): Promise<Archive> {
  const text = await readText(paths.history, ArchiveError);
  const all = text === null ? new Map<string, Version>() : parseHistory(text, paths.history);
  const versions = new Map([...all].filter(([key]) => options.without?.includes(key) !== true));
  verifyTree(versions, paths);
  const files = [...versions.values()].flatMap((version) => archivedFiles(paths, version));
  const strays = await compareFolders(paths, files);
  const newest = options.verify === "heads" ? new Set(heads(versions)) : null;
  const verified = new Map<string, Buffer>();
  for (const [index, file] of files.entries()) {
    if (newest?.has(file.key) === false) continue;
    if (index % FILES_IN_A_TURN === FILES_IN_A_TURN - 1) await nextTurn();
    if (file.kind === "deltas") verified.set(file.file, readVerified(file));
    else verify(file);
  }
  return { paths, versions, text, strays, verified };
}

/**
 * The archived deltas of a version; read, and their SHA-256 checked, unless the archive has them already.
 *
 * @returns null for a root, which has none
 * @throws ArchiveError `UNKNOWN_VERSION`, `ARCHIVED_FILE_MISSING`, `ARCHIVED_FILE_ALTERED`
 */
export async function readDeltas(archive: Archive, key: string): Promise<Buffer | null> {
  const version = versionOf(archive, key);
  if (version.deltas === null) return null;
  const file = archive.paths.archivedDeltas(key);
  return archive.verified.get(file) ?? readVerified({ key, kind: "deltas", file, sha256: version.deltas });
}

/** Reads the archived schema of a version, SQL for psql, and checks its SHA-256. Errors as `readDeltas`. */
export async function readSchema(archive: Archive, key: string): Promise<string> {
  const { schema } = versionOf(archive, key);
  const file = archive.paths.archivedSchema(key);
  return readVerified({ key, kind: "schema", file, sha256: schema.sha256 }).toString("utf8");
}

function versionOf(archive: Archive, key: string): Version {
  const version = archive.versions.get(key);
  if (version !== undefined) return version;
  throw new ArchiveError("UNKNOWN_VERSION", `The archive has no version ${key}.`, {
    where: archive.paths.history,
  });
}

interface ArchivedFile {
  readonly key: string;
  readonly kind: "deltas" | "schema";
  readonly file: string;
  readonly sha256: string;
}

function archivedFiles(paths: ArchivePaths, { key, deltas, schema }: Version): ArchivedFile[] {
  return [
    ...(deltas === null
      ? []
      : [{ key, kind: "deltas", file: paths.archivedDeltas(key), sha256: deltas } as const]),
    { key, kind: "schema", file: paths.archivedSchema(key), sha256: schema.sha256 },
  ];
}

/** Parents exist, no version is its own ancestor, and every id is what the entry and the parent give. */
function verifyTree(versions: Versions, { database, history: file }: ArchivePaths): void {
  const damaged = (code: string, key: string, message: string): ArchiveError =>
    new ArchiveError(code, message, {
      where: `${file}, version ${key}`,
      hint: `Where git's rebase or cherry-pick put it behind another version than yours, let it be put right:\n  wov-db ${database} --rebase\nElse see who changed it, and take the last good state back:\n  git log -p -- ${quotePath(file)}\n  git checkout -- ${quotePath(file)}`,
    });
  for (const version of versions.values()) {
    const { key } = version;
    const parent = parentOf(version);
    if (parent !== null && !versions.has(parent)) {
      throw damaged("UNKNOWN_PARENT", key, `Version ${key} follows ${parent}, which is not in the history.`);
    }
    if (parent === null && version.deltas !== null) {
      throw damaged("ROOT_DELTAS", key, `Version ${key} is a snapshot, yet it has deltas.`);
    }
  }
  const sound = new Set<string>();
  for (const key of versions.keys()) verifyLine(versions, key, sound, damaged);
  for (const version of versions.values()) {
    const parent = versions.get(parentOf(version) ?? "");
    if (versionId(version, parent?.id ?? null) === version.id) continue;
    throw damaged(
      "ID_MISMATCH",
      version.key,
      `The entry of version ${version.key} was altered: its id is not what it and the version before it give.`,
    );
  }
}

/** Walks from a version to its root and stops where an earlier walk went; a version met twice is a circle. */
function verifyLine(
  versions: Versions,
  from: string,
  sound: Set<string>,
  damaged: (code: string, key: string, message: string) => ArchiveError,
): void {
  const line = new Set<string>();
  for (let key: string | null = from; key !== null && !sound.has(key); ) {
    if (line.has(key)) {
      const circle = ancestors(versions, key).join(" → ");
      throw damaged("PARENT_CYCLE", key, `The versions follow each other in a circle: ${circle} → ${key}.`);
    }
    line.add(key);
    const version = versions.get(key);
    key = version === undefined ? null : parentOf(version);
  }
  for (const key of line) sound.add(key);
}

/** Lists the archive's two folders once: every file that a version names must be there, and what no version names is a stray. */
async function compareFolders(paths: ArchivePaths, files: readonly ArchivedFile[]): Promise<string[]> {
  const present = new Set([...(await listFiles(paths.folder)), ...(await listFiles(paths.schemas))]);
  for (const named of files) if (!present.delete(named.file)) throw missing(named);
  return [...present].sort();
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => `${folder}${sep}${entry.name}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function missing({ key, file }: ArchivedFile): ArchiveError {
  return new ArchiveError("ARCHIVED_FILE_MISSING", `A file of version ${key} is missing.`, {
    where: file,
    hint: `Take it back from git:\n  git checkout -- ${quotePath(file)}\nor look for where it went:\n  git log --stat -- ${quotePath(file)}`,
  });
}

/** Only proves a file, which is quicker than to read it: a schema is large, and mostly nobody wants it. */
function verify(archived: ArchivedFile): void {
  if (sha256OfFileSync(archived.file, ArchiveError) !== archived.sha256) readVerified(archived);
}

function readVerified(archived: ArchivedFile): Buffer {
  const { key, file } = archived;
  const content = readBytesSync(file, ArchiveError);
  if (content === null) throw missing(archived);
  if (sha256(content) === archived.sha256) return content;
  const lineFeedsOnly = content.toString("latin1").replaceAll("\r\n", "\n");
  const converted = sha256(Buffer.from(lineFeedsOnly, "latin1")) === archived.sha256;
  throw new ArchiveError(
    "ARCHIVED_FILE_ALTERED",
    converted
      ? `A file of version ${key} has other line ends than when it was archived; git may have converted them.`
      : `A file of version ${key} is not what was archived: its SHA-256 is another.`,
    {
      where: file,
      hint: `${converted ? 'Put the line "* -text" into .gitattributes beside the history, then take the file back:' : "Take it back from git:"}\n  git checkout -- ${quotePath(file)}\nor see who changed it:\n  git log -p -- ${quotePath(file)}`,
    },
  );
}

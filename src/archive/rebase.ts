/** Bringing two lines of versions together: one is taken off and put behind the other. Pure. */
import { relative } from "node:path";
import { BlockedError } from "../errors.js";
import { sha256 } from "../files.js";
import { formatHistory, storedSettings, versionId } from "./history.js";
import type { ArchivingPlan, ArchivingRequest, PlannedFile } from "./plan.js";
import type { Archive } from "./read.js";
import {
  ancestors,
  compareVersions,
  heads,
  newest,
  nextKey,
  parentOf,
  partingPoint,
  pathBetween,
  pverOf,
  type Version,
  type Versions,
} from "./versions.js";

/** Two lines that part after a version. */
export interface Lines {
  readonly parting: string;
  /** The line that gives way, oldest first. */
  readonly mine: readonly string[];
  /** The line that stays, oldest first. */
  readonly theirs: readonly string[];
}

/**
 * Finds the line that a database is on, and the one beside it.
 *
 * @param at the version that the database is at
 * @param onto the end of the line that stays; null where there is only one other
 * @returns null where there are no two lines
 * @throws BlockedError `NEITHER_LINE`, `WHICH_LINE`, `NO_COMMON_VERSION`, `LINE_FOLLOWED`
 */
export function forkedLines({ paths, versions }: Archive, at: string, onto: string | null): Lines | null {
  const ends = heads(versions);
  if (ends.length < 2) return null;
  const own = ends.filter((end) => pathBetween(versions, at, end) !== null);
  const [mine = "", ...more] = own;
  if (more.length > 0) {
    throw new BlockedError(
      "NEITHER_LINE",
      `The database ${paths.database} is at ${at}, from where ${own.join(" and ")} go on: neither is yours.`,
      {
        hint: "Whoever archived one of them has to run this, on a database that is at that version.",
      },
    );
  }
  const theirs = otherEnd(
    paths.database,
    ends.filter((end) => end !== mine),
    onto,
  );
  const parting = partingPoint(versions, mine, theirs);
  if (parting === null) {
    throw new BlockedError(
      "NO_COMMON_VERSION",
      `${mine} and ${theirs} of ${paths.database} have no version in common.`,
      {
        where: paths.history,
        hint: "They were begun apart, so that no deltas lead from the one to the other. Keep one of the two histories.",
      },
    );
  }
  const lines = {
    parting,
    mine: pathBetween(versions, parting, mine) ?? [],
    theirs: pathBetween(versions, parting, theirs) ?? [],
  };
  refuseFollowed(versions, lines.mine);
  return lines;
}

/**
 * The end of the line that stays.
 *
 * @param ends all that may be meant
 * @throws BlockedError `WHICH_LINE`
 */
export function otherEnd(database: string, ends: readonly string[], onto: string | null): string {
  const [only, ...more] = ends;
  if (onto === null && only !== undefined && more.length === 0) return only;
  if (onto !== null && ends.includes(onto)) return onto;
  const list = ends.join(", ");
  throw new BlockedError(
    "WHICH_LINE",
    onto === null
      ? `There are several other lines of ${database}: ${list}.`
      : `${onto} is not the end of another line of ${database}.`,
    { hint: `Say which one yours is to follow:\n  wov-db ${database} --rebase=${only ?? "VERSION"}` },
  );
}

/** What follows a version that is taken off would be left without a parent. */
function refuseFollowed(versions: Versions, mine: readonly string[]): void {
  const line = new Set(mine);
  for (const version of versions.values()) {
    const parent = parentOf(version) ?? "";
    if (line.has(version.key) || !line.has(parent)) continue;
    throw new BlockedError(
      "LINE_FOLLOWED",
      `${version.key} follows ${parent} too, beside your line: it would be left without a parent.`,
      { hint: "Bring that line behind yours first, on a database that is at its end." },
    );
  }
}

/**
 * The versions that do not follow what their entries name, by their ids, and all that come after them. git leaves such
 * where its rebase puts an entry behind another version of the key that it came after.
 */
export function misplacedVersions(versions: Versions): Version[] {
  const placed = new Set<string>();
  // In the order of their keys a parent comes first: no version is lower than what it follows.
  for (const version of versions.values()) {
    const parent = parentOf(version);
    const before = parent === null ? null : versions.get(parent);
    const follows = before === null || (before !== undefined && placed.has(before.key));
    if (follows && versionId(version, before?.id ?? null) === version.id) placed.add(version.key);
  }
  return [...versions.values()].filter(({ key }) => !placed.has(key));
}

/** Whether versions are all on the line that leads to a version, by their ids. */
export function isOnLine(some: readonly Version[], versions: Versions, to: string): boolean {
  const line = new Set(ancestors(versions, to).map((key) => versions.get(key)?.id));
  return some.every(({ id }) => line.has(id));
}

/** A version to be archived anew. */
export interface RebasedVersion {
  readonly version: Version;
  readonly deltas: Uint8Array;
  /** The schema that its deltas give behind the other line. */
  readonly schema: ArchivingRequest["schema"];
}

export interface RebaseRequest {
  readonly archive: Archive;
  /** The version that they are to follow. */
  readonly onto: Version;
  /** The line that gives way, oldest first; at least one version. */
  readonly mine: readonly RebasedVersion[];
  /** The keys of versions of mine that the archive was read without, though it has them; their files go, too. */
  readonly woven?: readonly string[];
  readonly now: Date;
}

/** A version by its old key and its new one. */
export interface RebasedKey {
  readonly from: string;
  readonly to: string;
}

/**
 * Decides how a line is archived behind another: every version gets a new entry, and its old entry and files go.
 *
 * A key is never used twice, not even for the same deltas: a stage, a clone or an old branch may still know the old
 * one. It is a further revision of the version's own PVER, or of the newest one where that is higher.
 *
 * @returns the plan, and the keys in the order of the line
 */
export function planRebase(request: RebaseRequest): {
  readonly plan: ArchivingPlan;
  readonly keys: readonly RebasedKey[];
} {
  const { archive, onto, mine, woven = [] } = request;
  const { paths } = archive;
  const { versions, keys, files, last } = archivedBehind(request);
  const inArchive = (path: string) => relative(paths.archive, path);
  const gone = [...archive.versions.keys(), ...woven].filter((key) => !versions.has(key));
  return {
    keys,
    plan: {
      database: paths.database,
      version: last.key,
      parent: parentOf(last),
      files,
      history: {
        path: inArchive(paths.history),
        before: archive.text === null ? null : sha256(archive.text),
        previous: archive.text,
        content: formatHistory(versions),
      },
      pending: null,
      proven: true,
      retired: gone.flatMap((key) => [paths.archivedDeltas(key), paths.archivedSchema(key)].map(inArchive)),
      message: messageOf(paths.database, onto.key, keys),
      record: {
        database: paths.database,
        version: last.key,
        id: last.id,
        checksum: last.checksum,
        deltas: mine.at(-1)?.version.deltas ?? null,
      },
    },
  };
}

/** The new entries, one behind the other, in a history without the old ones. */
function archivedBehind({ archive, onto, mine, now }: RebaseRequest) {
  const { paths } = archive;
  const old = new Map(mine.map(({ version }): [string, Version] => [version.key, version]));
  const versions = new Map([...archive.versions].filter(([key, { id }]) => old.get(key)?.id !== id));
  const used = new Map([...old, ...archive.versions]);
  const files: PlannedFile[] = [];
  const keys: RebasedKey[] = [];
  let last = onto;
  for (const { version, deltas, schema } of mine) {
    const key = nextKey(used, pverFor(version, versions));
    const text = Buffer.from(schema.text, "utf8");
    const unchained = {
      key,
      parent: { type: "pver" as const, pver: last.key },
      checksum: schema.checksum,
      deltas: sha256(deltas),
      schema: { sha256: sha256(text), form: schema.form, settings: storedSettings(schema.settings) },
      // Its schema is what a shadow came to that had the deltas carried out on it.
      proven: true,
    };
    last = { ...unchained, id: versionId(unchained, last.id), archived: now.toISOString() };
    versions.set(key, last);
    used.set(key, last);
    keys.push({ from: version.key, to: key });
    const [deltasFile, schemaFile] = [paths.archivedDeltas(key), paths.archivedSchema(key)];
    files.push({ role: "deltas", path: relative(paths.archive, deltasFile), content: deltas });
    files.push({ role: "schema", path: relative(paths.archive, schemaFile), content: text });
  }
  return { versions, keys, files, last };
}

/** No version has a lower PVER than what it follows. */
function pverFor({ key }: Version, versions: Versions): string {
  const last = newest(versions)?.key ?? key;
  return compareVersions(pverOf(key), pverOf(last)) < 0 ? pverOf(last) : pverOf(key);
}

function messageOf(database: string, onto: string, keys: readonly RebasedKey[]): string {
  const list = keys.map(({ from, to }) => `${from} as ${to}`).join(", ");
  return `rebase ${database} onto ${onto}: ${list}`;
}

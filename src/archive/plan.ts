/** Deciding what an archiving does. Pure: a plan is a value, and nothing is touched here. */
import { relative } from "node:path";
import { BlockedError } from "../errors.js";
import { sha256 } from "../files.js";
import {
  type ArchivePaths,
  checkSnapshotName,
  formatHistory,
  quotePath,
  storedSettings,
  versionId,
} from "./history.js";
import type { Archive } from "./read.js";
import {
  type ChecksumSettings,
  compareVersions,
  heads,
  newest,
  nextKey,
  type Parent,
  parentOf,
  partingPoint,
  pverOf,
  type Version,
} from "./versions.js";

/** What an archiving is decided from. */
export interface ArchivingRequest {
  readonly archive: Archive;
  /** The project version, without build metadata. */
  readonly pver: string;
  /** The bytes of the pending deltas, checked; null when there are none. */
  readonly pending: Uint8Array | null;
  /** The schema of the database as it is now. */
  readonly schema: {
    /** As it goes into the archive, loadable by psql. */
    readonly text: string;
    readonly checksum: string;
    readonly form: number;
    readonly settings: ChecksumSettings;
  };
  /** Whether it was proven that the deltas lead to the schema, or for a root that its text does. */
  readonly proven: boolean;
  /** The version that the ledger gives the database; null when it knows none. */
  readonly databaseVersion: string | null;
  /** The commands that bring the database to the archive's only head, for a message. */
  readonly bringing: string;
  /** The snapshot's name where a root is to be made, else null. */
  readonly snapshot: string | null;
  readonly now: Date;
}

/** A file to be written; its path is relative to the archive's folder. */
export interface PlannedFile {
  readonly role: "deltas" | "schema";
  readonly path: string;
  readonly content: Uint8Array;
}

/** What the ledger notes about an archiving. */
export interface ArchivingRecord {
  readonly database: string;
  readonly version: string;
  readonly id: string;
  readonly checksum: string;
  /** SHA-256 of the deltas; null for a root. */
  readonly deltas: string | null;
}

/** An archiving, decided. Every path is relative to the archive's folder. */
export interface ArchivingPlan {
  readonly database: string;
  /** The key of the new version. */
  readonly version: string;
  /** The key of the version before it; null for a root. */
  readonly parent: string | null;
  readonly files: readonly PlannedFile[];
  readonly history: {
    readonly path: string;
    /** SHA-256 of the file that the plan was made from; null when there was none. */
    readonly before: string | null;
    /** That file, so that it can be put back; undefined where an older journal does not have it. */
    readonly previous?: string | null | undefined;
    readonly content: string;
  };
  /** The pending deltas that go into the version; null when there are none. */
  readonly pending: { readonly path: string; readonly sha256: string } | null;
  /** Files of versions that the new history no longer has. */
  readonly retired: readonly string[];
  /** Whether the new versions were proven; null where nobody has written that down. */
  readonly proven: boolean | null;
  /** The commit's message, without what the configuration puts before it. */
  readonly message: string;
  readonly record: ArchivingRecord;
}

/**
 * Decides an archiving.
 *
 * @throws BlockedError `ARCHIVE_FORKED`, `PVER_LOWER`, `DATABASE_ELSEWHERE`, `NO_ROOT`, `SNAPSHOT_EXISTS`,
 *   `SNAPSHOT_PENDING`, `NOTHING_PENDING`: the answer is no, and nothing was touched
 * @throws ConfigError `BAD_SNAPSHOT_NAME`
 */
export function planArchiving(request: ArchivingRequest): ArchivingPlan {
  const { archive, pver, pending, schema, snapshot } = request;
  const { paths, versions } = archive;
  refuseLowerPver(archive, pver);
  const origin = snapshot === null ? decideParent(request) : refuseSecondRoot(request, snapshot);
  const key = nextKey(versions, pver);
  const schemaText = Buffer.from(schema.text, "utf8");
  const unchained = {
    key,
    parent: origin.parent,
    checksum: schema.checksum,
    deltas: pending === null ? null : sha256(pending),
    schema: { sha256: sha256(schemaText), form: schema.form, settings: storedSettings(schema.settings) },
    proven: request.proven,
  };
  const version: Version = {
    ...unchained,
    id: versionId(unchained, origin.id),
    archived: request.now.toISOString(),
  };
  const inArchive = (path: string) => relative(paths.archive, path);
  return {
    database: paths.database,
    version: key,
    parent: parentOf(version),
    files: [
      ...(pending === null
        ? []
        : [{ role: "deltas" as const, path: inArchive(paths.archivedDeltas(key)), content: pending }]),
      { role: "schema", path: inArchive(paths.archivedSchema(key)), content: schemaText },
    ],
    history: {
      path: inArchive(paths.history),
      before: archive.text === null ? null : sha256(archive.text),
      previous: archive.text,
      content: formatHistory(new Map([...versions, [key, version]])),
    },
    pending: pending === null ? null : { path: inArchive(paths.pendingDeltas), sha256: sha256(pending) },
    retired: [],
    proven: request.proven,
    message: `archive ${paths.database} ${key}`,
    record: {
      database: paths.database,
      version: key,
      id: version.id,
      checksum: version.checksum,
      deltas: version.deltas,
    },
  };
}

function refuseLowerPver({ paths, versions }: Archive, pver: string): void {
  const last = newest(versions);
  if (last === null || compareVersions(pver, pverOf(last.key)) >= 0) return;
  throw new BlockedError(
    "PVER_LOWER",
    `The project version ${pver} is lower than ${last.key}, the newest in the archive of ${paths.database}.`,
    {
      where: paths.history,
      hint: `Raise it:\n  npm version --no-git-tag-version ${pverOf(last.key)}\nor any higher version.`,
    },
  );
}

/** What a new version comes from, and the id of that. */
interface Origin {
  readonly parent: Parent;
  readonly id: string | null;
}

/**
 * The version that a new one would follow: the only head, which the database must be at.
 *
 * @throws BlockedError `ARCHIVE_FORKED`, `NO_ROOT`, `DATABASE_ELSEWHERE`
 */
export function nextParent({
  archive,
  databaseVersion,
  bringing,
}: Pick<ArchivingRequest, "archive" | "databaseVersion" | "bringing">): Version {
  const { paths, versions } = archive;
  const [head = "", ...others] = heads(versions);
  if (others.length > 0) throw forked(archive);
  const parent = versions.get(head);
  if (parent === undefined) throw noRoot(paths);
  if (databaseVersion !== null && databaseVersion !== head) {
    throw elsewhere(archive, databaseVersion, head, bringing);
  }
  return parent;
}

function decideParent(request: ArchivingRequest): Origin {
  const parent = nextParent(request);
  const { paths } = request.archive;
  if (request.pending === null) {
    throw new BlockedError(
      "NOTHING_PENDING",
      `There are no pending deltas of ${paths.database} to archive.`,
      {
        where: paths.pendingDeltas,
        hint: `Write the SQL that leads from version ${parent.key} to the database as it is into that file:\n  wov-db ${paths.database} --wdb-deltas`,
      },
    );
  }
  return { parent: { type: "pver", pver: parent.key }, id: parent.id };
}

function elsewhere(
  { paths, versions }: Archive,
  databaseVersion: string,
  head: string,
  bringing: string,
): BlockedError {
  const { database } = paths;
  const known = versions.has(databaseVersion);
  return new BlockedError(
    "DATABASE_ELSEWHERE",
    `The database ${database} is at version ${databaseVersion}, but the archive is at ${head}.`,
    {
      where: paths.history,
      hint: known
        ? [
            `Your deltas are to follow ${head}. Take back in the database what they do, then run:`,
            bringing,
            `  wov-db ${database} -f ${quotePath(paths.pendingDeltas)}`,
          ].join("\n")
        : `The archive does not know version ${databaseVersion}; it may stand on another branch:\n  git log --all --reflog --oneline -- ${quotePath(paths.history)}`,
    },
  );
}

function noRoot({ database, pendingDeltas }: ArchivePaths): BlockedError {
  return new BlockedError(
    "NO_ROOT",
    `The archive of ${database} is empty: its first version must be a snapshot, and deltas come after it.`,
    {
      where: pendingDeltas,
      hint: `With the database as it was before the deltas:\n  wov-push-db --snapshot ${database} initial`,
    },
  );
}

function forked({ paths, versions }: Archive): BlockedError {
  const [a = "", b = "", ...more] = heads(versions);
  const parting = partingPoint(versions, a, b);
  const from = parting === null ? "have no version in common" : `part after ${parting}`;
  return new BlockedError(
    "ARCHIVE_FORKED",
    `The archive of ${paths.database} is forked: ${[a, b, ...more].join(" and ")} ${from}.`,
    {
      where: paths.history,
      hint: `Put your line behind the other, in the archive and in your database:\n  wov-db ${paths.database} --rebase`,
    },
  );
}

/** A snapshot starts a history; there is one start, and deltas have no place before it. */
function refuseSecondRoot({ archive, pending }: ArchivingRequest, snapshot: string): Origin {
  checkSnapshotName(snapshot);
  const { paths, versions } = archive;
  if (versions.size > 0) {
    throw new BlockedError(
      "SNAPSHOT_EXISTS",
      `The archive of ${paths.database} has versions already; the snapshot ${JSON.stringify(snapshot)} could follow none of them.`,
      { where: paths.history, hint: `Write deltas and archive those:\n  wov-push-db ${paths.database}` },
    );
  }
  if (pending !== null) {
    throw new BlockedError(
      "SNAPSHOT_PENDING",
      `There are pending deltas of ${paths.database}, and a snapshot has none before it.`,
      {
        where: paths.pendingDeltas,
        hint: `If the database has had them applied, the snapshot holds what they do; take them away and run this again:\n  rm ${quotePath(paths.pendingDeltas)}`,
      },
    );
  }
  return { parent: { type: "snapshot", snapshot }, id: null };
}

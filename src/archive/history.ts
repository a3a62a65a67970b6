/** The version history `DATABASE.json`: its shape, its ids, how it is written. */
import { basename } from "node:path";
import * as v from "valibot";
import { ArchiveError, ConfigError } from "../errors.js";
import { sha256 } from "../files.js";
import { lineAndColumn, parseJson, record, strict } from "../json.js";
import {
  type ChecksumSettings,
  compareVersions,
  isVersionKey,
  type Version,
  type Versions,
} from "./versions.js";

/** Where a database's archive lies; every path is absolute. */
export interface ArchivePaths {
  readonly database: string;
  /** The folder that holds everything else named here. */
  readonly archive: string;
  readonly pendingDeltas: string;
  readonly history: string;
  readonly folder: string;
  readonly schemas: string;
  archivedDeltas(version: string): string;
  archivedSchema(version: string): string;
}

const Sha256 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "must be a SHA-256, 64 lower-case hexadecimal digits"),
);
const VersionKey = v.pipe(
  v.string(),
  v.check(isVersionKey, "is no version such as 1.4.0 or, for a revision, 1.4.0+2"),
);
const SNAPSHOT_NAME = /^\P{Cc}{1,100}$/u;
const SnapshotName = v.pipe(
  v.string(),
  v.check((name) => SNAPSHOT_NAME.test(name), "must be a name of 1 to 100 characters on one line"),
);
const settingsFlag = v.optional(v.boolean());
const settingsPatterns = v.optional(v.array(v.string()));

const Entry = strict({
  archived: v.pipe(
    v.string(),
    v.isoTimestamp("must be a time such as 2025-01-31T12:00:00.000Z"),
    v.description("When the version was archived."),
  ),
  checksum: v.pipe(Sha256, v.description("SHA-256 of the schema's canonical form.")),
  deltas: v.optional(
    v.pipe(
      strict({ sha256: v.pipe(Sha256, v.description("SHA-256 of DATABASE/VERSION.deltas.")) }),
      v.description("The SQL that leads here from the parent; none for a root."),
    ),
  ),
  id: v.pipe(Sha256, v.description("Chains the versions: covers this entry and the parent's id.")),
  parent: v.variant("type", [
    strict({ type: v.literal("pver"), pver: VersionKey }),
    strict({ type: v.literal("snapshot"), snapshot: SnapshotName }),
  ]),
  proven: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Whether the deltas were proven to lead here from the parent; false after --no-proof."),
    ),
  ),
  schema: strict({
    form: v.pipe(
      v.number(),
      v.integer("must be a whole number"),
      v.minValue(1, "must be at least 1"),
      v.description("The number of the canonical form that made the checksum."),
    ),
    settings: v.optional(
      v.pipe(
        strict({
          columnOrder: settingsFlag,
          ignoreSchemas: settingsPatterns,
          ignoreTables: settingsPatterns,
          owners: settingsFlag,
          subscriptions: settingsFlag,
          tablespaces: settingsFlag,
        }),
        v.description("What counted as schema, where it was not the default."),
      ),
    ),
    sha256: v.pipe(Sha256, v.description("SHA-256 of DATABASE/schemas/VERSION.schema.")),
  }),
});

/** `DATABASE.json` as it stands on disk. */
export const HistoryFile = v.pipe(
  strict({
    wovtoolsversion: v.literal("1", 'must be "1"; a later wovtools may have written this file'),
    versions: record(VersionKey, Entry),
  }),
  v.title("DATABASE.json, the version history of a database"),
  v.description("Written by wov-push-db; an entry is never edited."),
);

/**
 * The id that chains a version to the one before it, as commits are chained. It is the SHA-256 of the line
 * `wovtools version 1`, a line feed, and a JSON array without white space: key; parent type; the parent's id, or
 * the snapshot's name for a root; SHA-256 of the deltas or null; checksum; SHA-256 of the schema's file; form;
 * settings as pairs of name and value, sorted by name; and, where the entry says so, whether it is proven. So a
 * change of one byte in an archived file, or of one field but `archived`, shows in its own version or in every later
 * one.
 *
 * @param parentId the parent's id; not looked at for a root
 */
export function versionId(version: Omit<Version, "id" | "archived">, parentId: string | null): string {
  const { parent, schema } = version;
  const settings = Object.entries(schema.settings).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = [
    version.key,
    parent.type,
    parent.type === "snapshot" ? parent.snapshot : parentId,
    version.deltas,
    version.checksum,
    schema.sha256,
    schema.form,
    settings,
    // Entries from before there were proofs keep the ids that they have.
    ...(version.proven === null ? [] : [version.proven]),
  ];
  return sha256(`wovtools version 1\n${JSON.stringify(fields)}`);
}

/**
 * Reads a history from its text. Only the shape is checked here.
 *
 * @throws ArchiveError `HISTORY_CONFLICT` (git's conflict markers), `HISTORY_JSON`, `HISTORY_INVALID`
 */
export function parseHistory(text: string, file: string): Map<string, Version> {
  const marker = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$/m.exec(text);
  if (marker !== null) {
    throw new ArchiveError("HISTORY_CONFLICT", "The version history has git's conflict markers in it.", {
      where: `${file}:${lineAndColumn(text, marker.index)}`,
      hint: `Let the versions of both sides be put together:\n  wov-db ${basename(file, ".json")} --rebase`,
    });
  }
  const path = quotePath(file);
  const hint = `wov-push-db alone writes this file. Take the last good state back:\n  git checkout -- ${path}\nor see who changed it:\n  git log -p -- ${path}`;
  const content = parseJson(HistoryFile, text, file, "HISTORY", ArchiveError, hint);
  const versions = Object.entries(content.versions).map(([key, entry]): [string, Version] => [
    key,
    {
      key,
      parent: entry.parent,
      checksum: entry.checksum,
      deltas: entry.deltas?.sha256 ?? null,
      schema: {
        sha256: entry.schema.sha256,
        form: entry.schema.form,
        settings: entry.schema.settings ?? {},
      },
      proven: entry.proven ?? null,
      id: entry.id,
      archived: entry.archived,
    },
  ]);
  return new Map(versions.sort(([a], [b]) => compareVersions(a, b)));
}

/**
 * The text of a history: versions from oldest to newest, the other keys in alphabetical order, two spaces,
 * one line feed at the end. The same versions always give the same bytes.
 */
export function formatHistory(versions: Versions): string {
  const entries = [...versions.values()].sort((a, b) => compareVersions(a.key, b.key));
  const content = {
    versions: Object.fromEntries(entries.map((version) => [version.key, formatEntry(version)])),
    wovtoolsversion: "1",
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function formatEntry(version: Version) {
  const { sha256: schemaSha256, form, settings } = version.schema;
  const { parent } = version;
  const used = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    archived: version.archived,
    checksum: version.checksum,
    ...(version.deltas !== null && { deltas: { sha256: version.deltas } }),
    id: version.id,
    parent:
      parent.type === "pver"
        ? { pver: parent.pver, type: parent.type }
        : { snapshot: parent.snapshot, type: parent.type },
    ...(version.proven !== null && { proven: version.proven }),
    schema: {
      form,
      ...(used.length > 0 && { settings: Object.fromEntries(used) }),
      sha256: schemaSha256,
    },
  };
}

/** What differs from the defaults of `ChecksumSettings`, lists sorted: the form in which it is stored. */
export function storedSettings(settings: ChecksumSettings): ChecksumSettings {
  const list = (patterns: readonly string[] | undefined) => [...new Set(patterns ?? [])].sort();
  const ignoreSchemas = list(settings.ignoreSchemas);
  const ignoreTables = list(settings.ignoreTables);
  return {
    ...(settings.columnOrder === false && { columnOrder: false }),
    ...(ignoreSchemas.length > 0 && { ignoreSchemas }),
    ...(ignoreTables.length > 0 && { ignoreTables }),
    ...(settings.owners === true && { owners: true }),
    ...(settings.subscriptions === true && { subscriptions: true }),
    ...(settings.tablespaces === true && { tablespaces: true }),
  };
}

/**
 * Checks the name of a snapshot.
 *
 * @throws ConfigError `BAD_SNAPSHOT_NAME`
 */
export function checkSnapshotName(name: string): void {
  if (SNAPSHOT_NAME.test(name)) return;
  throw new ConfigError("BAD_SNAPSHOT_NAME", `${JSON.stringify(name)} cannot name a snapshot.`, {
    hint: "Take a name of 1 to 100 characters on one line, for example initial.",
  });
}

/** A path for a command line to paste. */
export function quotePath(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

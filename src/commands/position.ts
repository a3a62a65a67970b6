/** Where a database stands: its live schema and its ledger held against the archive. Touches nothing. */
import type { Archive } from "../archive/read.js";
import { latestOf, newest, pathBetween, type Version } from "../archive/versions.js";
import { compareWithVersion, type DatabaseState, isSchemaOf, type LiveDatabase } from "./database-state.js";
import type { SchemaText } from "./live-schema.js";

/** A schema held against what the archive has of it. */
export interface Comparison {
  /** The version that the schema ought to be: this PVER's newest, or else the one that the database is at. */
  readonly expected: Version | null;
  /** Whether the schema is not the one of the expected version. */
  readonly differs: boolean;
  /** The version that the database is at, as far as its ledger or its schema tells. */
  readonly at: string | null;
  /** The version that the database is at is none of this archive's; another branch may have it. */
  readonly atUnknown: boolean;
  /** Whether the schema is not the one of the version that the database is at. */
  readonly drift: boolean;
  /** What leads from the version that the database is at to the expected one, oldest first. */
  readonly behind: readonly string[];
}

/**
 * Holds a live schema against the archive.
 *
 * @throws ConfigError `SETTINGS_CHANGED` when the archived schema does not hold what counts as schema now
 */
export async function compareWithArchive(
  state: DatabaseState,
  live: LiveDatabase,
  pver: string,
  progress: (doing: string) => void,
): Promise<Comparison> {
  const { versions } = state.archive;
  if (versions.size === 0) {
    const differs = !(await live.schema.isEmpty());
    return { expected: null, differs, at: null, atUnknown: false, drift: differs, behind: [] };
  }
  const recorded = recordedVersion(state, live);
  const archived = latestOf(versions, pver);
  const isStopped = recorded !== null && live.ledger?.stopped != null;
  const byText =
    recorded === null
      ? await versionOfSchema(state, live.schema, archived)
      : await versionSince(state, live.schema, recorded, !isStopped);
  // A deploy that stopped within a version has left it where the ledger says, whatever the schema is like by then.
  const candidates = isStopped ? [recorded] : [recorded, archived, newest(versions)];
  const exact = byText ?? (await versionByServer(state, live, candidates, progress));
  const expected = archived ?? exact ?? recorded ?? newest(versions);
  const differs =
    expected !== null && exact?.key !== expected.key && !(await isSchemaOf(state, live.schema, expected));
  const known = exact ?? recorded;
  return {
    expected,
    differs,
    at: known?.key ?? live.ledger?.version ?? null,
    atUnknown: known === null && live.ledger !== null,
    drift: exact === null,
    behind: known === null || expected === null ? [] : (pathBetween(versions, known.key, expected.key) ?? []),
  };
}

/** The version that the ledger names. Another branch may have a version of the same number: its id is another. */
function recordedVersion({ archive }: DatabaseState, { ledger }: LiveDatabase): Version | null {
  const version = ledger === null ? undefined : archive.versions.get(ledger.version);
  return version !== undefined && version.id === ledger?.versionId ? version : null;
}

/**
 * The version that a database has come to since its ledger was written, which its owner may have brought forward
 * by hand: the recorded one, or the first after it that has exactly this schema. Older ones do not count, since
 * then something was taken away that the ledger knows of.
 *
 * @param mayHaveMoved whether later ones count
 */
async function versionSince(
  state: DatabaseState,
  live: SchemaText,
  recorded: Version,
  mayHaveMoved: boolean,
): Promise<Version | null> {
  if (await isSchemaOf(state, live, recorded)) return recorded;
  if (!mayHaveMoved) return null;
  const { versions } = state.archive;
  for (const version of versions.values()) {
    const follows = version !== recorded && pathBetween(versions, recorded.key, version.key) !== null;
    if (follows && (await isSchemaOf(state, live, version))) return version;
  }
  return null;
}

/** The version that has exactly this schema, one in particular before all others, else the newest: what is left to go by where no ledger tells. */
async function versionOfSchema(
  state: DatabaseState,
  live: SchemaText,
  preferred: Version | null,
): Promise<Version | null> {
  if (preferred !== null && (await isSchemaOf(state, live, preferred))) return preferred;
  return versionByText(state.archive, live);
}

/** The newest version that has exactly this schema, by its text. */
export async function versionByText({ versions }: Archive, live: SchemaText): Promise<Version | null> {
  const newestFirst = [...versions.values()].reverse();
  const sameText = newestFirst.find((version) => version.schema.sha256 === live.sha256);
  if (sameText !== undefined) return sameText;
  const { form, checksum } = await live.canonical();
  return newestFirst.find((version) => version.schema.form === form && version.checksum === checksum) ?? null;
}

/** The first of some versions that a server says the schema is the same as, where text could not decide. */
async function versionByServer(
  state: DatabaseState,
  live: LiveDatabase,
  candidates: readonly (Version | null)[],
  progress: (doing: string) => void,
): Promise<Version | null> {
  for (const version of new Set(candidates)) {
    if (version === null) continue;
    const { differs } = await compareWithVersion(state, live, version, { verdictOnly: true, progress });
    if (!differs) return version;
  }
  return null;
}

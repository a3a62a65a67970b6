/** A version, and the tree that versions form through their parents. Pure. */
import compareBuild from "semver/functions/compare-build.js";
import parse from "semver/functions/parse.js";

/** What was counted as schema when a checksum was made; what is left out is the default. */
export interface ChecksumSettings {
  readonly owners?: boolean | undefined;
  readonly tablespaces?: boolean | undefined;
  readonly subscriptions?: boolean | undefined;
  readonly columnOrder?: boolean | undefined;
  readonly ignoreSchemas?: readonly string[] | undefined;
  readonly ignoreTables?: readonly string[] | undefined;
}

/** What a version comes from: the version before it, or for a root the snapshot of a database. */
export type Parent =
  | { readonly type: "pver"; readonly pver: string }
  | { readonly type: "snapshot"; readonly snapshot: string };

/** One version of the history. */
export interface Version {
  /** PVER, or PVER and revision: `1.4.0`, `1.4.0+2`. */
  readonly key: string;
  readonly parent: Parent;
  /** SHA-256 of the canonical form of the schema. */
  readonly checksum: string;
  /** SHA-256 of the archived deltas; null for a root. */
  readonly deltas: string | null;
  readonly schema: {
    /** SHA-256 of the archived schema's file. */
    readonly sha256: string;
    /** The number of the canonical form that made the checksum. */
    readonly form: number;
    /** Only what differs from the default. */
    readonly settings: ChecksumSettings;
  };
  /** Whether the deltas were proven to lead here from the parent; null where nobody has written that down. */
  readonly proven: boolean | null;
  /** See `versionId`. */
  readonly id: string;
  /** When it was archived, ISO 8601 in UTC. */
  readonly archived: string;
}

/** Versions by key, oldest first. */
export type Versions = ReadonlyMap<string, Version>;

/** Semver's order, revisions of one PVER by their number: 1.0.0, 1.0.0+2, 1.0.0+10, 1.1.0-rc.1, 1.1.0. */
export function compareVersions(a: string, b: string): number {
  return compareBuild(a, b);
}

/** Whether a text is a key of the history: a semantic version, its build metadata, if any, a number from 2 up. */
export function isVersionKey(text: string): boolean {
  const parsed = parse(text);
  if (parsed === null) return false;
  const revision = parsed.build.join(".");
  const suffix = revision === "" ? "" : `+${revision}`;
  return text === parsed.version + suffix && (revision === "" || /^([2-9]|[1-9]\d{1,8})$/.test(revision));
}

/** The PVER of a version. @example pverOf("1.4.0+2") // → "1.4.0" */
export function pverOf(key: string): string {
  return key.split("+", 1)[0] ?? key;
}

/** The number of a version among those of its PVER, 1 for the first. @example revisionOf("1.4.0+2") // → 2 */
export function revisionOf(key: string): number {
  return Number(key.split("+")[1] ?? 1);
}

/** The newest version by semver's order, or null in an empty archive. */
export function newest(versions: Versions): Version | null {
  const keys = [...versions.keys()].sort(compareVersions);
  return versions.get(keys.at(-1) ?? "") ?? null;
}

/** The newest revision of a PVER, or null when it is not archived. */
export function latestOf(versions: Versions, pver: string): Version | null {
  const revisions = [...versions.keys()].filter((key) => pverOf(key) === pver).sort(compareVersions);
  return versions.get(revisions.at(-1) ?? "") ?? null;
}

/** The key that an archiving under a PVER gets: the PVER itself, then `+2`, `+3`, … */
export function nextKey(versions: Versions, pver: string): string {
  const latest = latestOf(versions, pver);
  return latest === null ? pver : `${pver}+${revisionOf(latest.key) + 1}`;
}

/** The key of the version before, or null for a root. */
export function parentOf(version: Version): string | null {
  return version.parent.type === "pver" ? version.parent.pver : null;
}

/** The keys of the versions without a parent, oldest first. */
export function roots(versions: Versions): string[] {
  return childrenOf(versions, null);
}

/** The keys of the versions that come straight after one, or of the roots after null; oldest first. */
export function childrenOf(versions: Versions, key: string | null): string[] {
  return [...versions.values()]
    .filter((version) => parentOf(version) === key)
    .map((version) => version.key)
    .sort(compareVersions);
}

/** The keys of the versions that nothing follows, oldest first. More than one means a fork. */
export function heads(versions: Versions): string[] {
  const followed = new Set([...versions.values()].map(parentOf));
  return [...versions.keys()].filter((key) => !followed.has(key)).sort(compareVersions);
}

/** A place where the history goes two ways. */
export interface Fork {
  /** The last version in common; null where there are several roots. */
  readonly from: string | null;
  /** The versions that follow it, oldest first. */
  readonly children: readonly string[];
}

/** Every place where the history goes two ways, oldest first. */
export function forks(versions: Versions): Fork[] {
  const children = new Map<string | null, string[]>();
  for (const version of versions.values()) {
    const siblings = children.get(parentOf(version)) ?? [];
    siblings.push(version.key);
    children.set(parentOf(version), siblings);
  }
  return [...children]
    .filter(([, keys]) => keys.length > 1)
    .map(([from, keys]) => ({ from, children: keys.sort(compareVersions) }))
    .sort((a, b) => (a.from === null ? -1 : b.from === null ? 1 : compareVersions(a.from, b.from)));
}

/**
 * A version and all before it, newest first, ends at the root. A parent that is not in the archive, or a circle,
 * ends the walk too; `readArchive` lets neither through.
 *
 * @returns keys; empty when the archive has no such version
 */
export function ancestors(versions: Versions, key: string): string[] {
  const line = new Set<string>();
  let version = versions.get(key);
  while (version !== undefined && !line.has(version.key)) {
    line.add(version.key);
    version = versions.get(parentOf(version) ?? "");
  }
  return [...line];
}

/**
 * The way from one version to another: what has to be applied, oldest first.
 *
 * @param from the version that is reached already, left out of the result; null: nothing is, start with the root
 * @returns keys; empty when both are the same; null when `to` does not descend from `from`
 * @example pathBetween(versions, "1.0.0", "1.2.0") // → ["1.1.0", "1.2.0"]
 */
export function pathBetween(versions: Versions, from: string | null, to: string): string[] | null {
  const line = ancestors(versions, to).reverse();
  if (line.length === 0) return null;
  if (from === null) return line;
  const index = line.indexOf(from);
  return index === -1 ? null : line.slice(index + 1);
}

/** The newest version that both descend from (or are), or null when they have nothing in common. */
export function partingPoint(versions: Versions, a: string, b: string): string | null {
  const line = new Set(ancestors(versions, a));
  return ancestors(versions, b).find((key) => line.has(key)) ?? null;
}

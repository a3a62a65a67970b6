/** Which versions a deploy applies, or why none can be. Pure. */
import {
  heads,
  latestOf,
  partingPoint,
  pathBetween,
  type Version,
  type Versions,
} from "../../archive/versions.js";
import { BlockedError, ConfigError } from "../../errors.js";
import type { Position } from "../../stage/position.js";

/** What a path is decided from. */
export interface PathRequest {
  /** For messages. */
  readonly database: string;
  readonly stage: string;
  readonly versions: Versions;
  readonly target: Version;
  /** What the ledger says of the database; null where it says nothing. */
  readonly position: Position | null;
  /** Whether the database holds no object at all. */
  readonly isEmpty: boolean;
}

/** From the version that a database is at to the target. */
export interface DeployPath {
  /** null for an empty database. */
  readonly from: Version | null;
  /** What to apply, oldest first. Empty where the target is reached. */
  readonly versions: readonly Version[];
}

/**
 * The version that a deploy goes to: the one named, by its key or as the newest revision of a PVER, otherwise the
 * only one that nothing follows.
 *
 * @throws ConfigError `UNKNOWN_VERSION`; BlockedError `NO_VERSION` for an empty archive, `FORKED` where several
 *   versions are the last of their line
 */
export function targetVersion(versions: Versions, named: string | undefined, database: string): Version {
  if (named !== undefined) {
    const version = versions.get(named) ?? latestOf(versions, named);
    if (version) return version;
    throw new ConfigError("UNKNOWN_VERSION", `The archive of ${database} has no version ${named}.`, {
      hint: `It has: ${[...versions.keys()].join(", ") || "none"}.`,
    });
  }
  const ends = heads(versions);
  const [head = "", ...others] = ends;
  const version = versions.get(head);
  if (version === undefined) {
    throw new BlockedError("NO_VERSION", `The archive of ${database} has no version yet.`, {
      hint: `Archive a first one:\n  wov-push-db --snapshot ${database} initial`,
    });
  }
  if (others.length === 0) return version;
  throw new BlockedError(
    "FORKED",
    `The archive of ${database} is forked: it ends in ${ends.join(" and in ")}.`,
    {
      hint: `Bring the lines together on the branch that is to give way:\n  wov-db ${database} --rebase\nor say which version is meant, with --pver.`,
    },
  );
}

/**
 * Decides the path.
 *
 * @throws BlockedError `NO_BASELINE`, `UNKNOWN_STAGE_VERSION`, `OTHER_HISTORY`, `STAGE_AHEAD`, `OTHER_LINE`,
 *   `STOPPED_ELSEWHERE`
 */
export function decidePath(request: PathRequest): DeployPath {
  const { versions, target, position, isEmpty } = request;
  if (position === null) {
    if (!isEmpty) throw noBaseline(request);
    return { from: null, versions: versionsTo(versions, target) };
  }
  const from = recorded(request, position);
  const keys = pathBetween(versions, from.key, target.key);
  if (keys === null) throw offPath(request, from);
  if (position.partial !== null) refuseStoppedElsewhere(request, keys, position.partial);
  return { from, versions: keysToVersions(versions, keys) };
}

/** All that lead to a version, oldest first. */
export function versionsTo(versions: Versions, target: Version): Version[] {
  return keysToVersions(versions, pathBetween(versions, null, target.key));
}

function keysToVersions(versions: Versions, keys: readonly string[] | null): Version[] {
  return (keys ?? []).flatMap((key) => versions.get(key) ?? []);
}

/**
 * The archive's version that the ledger names. @throws BlockedError where there is none, or another of that number
 */
export function recorded(
  { database, stage, versions }: Pick<PathRequest, "database" | "stage" | "versions">,
  position: Pick<Position, "version" | "versionId">,
): Version {
  const version = versions.get(position.version);
  if (version === undefined) {
    throw new BlockedError(
      "UNKNOWN_STAGE_VERSION",
      `${database} on ${stage} is at ${position.version}, which this archive does not have.`,
      { hint: "Get the archive that has it, e.g. with:\n  git pull" },
    );
  }
  if (version.id === position.versionId) return version;
  throw new BlockedError(
    "OTHER_HISTORY",
    `${database} on ${stage} is at a version ${position.version} that is not this archive's ${position.version}.`,
    { hint: "Deploy from the branch whose archive was deployed there; its line has to be followed." },
  );
}

function noBaseline({ database, stage, versions }: PathRequest): BlockedError {
  return new BlockedError(
    "NO_BASELINE",
    `${database} on ${stage} has a schema, and no ledger says which version it is.`,
    {
      hint: `Say which version it has; it is believed if the schema is that version's:\n  wov-deploy ${database} --stage ${stage} --baseline PVER\nThe archive has: ${[...versions.keys()].join(", ")}.`,
    },
  );
}

function offPath({ database, stage, versions, target }: PathRequest, from: Version): BlockedError {
  if (pathBetween(versions, target.key, from.key) !== null) {
    return new BlockedError(
      "STAGE_AHEAD",
      `${database} on ${stage} is at ${from.key}, which comes after ${target.key}.`,
      {
        hint: "A deploy only goes forward. Get the newest archive, e.g. with git pull, or archive deltas that take back what is unwanted.",
      },
    );
  }
  const parting = partingPoint(versions, from.key, target.key);
  const where = parting === null ? "They have no version in common." : `They parted after ${parting}.`;
  return new BlockedError(
    "OTHER_LINE",
    `${database} on ${stage} is at ${from.key}, which does not lead to ${target.key}. ${where}`,
    {
      hint: `Bring the lines together on the branch that is to give way:\n  wov-db ${database} --rebase`,
    },
  );
}

function refuseStoppedElsewhere(
  { database, stage, versions, target }: PathRequest,
  keys: readonly string[],
  partial: NonNullable<Position["partial"]>,
): void {
  const next = versions.get(keys[0] ?? "");
  if (next?.id === partial.versionId) return;
  const known = versions.get(partial.version)?.id === partial.versionId;
  throw new BlockedError(
    "STOPPED_ELSEWHERE",
    `A deploy of ${database} on ${stage} stopped within ${partial.version}, which is not on the way to ${target.key}.`,
    {
      hint: known
        ? `Finish it first:\n  wov-deploy ${database} --stage ${stage} --pver ${partial.version}`
        : "Finish it first, with the archive that it was begun from.",
    },
  );
}

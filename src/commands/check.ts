import { relative } from "node:path";
import { compareVersions, heads, newest, pverOf as pverOfKey } from "../archive/versions.js";
import { deltasError } from "../deltas/error.js";
import { isSchemaChange } from "../deltas/schema-change.js";
import { ConfigError, WovError } from "../errors.js";
import { isFolder } from "../files.js";
import type { Repository } from "../git/repository.js";
import { type BlockerFacts, blockerOf } from "./blocker-text.js";
import { type BlockerState, type BlockPolicy, blockingStates, type States } from "./blockers.js";
import {
  compareWithVersion,
  type DatabaseState,
  type LiveDatabase,
  readDatabaseState,
} from "./database-state.js";
import { accountingOf, unappliedOf } from "./objects/scripted.js";
import { type Comparison, compareWithArchive } from "./position.js";
import { archivingPlace, openRepositories, readUncommitted } from "./repositories.js";
import type { Blocker, CheckResult, DatabaseCheck, ObjectChange } from "./results.js";
import { type CommandOptions, chosenDatabases, openSession, pverOf, type Session } from "./session.js";

export interface CheckOptions extends CommandOptions {
  /** All databases of the project unless given. */
  readonly databases?: readonly string[] | undefined;
  /** Uncommitted changes outside the archive do not block. */
  readonly skipGitChecks?: boolean | undefined;
  /** Which archived files are hashed; `all` unless given. */
  readonly verify?: "heads" | "all" | undefined;
}

/**
 * Says whether anything blocks a push: the five states of every database. Nothing is changed.
 *
 * @throws ConfigError, ArchiveError; an unreachable database is a blocker, not an error
 * @example
 * const { blocked, databases } = await check({ databases: ["shopdb"] });
 */
export async function check(options: CheckOptions = {}): Promise<CheckResult> {
  const session = await openSession(options);
  return checkSession(session, options, { uncommittedBlocks: options.skipGitChecks !== true });
}

/**
 * `check` in a session that is open, under a policy of the caller's.
 *
 * @param opened the project's repository, where it is open already
 */
export async function checkSession(
  session: Session,
  options: CheckOptions,
  policy: BlockPolicy,
  opened?: Repository,
): Promise<CheckResult> {
  const chosen = chosenDatabases(session, options.databases);
  const repositories = await openRepositories(session, opened);
  // The servers are asked first: they take longest to answer.
  const [states, pver, uncommitted] = await Promise.all([
    Promise.all(
      chosen.map((database) =>
        readDatabaseState(session, database, {
          verify: options.verify ?? "all",
          journal: archivingPlace(repositories, database).journal,
          mayRemember: true,
        }),
      ),
    ),
    pverOf(session, repositories.project),
    readUncommitted(repositories, session.project),
  ]);
  const databases = await Promise.all(
    states.map((state) =>
      checkDatabase(state, {
        pver,
        session,
        policy,
        uncommitted: uncommitted.project,
        archiveUncommitted: uncommitted.archive.get(state.database.name) ?? [],
      }),
    ),
  );
  return {
    pver,
    stage: session.stage,
    blocked: databases.some((database) => database.blockers.length > 0),
    uncommitted: [...uncommitted.project],
    databases,
  };
}

/** What a database is checked against. */
export interface Surroundings {
  readonly pver: string;
  readonly session: Session;
  readonly policy: BlockPolicy;
  readonly uncommitted: readonly string[];
  readonly archiveUncommitted: readonly string[];
}

/** Finds out the five states of a database that was read, and what blocks. */
export async function checkDatabase(state: DatabaseState, around: Surroundings): Promise<DatabaseCheck> {
  const nothing = {
    states: null,
    version: null,
    expected: null,
    behind: [],
    changes: [],
    byScripts: [],
    unapplied: [],
    warnings: [],
  };
  const database = state.database.name;
  const { live } = state;
  const isUnknown = live instanceof ConfigError && live.code === "SECRETS_MISSING";
  if (live instanceof ConfigError && !(isUnknown && around.policy.mayLackSecrets)) throw live;
  if (live instanceof WovError) {
    return { ...nothing, database, blockers: [unreachable(live, database, around.session.stage)] };
  }
  const compared = await compareWithArchive(state, live, around.pver, around.session.progress);
  const { differs, expected } = compared;
  const accounting = await accountingOf(state, live, differs ? expected : null, around.session);
  const unapplied = await unappliedOf(state, live, differs ? null : expected, around.session);
  const isAccounted = accounting !== null && accounting.remaining.length === 0;
  const comparison = isAccounted ? { ...compared, differs: false, drift: false } : compared;
  const { changes, warnings } =
    accounting !== null
      ? { changes: [...accounting.remaining], warnings: [...accounting.warnings] }
      : comparison.differs
        ? await changesSince(state, live, comparison, around.session)
        : { changes: [], warnings: [] };
  const states: States = {
    schemaDiffers: comparison.differs,
    pendingDeltas: state.pending !== null,
    uncommittedChanges: around.uncommitted.length > 0,
    pverArchived: [...state.archive.versions.keys()].some((key) => pverOfKey(key) === around.pver),
    archiveUncommitted: around.archiveUncommitted.length > 0,
  };
  const isEmpty = comparison.differs && (await live.schema.isEmpty());
  const facts: BlockerFacts = {
    database,
    isEmpty,
    stage: around.session.stage,
    pver: around.pver,
    states,
    comparison,
    pendingFile: relative(around.session.project.root, state.database.paths.pendingDeltas),
    historyFile: relative(around.session.project.root, state.database.paths.history),
    pendingStatements: state.pending?.report.statements.length ?? 0,
    pendingUnapplied: !comparison.drift && state.pending?.report.statements.some(isSchemaChange) === true,
    scriptPlaces: accounting?.places ?? [],
    needsDeltas: accounting === null || accounting.remaining.length > accounting.places.length,
    newest: newest(state.archive.versions)?.key ?? null,
    higher: higherThan(around.pver, state),
    deltasOf: (version) =>
      relative(around.session.project.root, state.database.paths.archivedDeltas(version)),
    hasScripts: await isFolder(state.database.paths.objects),
    hasLedger: live.ledger !== null,
    stopped: live.ledger?.stopped?.version ?? null,
    uncommitted: around.uncommitted,
    archiveUncommitted: around.archiveUncommitted,
  };
  return {
    database,
    states,
    version: comparison.at,
    expected: comparison.expected?.key ?? null,
    behind: [...comparison.behind],
    changes,
    byScripts: [...(accounting?.byScripts ?? [])],
    unapplied: [...unapplied.changes],
    warnings: [...warnings, ...unapplied.warnings],
    blockers: blockersOf(state, facts, around.policy),
  };
}

function higherThan(pver: string, { archive }: DatabaseState): string | null {
  const last = newest(archive.versions);
  return last !== null && compareVersions(pverOfKey(last.key), pver) > 0 ? pverOfKey(last.key) : null;
}

function blockersOf(state: DatabaseState, facts: BlockerFacts, policy: BlockPolicy): Blocker[] {
  const others = otherBlockers(state);
  const isInvalid = others.some((blocker) => blocker.state === "deltasInvalid");
  const untold = new Set<BlockerState>([
    // Deltas that cannot be applied cannot be archived either, so that is not proposed.
    ...(isInvalid ? ["pendingDeltas" as const] : []),
    // What an interrupted archiving has left is to be finished, neither archived again nor taken back.
    ...(state.interrupted ? ["pendingDeltas" as const, "archiveUncommitted" as const] : []),
  ]);
  const blocking = blockingStates(facts.states, policy).filter((name) => !untold.has(name));
  return [...others, ...blocking.map((name) => blockerOf(name, facts))];
}

/** What differs between the schema and the archived one, by object. */
async function changesSince(
  state: DatabaseState,
  live: LiveDatabase,
  { expected }: Comparison,
  { progress }: Session,
): Promise<{ changes: ObjectChange[]; warnings: string[] }> {
  const { changesOf, everythingAdded } = await import("./object-changes.js");
  if (expected === null) return everythingAdded(await live.schema.canonical());
  const { diff, warnings } = await compareWithVersion(state, live, expected, { progress });
  return { changes: changesOf(diff), warnings: [...warnings] };
}

function otherBlockers(state: DatabaseState): Blocker[] {
  const { database, archive } = state;
  const blockers: Blocker[] = [];
  if (state.interrupted) {
    blockers.push({
      state: "interrupted",
      message: `An archiving of ${database.name} was interrupted.`,
      where: null,
      hint: `Finish it with:\n  wov-push-db ${database.name}`,
    });
  }
  const invalid = state.pending === null ? undefined : deltasError(state.pending.report);
  if (invalid) {
    blockers.push({
      state: "deltasInvalid",
      message: invalid.message,
      where: invalid.where ?? null,
      hint: invalid.hint ?? "",
    });
  }
  const ends = heads(archive.versions);
  if (ends.length > 1) {
    blockers.push({
      state: "forked",
      message: `The archive of ${database.name} is forked: ${ends.join(" and ")} are each the last of a line.`,
      where: archive.paths.history,
      hint: `Put your line behind the other, in the archive and in your database:\n  wov-db ${database.name} --rebase`,
    });
  }
  return blockers;
}

function unreachable(error: WovError, database: string, stage: string): Blocker {
  return {
    state: "unreachable",
    message: `${database} on ${stage} cannot be checked. ${error.message}`,
    where: error.where ?? null,
    hint: error.hint ?? "",
  };
}

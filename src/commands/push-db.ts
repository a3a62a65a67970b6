import {
  type ArchivingPlace,
  type ArchivingResult,
  type ArchivingStep,
  applyArchiving,
  resumeArchiving,
} from "../archive/apply.js";
import { type ArchivingPlan, planArchiving } from "../archive/plan.js";
import type { ProjectDatabase } from "../config/project.js";
import { BlockedError, WovError } from "../errors.js";
import type { Repository } from "../git/repository.js";
import { createLedger } from "../stage/ledger.js";
import { firstChangeLines } from "./change-text.js";
import { type CheckOptions, checkDatabase } from "./check.js";
import { type DatabaseState, type LiveDatabase, readDatabaseState } from "./database-state.js";
import { bringingToNewest } from "./lagging.js";
import { compareWithArchive } from "./position.js";
import type { Candidate } from "./push-db/candidate.js";
import { effectsOf } from "./push-db/effects.js";
import {
  archivingPlace,
  openRepositories,
  type Repositories,
  readUncommitted,
  type Uncommitted,
} from "./repositories.js";
import type { Blocker, DatabaseCheck, PushDbResult } from "./results.js";
import { chosenDatabases, connectionOf, openSession, pverOf, type Session } from "./session.js";

export interface PushDbOptions extends CheckOptions {
  /** Archive the schema as it is as the first version, under this snapshot's name. Takes exactly one database. */
  readonly snapshot?: string | undefined;
  /** Whether what is archived is proven first; true unless given. The history says of each version whether it was. */
  readonly proof?: boolean | undefined;
  /** Called after each step of an archiving, by the names of `ARCHIVING_STEPS`. */
  readonly onStep?: ((database: string, step: ArchivingStep) => void | Promise<void>) | undefined;
}

/** What one database's archiving came to. */
type Outcome = PushDbResult["databases"][number];

/**
 * Archives what changed: the pending deltas and the schema become a version, in one commit, and the ledger notes
 * it, once it is proven that the one leads to the other. A database without pending deltas and without drift is left
 * as it is. Where one database is blocked, or not proven, none is archived. An archiving that was interrupted is
 * finished first; it had been proven before it was begun.
 *
 * @throws BlockedError `NOT_ARCHIVED` with what blocks and what mends it, `NOT_PROVEN`, `NOT_PROVABLE`,
 *   `DATABASE_CHANGED`; ConfigError, DatabaseError, ArchiveError
 * @example
 * await pushDb({ databases: ["shopdb"] });
 * await pushDb({ databases: ["shopdb"], snapshot: "initial" });
 */
export async function pushDb(options: PushDbOptions = {}): Promise<PushDbResult> {
  const session = await openSession(options);
  const chosen = chosenDatabases(session, options.databases);
  const repositories = await openRepositories(session);
  refuseDetachedHead(repositories.archive);
  const run: Run = { session, repositories, options, pver: await pverOf(session, repositories.project) };

  const outcomes: Outcome[] = [];
  for (const database of chosen) outcomes.push(...(await finishInterrupted(run, database)));
  const decided = await decideAll(run, chosen);
  const candidates = decided.flatMap(({ candidate }) => (candidate === null ? [] : [candidate]));
  if (candidates.length > 0 && provesFirst(run)) {
    const { proveAll } = await import("./push-db/proofs.js");
    await proveAll(session, candidates);
  }
  for (const { database, candidate, warnings } of decided) {
    if (candidate !== null) outcomes.push(await archive(run, database, candidate.plan, warnings));
    else if (!outcomes.some((outcome) => outcome.database === database.name))
      outcomes.push(nothingFor(database.name));
  }
  return { pver: run.pver, stage: session.stage, databases: outcomes };
}

interface Run {
  readonly session: Session;
  readonly repositories: Repositories;
  readonly options: PushDbOptions;
  readonly pver: string;
}

interface Decision {
  readonly database: ProjectDatabase;
  /** null where there is nothing to archive. */
  readonly candidate: Candidate | null;
  readonly warnings: readonly string[];
}

function provesFirst({ options }: Run): boolean {
  return options.proof !== false;
}

async function finishInterrupted(run: Run, database: ProjectDatabase): Promise<Outcome[]> {
  const effects = effectsOf(run, database);
  const result = await resumeArchiving(placeOf(run, database), effects);
  return result === null ? [] : [outcomeOf(result, { pushed: effects.isPushed(), resumed: true }, [])];
}

/** Reads all the databases, then decides about each; nothing is written before every one may be archived. */
async function decideAll(run: Run, chosen: readonly ProjectDatabase[]): Promise<Decision[]> {
  const [uncommitted, ...states] = await Promise.all([
    readUncommitted(run.repositories, run.session.project),
    ...chosen.map((database) =>
      readDatabaseState(run.session, database, { verify: "all", journal: placeOf(run, database).journal }),
    ),
  ]);
  const decisions: Decision[] = [];
  for (const state of states) decisions.push(await decide(run, state, uncommitted));
  return decisions;
}

async function decide(run: Run, state: DatabaseState, uncommitted: Uncommitted): Promise<Decision> {
  const { live, database } = state;
  if (live instanceof WovError) throw live;
  const checked = await checkDatabase(state, {
    pver: run.pver,
    session: run.session,
    policy: { uncommittedBlocks: run.options.skipGitChecks !== true },
    uncommitted: uncommitted.project,
    archiveUncommitted: uncommitted.archive.get(database.name) ?? [],
  });
  const snapshot = run.options.snapshot ?? null;
  const blockers = checked.blockers.filter((blocker) => !isMendedHere(blocker, checked, snapshot));
  if (blockers.length > 0) throw notArchived(checked, blockers);
  const archives = snapshot !== null || state.pending !== null;
  const candidate = archives ? { state, live, plan: await planFor(run, state, live, snapshot) } : null;
  return { database, candidate, warnings: checked.warnings };
}

/** Archiving is what mends pending deltas, and drift that has deltas. */
function isMendedHere(
  { state }: Blocker,
  { states, behind }: DatabaseCheck,
  snapshot: string | null,
): boolean {
  if (state === "pendingDeltas") return true;
  return (
    state === "schemaDiffers" && behind.length === 0 && (snapshot !== null || states?.pendingDeltas === true)
  );
}

async function planFor(
  run: Run,
  state: DatabaseState,
  live: LiveDatabase,
  snapshot: string | null,
): Promise<ArchivingPlan> {
  const schema = await live.schema.canonical();
  const { at } = await compareWithArchive(state, live, run.pver, run.session.progress);
  return planArchiving({
    archive: state.archive,
    pver: run.pver,
    pending: state.pending?.content ?? null,
    schema: {
      text: live.schema.text,
      checksum: schema.checksum,
      form: schema.form,
      settings: state.database.schema,
    },
    proven: provesFirst(run),
    databaseVersion: at,
    bringing: await bringingToNewest(state, live, at, run.session),
    snapshot,
    now: new Date(),
  });
}

async function archive(
  run: Run,
  database: ProjectDatabase,
  plan: ArchivingPlan,
  warnings: readonly string[],
): Promise<Outcome> {
  const { settings } = await connectionOf(run.session, database.name);
  // Made before anything is written, so that a missing right stops the archiving while it costs nothing.
  await createLedger(settings);
  run.session.progress(`archiving ${database.name} ${plan.version}`);
  const effects = effectsOf(run, database);
  const result = await applyArchiving(plan, placeOf(run, database), effects);
  return outcomeOf(result, { pushed: effects.isPushed(), resumed: false }, warnings);
}

function placeOf({ repositories, options }: Run, database: ProjectDatabase): ArchivingPlace {
  const { onStep } = options;
  return {
    ...archivingPlace(repositories, database),
    ...(onStep && { onStep: (step: ArchivingStep) => onStep(database.name, step) }),
  };
}

function outcomeOf(
  result: ArchivingResult,
  { pushed, resumed }: Pick<Outcome, "pushed" | "resumed">,
  warnings: readonly string[],
): Outcome {
  const { plan } = result;
  if (result.outcome === "abandoned") {
    const warning = `The interrupted archiving of ${plan.version} was given up: the version history has changed since.`;
    return { ...nothingFor(plan.database), resumed, warnings: [warning] };
  }
  const kept =
    result.pending === "kept"
      ? ["The pending deltas were changed meanwhile, so the file was kept: take out what is archived."]
      : [];
  return {
    database: plan.database,
    archived: plan.version,
    parent: plan.parent,
    proven: plan.proven,
    commit: result.commit,
    pushed,
    resumed,
    warnings: [...warnings, ...kept],
  };
}

function nothingFor(database: string): Outcome {
  return {
    database,
    archived: null,
    parent: null,
    proven: null,
    commit: null,
    pushed: false,
    resumed: false,
    warnings: [],
  };
}

function notArchived(checked: DatabaseCheck, blockers: readonly Blocker[]): BlockedError {
  const messages = blockers.map((blocker) =>
    blocker.state === "schemaDiffers"
      ? [blocker.message, ...firstChangeLines(checked.changes)].join("\n")
      : blocker.message,
  );
  return new BlockedError("NOT_ARCHIVED", messages.join("\n"), {
    where: blockers.find((blocker) => blocker.where !== null)?.where ?? undefined,
    hint: blockers.map((blocker) => blocker.hint).join("\n"),
  });
}

/** A commit made on no branch is lost with the next checkout, and the version with it. */
export function refuseDetachedHead(repository: Repository): void {
  if (repository.branch !== null) return;
  throw new BlockedError("DETACHED_HEAD", "HEAD is on no branch, so the archive's commit would be on none.", {
    where: repository.root,
    hint: "Go to a branch first:\n  git switch BRANCH\nor make one here:\n  git switch --create BRANCH",
  });
}

/** `wov-db DB --rebase`: the way out of a fork. My line is put behind the other one, in the archive and in my database. */
import { dirname, join } from "node:path";
import {
  type ArchivingPlace,
  type ArchivingStep,
  applyArchiving,
  resumeArchiving,
} from "../archive/apply.js";
import { withLock } from "../archive/lock.js";
import { planRebase } from "../archive/rebase.js";
import type { ProjectDatabase } from "../config/project.js";
import { BlockedError, WovError } from "../errors.js";
import { refuseDuringMerge } from "../git/commit.js";
import { createLedger, type LedgerVersion } from "../stage/ledger.js";
import { withDatabaseLock } from "../stage/lock.js";
import { compareSchemas } from "./compare.js";
import {
  type DatabaseState,
  type LiveDatabase,
  readDatabaseState,
  readLedgerVersion,
} from "./database-state.js";
import { readLiveSchema } from "./live-schema.js";
import { effectsOf } from "./push-db/effects.js";
import { refuseDetachedHead } from "./push-db.js";
import { removeIntent } from "./rebase/intent.js";
import { type ReadLines, readLines } from "./rebase/lines.js";
import { bringThere, type LocalPlan } from "./rebase/local.js";
import { resolveMerge } from "./rebase/merge.js";
import { askStages } from "./rebase/stages.js";
import { explainClash } from "./rebase/trial.js";
import { tryLines } from "./rebase/try-lines.js";
import { findWoven } from "./rebase/woven.js";
import { archivingPlace, openRepositories, type Repositories, readUncommitted } from "./repositories.js";
import type { RebaseResult } from "./results.js";
import { type CommandOptions, connectionOf, onlyDatabase, openSession, type Session } from "./session.js";
import { whoWorks } from "./who.js";

export interface RebaseOptions extends CommandOptions {
  /** The database; may be left out where the project has one. */
  readonly database?: string | undefined;
  /** The end of the line that stays; may be left out where there is only one other. */
  readonly onto?: string | undefined;
  /** Called after each step of the archiving, and after `local`, when the database has what it lacked. */
  readonly onStep?: ((step: ArchivingStep | "local") => void | Promise<void>) | undefined;
}

interface Run {
  readonly options: RebaseOptions;
  readonly session: Session;
  readonly database: ProjectDatabase;
  readonly repositories: Repositories;
}

/**
 * Ends a fork. The line that the database is on, by its ledger, is archived anew behind the other one, and the
 * database gets what it lacks of that one. Versions of that line that git has put out of place are read from where they
 * were archived. Everything is tried on shadows first. An earlier run that was
 * interrupted is finished. In the middle of a merge or of git's own rebase, its conflict in the version history is
 * resolved instead, and the rest waits until that is finished.
 *
 * @returns with `onto` null where the archive has no two lines
 * @throws BlockedError and nothing is changed: `LINES_CLASH` with the statement that fails, `ORDER_MATTERS`,
 *   `LOCAL_DRIFT`, `STAGE_HAS_LINE`, `DEPLOY_LOCKED`, `NOT_IN_LEDGER`, `MERGE_TO_FINISH`, and as `readLines`; ConfigError, DatabaseError, ArchiveError
 * @example await rebase({ database: "shopdb" });
 */
export async function rebase(options: RebaseOptions = {}): Promise<RebaseResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const repositories = await openRepositories(session);
  await resolveMerge(repositories.archive, database, () => readLedgerVersion(session, database));
  refuseDetachedHead(repositories.archive);
  await refuseDuringMerge(repositories.archive);
  const run = { options, session, database, repositories };
  return withLock(`${noteOf(run)}.lock`, () => rebaseLocked(run));
}

async function rebaseLocked(run: Run): Promise<RebaseResult> {
  const { session, database } = run;
  const resumed = await resumeArchiving(placeOf(run), effectsOf(run, database));
  await refuseUncommitted(run);
  const finished = resumed?.outcome === "archived" ? resumed.plan.version : null;
  const { settings } = await connectionOf(session, database.name);
  const waits = (holder: string) => session.progress(`waiting for ${holder}`);
  return withDatabaseLock(settings, whoWorks(), waits, () => rebaseAlone(run, finished));
}

/** While no deploy works on the database, which would bring it the same deltas. */
async function rebaseAlone(run: Run, resumed: string | null): Promise<RebaseResult> {
  const { session, database, options } = run;
  const { journal } = placeOf(run);
  const repository = run.repositories.archive;
  const woven = await findWoven(repository, database, () => readLedgerVersion(session, database));
  const state = await readDatabaseState(session, database, { verify: "all", journal, without: woven?.keys });
  if (state.live instanceof WovError) throw state.live;
  const lines = await readLines({
    archive: state.archive,
    repository,
    root: session.project.root,
    at: recordedIn(state.live, run),
    onto: options.onto ?? null,
    lost: woven?.line ?? null,
  });
  const { name } = database;
  if (lines !== null) {
    const done = await bringTogether(run, state, state.live, lines, woven?.keys ?? []);
    return { database: name, stage: session.stage, resumed, ...done };
  }
  await removeIntent(noteOf(run));
  const nothing = { onto: null, rebased: [], applied: [], commit: null, pushed: false, warnings: [] };
  return { database: name, stage: session.stage, resumed, ...nothing };
}

async function bringTogether(
  run: Run,
  state: DatabaseState,
  live: LiveDatabase,
  lines: ReadLines,
  woven: readonly string[],
): Promise<Omit<RebaseResult, "database" | "stage" | "resumed">> {
  const { session, database, options } = run;
  const note = noteOf(run);
  const unasked = await askStages(session, database, lines.mine, live.connection);
  const { mine, local } = await tryLines({ session, state, live, lines, note });
  const { plan, keys } = planRebase({
    archive: state.archive,
    onto: lines.onto,
    mine,
    woven,
    now: new Date(),
  });
  // Made before anything is written, so that a missing right stops it while it costs nothing.
  await createLedger(live.connection);
  await bringLocal(run, live, local);
  await options.onStep?.("local");
  session.progress(`archiving ${keys.map(({ to }) => to).join(", ")} of ${database.name}`);
  const effects = effectsOf(run, database);
  const archived = await applyArchiving(plan, placeOf(run), effects);
  await removeIntent(note);
  return {
    onto: lines.onto.key,
    rebased: [...keys],
    applied: local.start.todo.map(({ key }) => key),
    commit: archived.outcome === "archived" ? archived.commit : null,
    pushed: effects.isPushed(),
    warnings: unasked.map((reason) => `A stage could not be asked whether it has your line. ${reason}`),
  };
}

/** @throws BlockedError `LINES_CLASH` for a statement that the database's rows do not let pass; all is taken back */
async function bringLocal(run: Run, live: LiveDatabase, plan: LocalPlan): Promise<void> {
  const { session, database } = run;
  const place = { settings: live.connection, note: noteOf(run), progress: session.progress };
  const keys = plan.start.todo.map(({ key }) => key).join(", ");
  if (keys !== "") session.progress(`bringing ${database.name} on ${session.stage} ${keys}`);
  const clash = {
    message: `${database.name} on ${session.stage} does not take ${keys}; on a shadow without rows it went. Nothing was archived.`,
    hint: "Mend the rows, and run this again.",
  };
  await explainClash(clash, () => bringThere(plan, place));
  const { differs } = await compareSchemas(plan.start.end, await readLiveSchema(live.connection, database), {
    near: live.connection,
    verdictOnly: true,
    progress: session.progress,
  });
  if (!differs) return;
  throw new BlockedError(
    "LOCAL_DIFFERS",
    `${database.name} on ${session.stage} has got ${keys}, and its schema is not what the shadow came to. Nothing was archived.`,
    {
      hint: `Some statement does other things where there are rows. See what there is, and bring the database to a version of the archive:\n  wov-db ${database.name} --schema`,
    },
  );
}

function recordedIn({ ledger }: LiveDatabase, { session, database }: Run): LedgerVersion {
  if (ledger !== null) return ledger;
  throw new BlockedError(
    "NOT_IN_LEDGER",
    `No ledger says at which version ${database.name} on ${session.stage} is, so that neither line is known to be yours.`,
    { hint: `Enter it, if its schema is that of a version:\n  wov-db ${database.name} --wdb-createinstance` },
  );
}

async function refuseUncommitted({ session, database, repositories }: Run): Promise<void> {
  const { archive } = await readUncommitted(repositories, session.project);
  const [path, ...more] = archive.get(database.name) ?? [];
  if (path === undefined) return;
  throw new BlockedError(
    "ARCHIVE_UNCOMMITTED",
    `The archive of ${database.name} has uncommitted changes: ${[path, ...more].join(", ")}.`,
    { hint: `Commit them, or take them back:\n  git status -- ${path}` },
  );
}

function placeOf({ repositories, database, options }: Run): ArchivingPlace {
  const { onStep } = options;
  return { ...archivingPlace(repositories, database), ...(onStep && { onStep }) };
}

/** Beside the archiving's journal, in git's own folder. */
function noteOf({ repositories, database }: Run): string {
  return join(dirname(archivingPlace(repositories, database).journal), `rebasing-${database.name}.json`);
}

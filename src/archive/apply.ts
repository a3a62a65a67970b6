/**
 * Carrying out an archiving so that a kill at any point loses nothing: the plan is journaled first, every step can
 * be done again, and the pending deltas go away only after the commit.
 */
import { ArchiveError, BlockedError, WovError } from "../errors.js";
import {
  moveIntoPlace,
  readBytes,
  readText,
  resolveInside,
  sha256,
  temporaryName,
  writeTemporary,
} from "../files.js";
import { parseHistory, quotePath } from "./history.js";
import { formatJournal, readJournal, removeIfThere, removeJournal } from "./journal.js";
import { clearDeadLock, withLock } from "./lock.js";
import type { ArchivingPlan, ArchivingRecord, PlannedFile } from "./plan.js";
import { putBack, takeBack } from "./undo.js";
import type { Version } from "./versions.js";

/** The steps of an archiving in their order. A root has no deltas; not every archive is pushed. */
export const ARCHIVING_STEPS = [
  "locked",
  "journal-written",
  "journal-in-place",
  "deltas-written",
  "deltas-in-place",
  "schema-written",
  "schema-in-place",
  "history-written",
  "history-in-place",
  "committed",
  "pending-removed",
  "recorded",
  "pushed",
  "journal-removed",
] as const;
export type ArchivingStep = (typeof ARCHIVING_STEPS)[number];

/**
 * What an archiving asks of git and the ledger. A killed run is finished by doing its steps again, so each of
 * these must do nothing, and succeed, where its work is done already.
 */
export interface ArchivingEffects {
  /**
   * Commits the paths as they are on disk and the removals, nothing else that may be staged. A removed path may
   * still be in the work tree, and may never have been known to git. Paths are absolute.
   *
   * @returns the commit's hash; null when HEAD has it all already
   * @throws WovError with a code that begins with `COMMIT_` where nothing was committed, and something has to be
   *   mended before it can be
   */
  commit(paths: readonly string[], removed: readonly string[], message: string): Promise<string | null>;
  /** Notes the version in the ledger. */
  record(record: ArchivingRecord): Promise<void>;
  /** Pushes the archive's repository; left out where it is not to be pushed. */
  readonly push?: (() => Promise<void>) | undefined;
}

/** Where an archiving takes place and who watches. */
export interface ArchivingPlace {
  /** The archive's folder, absolute; the plan's paths are relative to it. */
  readonly archive: string;
  /** The journal; best in git's own folder, e.g. `.git/wovtools/archiving-shopdb.json`. The lock lies beside it. */
  readonly journal: string;
  /** Called after each step; what it throws ends the run where it is. */
  readonly onStep?: ((step: ArchivingStep) => void | Promise<void>) | undefined;
}

/** What became of an archiving. */
export type ArchivingResult =
  | {
      readonly outcome: "archived";
      readonly plan: ArchivingPlan;
      /** The commit's hash; null when an interrupted run had made it before. */
      readonly commit: string | null;
      /** `kept`: the file was changed while the archiving ran, so it stays, archived deltas included. */
      readonly pending: "none" | "removed" | "kept";
    }
  | {
      /** The history is no longer the one the plan was made from; what the plan wrote was taken back. */
      readonly outcome: "abandoned";
      readonly plan: ArchivingPlan;
    };

/**
 * Carries out a plan. Call `resumeArchiving` before the state is read that the plan is made from.
 *
 * @throws BlockedError `ARCHIVING_LOCKED`, `ARCHIVING_UNFINISHED` (there is a journal), `ARCHIVE_CHANGED` (since
 *   the plan was made), `ARCHIVED_FILE_EXISTS`, and whatever the effects throw; then the journal stays, and the next `resumeArchiving` goes on from there
 * @example
 * await resumeArchiving(place, effects);
 * const plan = planArchiving({ archive: await readArchive(paths), … });
 * const result = await applyArchiving(plan, place, effects);
 */
export async function applyArchiving(
  plan: ArchivingPlan,
  place: ArchivingPlace,
  effects: ArchivingEffects,
): Promise<ArchivingResult> {
  return withLock(lockFile(place), async () => {
    await place.onStep?.("locked");
    if ((await readJournal(place.journal)) !== null) {
      throw new BlockedError("ARCHIVING_UNFINISHED", "An earlier archiving was interrupted.", {
        where: place.journal,
        hint: `Finish it with:\n  wov-push-db ${plan.database}`,
      });
    }
    await refuseStalePlan(plan, place);
    for (const file of plan.files) await refuseOverwriting(file, place);
    const temporary = await writeTemporary(place.journal, formatJournal(plan));
    await place.onStep?.("journal-written");
    await moveIntoPlace(temporary, place.journal);
    await place.onStep?.("journal-in-place");
    return carryOut(plan, place, effects);
  });
}

/**
 * Finishes the archiving that an earlier run began, from wherever it was interrupted. Where the history has changed
 * since (another branch was checked out, say), the archiving is given up instead; its pending deltas are untouched.
 *
 * @returns null when there is nothing to finish
 * @throws as `applyArchiving`
 */
export async function resumeArchiving(
  place: ArchivingPlace,
  effects: ArchivingEffects,
): Promise<ArchivingResult | null> {
  // A look without the lock first, so that the usual case, no journal, writes nothing.
  if ((await readJournal(place.journal)) === null) {
    await clearDeadLock(lockFile(place));
    return null;
  }
  return withLock(lockFile(place), async () => {
    await place.onStep?.("locked");
    const plan = await readJournal(place.journal);
    return plan === null ? null : carryOut(plan, place, effects);
  });
}

function lockFile({ journal }: ArchivingPlace): string {
  return `${journal}.lock`;
}

async function carryOut(
  plan: ArchivingPlan,
  place: ArchivingPlace,
  effects: ArchivingEffects,
): Promise<ArchivingResult> {
  const history = await historyNow(plan, place);
  if (history.state === "other") {
    await takeBack(plan, place, history.versions);
    return { outcome: "abandoned", plan };
  }
  for (const file of plan.files) await placeFile(file, place);
  await placeHistory(plan, place, history.state);

  const paths = [...plan.files, plan.history].map(({ path }) => absolute(place, path));
  const pending = await pendingNow(plan, place);
  const retired = plan.retired.map((path) => absolute(place, path));
  const removed = pending === null || pending.state === "changed" ? retired : [pending.path, ...retired];
  const commit = await commitOrPutBack(plan, place, () => effects.commit(paths, removed, plan.message));
  await place.onStep?.("committed");

  for (const file of retired) await removeIfThere(file);
  const kept = await removePending(plan, place);
  await place.onStep?.("pending-removed");
  await effects.record(plan.record);
  await place.onStep?.("recorded");
  if (effects.push !== undefined) {
    await effects.push();
    await place.onStep?.("pushed");
  }
  await removeJournal(place.journal);
  await place.onStep?.("journal-removed");
  return {
    outcome: "archived",
    plan,
    commit,
    pending: plan.pending === null ? "none" : kept ? "kept" : "removed",
  };
}

/** Another archiving may have come first: then the history is another, or the pending deltas are in it already. */
async function refuseStalePlan(plan: ArchivingPlan, place: ArchivingPlace): Promise<void> {
  const history = await historyNow(plan, place);
  const pending = await pendingNow(plan, place);
  if (history.state === "before" && (pending === null || pending.state === "same")) return;
  throw new BlockedError(
    "ARCHIVE_CHANGED",
    "The archive or the pending deltas were changed since this archiving was decided.",
    {
      where: absolute(place, plan.history.path),
      hint: `Nothing was archived. Run this again:\n  wov-push-db ${plan.database}`,
    },
  );
}

function absolute({ archive }: ArchivingPlace, path: string): string {
  return resolveInside(archive, path, ArchiveError);
}

/** An archived file is never overwritten, not even one that no version names. */
async function refuseOverwriting({ path, content }: PlannedFile, place: ArchivingPlace): Promise<void> {
  const file = absolute(place, path);
  const present = await readBytes(file, ArchiveError);
  if (present === null || present.equals(content)) return;
  throw new BlockedError("ARCHIVED_FILE_EXISTS", "A file that no version names is in the way.", {
    where: file,
    hint: `Look at it, and move it away:\n  mv ${quotePath(file)} ${quotePath(`${file}.old`)}`,
  });
}

async function placeFile(planned: PlannedFile, place: ArchivingPlace): Promise<void> {
  await refuseOverwriting(planned, place);
  const file = absolute(place, planned.path);
  const temporary = await writeTemporary(file, planned.content);
  await place.onStep?.(`${planned.role}-written`);
  await moveIntoPlace(temporary, file);
  await place.onStep?.(`${planned.role}-in-place`);
}

type HistoryNow =
  /** As the plan found it, or the version is in it already. */
  | { readonly state: "before" | "after" }
  | { readonly state: "other"; readonly versions: ReadonlyMap<string, Version> };

async function historyNow({ history, record }: ArchivingPlan, place: ArchivingPlace): Promise<HistoryNow> {
  const file = absolute(place, history.path);
  const text = await readText(file, ArchiveError);
  if ((text === null ? null : sha256(text)) === history.before) return { state: "before" };
  const versions = text === null ? new Map<string, Version>() : parseHistory(text, file);
  return versions.get(record.version)?.id === record.id ? { state: "after" } : { state: "other", versions };
}

async function placeHistory(
  { history }: ArchivingPlan,
  place: ArchivingPlace,
  state: "before" | "after",
): Promise<void> {
  const file = absolute(place, history.path);
  if (state === "after") return removeIfThere(temporaryName(file));
  const temporary = await writeTemporary(file, history.content);
  await place.onStep?.("history-written");
  await moveIntoPlace(temporary, file);
  await place.onStep?.("history-in-place");
}

/** The pending deltas as they are now: still the plan's, something else, or gone. Null when the plan has none. */
async function pendingNow(
  { pending }: ArchivingPlan,
  place: ArchivingPlace,
): Promise<{ readonly path: string; readonly state: "same" | "changed" | "gone" } | null> {
  if (pending === null) return null;
  const path = absolute(place, pending.path);
  const content = await readBytes(path, ArchiveError);
  if (content === null) return { path, state: "gone" };
  return { path, state: sha256(content) === pending.sha256 ? "same" : "changed" };
}

/** Removes the pending deltas, unless somebody has written to them since. Returns whether they were kept. */
async function removePending(plan: ArchivingPlan, place: ArchivingPlace): Promise<boolean> {
  const pending = await pendingNow(plan, place);
  if (pending === null) return false;
  if (pending.state === "changed") return true;
  await removeIfThere(pending.path);
  return false;
}

/**
 * A refused commit leaves the archive as it was: a hook may want other deltas, and those of the plan cannot be changed.
 */
async function commitOrPutBack(
  plan: ArchivingPlan,
  place: ArchivingPlace,
  commit: () => Promise<string | null>,
): Promise<string | null> {
  try {
    return await commit();
  } catch (error) {
    const isRefused = error instanceof WovError && error.code.startsWith("COMMIT_");
    if (isRefused) await putBack(plan, place);
    throw error;
  }
}

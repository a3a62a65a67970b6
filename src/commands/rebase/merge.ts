/**
 * The version history in the middle of a merge. Git cannot merge two entries at one place: it weaves their lines into
 * each other. What the two sides mean is clear, though, so that this can be done for it.
 */
import { join } from "node:path";
import { formatHistory, parseHistory } from "../../archive/history.js";
import { removeIfThere } from "../../archive/journal.js";
import type { Version, Versions } from "../../archive/versions.js";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError } from "../../errors.js";
import { exists, readText, writeAtomic } from "../../files.js";
import { type GitOperation, operationInProgress } from "../../git/commit.js";
import { git, gitAnswer, splitNul } from "../../git/git.js";
import type { Repository } from "../../git/repository.js";
import type { LedgerVersion } from "../../stage/ledger.js";
import { pathIn } from "../repositories.js";

/** The two sides of a merge, by the numbers that git gives their entries in the index. */
type Side = 2 | 3;

/** How a merge of a history is resolved. */
export interface Resolution {
  readonly versions: Versions;
  /** Where both sides have a version of one key: the side whose files stay, and the versions of the other that go. */
  readonly keeps: { readonly side: Side; readonly gone: readonly string[] } | null;
}

/**
 * Decides what comes of two sides' histories. Both are kept, unless a key stands for a version on each side: then
 * the line that the database is on gives way, and git's history keeps it for the `--rebase` that follows. Pure.
 *
 * @param at what the ledger says of the database; null where it says nothing
 * @param rebased the whole line, where git's rebase puts it behind ours commit by commit: the database may be at a
 *   version of a later one. What others have already, ours, does not give way to it
 * @returns null where the database is on neither side, so that nobody can say which is to give way
 */
export function resolveHistories(
  ours: Versions,
  theirs: Versions,
  at: LedgerVersion | null,
  rebased: Versions | null = null,
): Resolution | null {
  const clash = [...ours].some(([key, { id }]) => theirs.has(key) && theirs.get(key)?.id !== id);
  if (!clash) return { versions: new Map([...ours, ...theirs]), keeps: null };
  const has = (side: Versions) => at !== null && side.get(at.version)?.id === at.versionId;
  if (has(ours) === has(rebased ?? theirs) || (rebased !== null && has(ours))) return null;
  const [kept, mine, side] = has(ours) ? ([theirs, ours, 3] as const) : ([ours, theirs, 2] as const);
  const gone = [...mine.values()].filter((version: Version) => kept.get(version.key)?.id !== version.id);
  return { versions: kept, keeps: { side, gone: gone.map(({ key }) => key) } };
}

/**
 * Resolves the conflict that a merge has left in a version history, and stages what comes of it.
 *
 * @param ledger asked only where a merge waits
 * @throws BlockedError `MERGE_TO_FINISH` when it was resolved: the merge is the user's to finish; `NEITHER_SIDE`
 */
export async function resolveMerge(
  repository: Repository,
  { name, paths }: ProjectDatabase,
  ledger: () => Promise<LedgerVersion | null>,
): Promise<void> {
  const { root } = repository;
  const path = pathIn(repository, paths.history);
  const unmerged = splitNul(await git(root, ["ls-files", "--unmerged", "-z", "--", path]));
  if (unmerged.length === 0) return;
  const [ours, theirs] = [await historyAt(root, ":2", path), await historyAt(root, ":3", path)];
  const operation = (await operationInProgress(repository)) ?? "merge";
  const rebased = operation === "rebase" ? await historyAt(root, await rebasedTip(repository), path) : null;
  const resolution = resolveHistories(ours, theirs, await ledger(), rebased);
  if (resolution === null) throw neitherSide(name, path, operation);
  if (resolution.keeps !== null) await keepFiles(repository, { name, paths }, resolution.keeps);
  else await bringFiles(repository, { name, paths }, OTHER_SIDE[operation], theirs);
  await writeAtomic(paths.history, formatHistory(resolution.versions));
  await git(root, ["add", "--", path]);
  const line = resolution.keeps?.gone.join(", ");
  throw new BlockedError(
    "MERGE_TO_FINISH",
    `The conflict in the version history of ${name} is resolved: ${line === undefined ? "it has the versions of both sides" : `it has the other side's versions, and ${line} of yours will follow them`}.`,
    {
      where: paths.history,
      hint: `Finish the ${operation}, then put your line behind the other:\n  git ${operation === "merge" ? "commit" : `${operation} --continue`}\n  wov-db ${name} --rebase`,
    },
  );
}

/** @param at a commit, or a colon and the number of a side of the merge */
async function historyAt(root: string, at: string, path: string): Promise<Versions> {
  const text = await gitAnswer(root, ["show", `${at}:${path}`], 128);
  return text === undefined ? new Map() : parseHistory(`${text}\n`, `${path} at ${at}`);
}

/** The last commit of the branch that git's rebase is at. */
async function rebasedTip({ gitDir }: Repository): Promise<string> {
  for (const folder of ["rebase-merge", "rebase-apply"]) {
    const commit = await readText(join(gitDir, folder, "orig-head"), ConfigError);
    if (commit !== null) return commit.trim();
  }
  return "ORIG_HEAD";
}

/** Files of the versions that go are the other side's where it has such, and are taken away otherwise. */
async function keepFiles(
  repository: Repository,
  { paths }: Pick<ProjectDatabase, "name" | "paths">,
  { side, gone }: NonNullable<Resolution["keeps"]>,
): Promise<void> {
  const { root } = repository;
  for (const file of gone.flatMap((key) => [paths.archivedDeltas(key), paths.archivedSchema(key)])) {
    const path = pathIn(repository, file);
    const staged = splitNul(await git(root, ["ls-files", "--stage", "-z", "--", path]));
    if (staged.some((entry) => entry.includes(` ${side}\t`))) {
      await git(root, ["checkout", side === 2 ? "--ours" : "--theirs", "--", path]);
      await git(root, ["add", "--", path]);
    } else {
      await git(root, ["update-index", "--force-remove", "--", path]);
      await removeIfThere(file);
    }
  }
}

/** How git calls the commit of the other side. A revert brings nothing. */
const OTHER_SIDE = {
  merge: "MERGE_HEAD",
  rebase: "REBASE_HEAD",
  "cherry-pick": "CHERRY_PICK_HEAD",
  revert: null,
} as const;

/** A commit that is picked holds the files of its own version, and the history those that it follows as well. */
async function bringFiles(
  { root }: Repository,
  { paths }: Pick<ProjectDatabase, "name" | "paths">,
  side: string | null,
  versions: Versions,
): Promise<void> {
  const commit = side && (await gitAnswer(root, ["rev-parse", "--verify", "--quiet", side]));
  if (!commit) return;
  for (const { key, deltas } of versions.values()) {
    const files = [paths.archivedSchema(key), ...(deltas === null ? [] : [paths.archivedDeltas(key)])];
    for (const file of files)
      if (!(await exists(file))) await git(root, ["checkout", commit, "--", pathIn({ root }, file)]);
  }
}

function neitherSide(database: string, path: string, operation: GitOperation): BlockedError {
  return new BlockedError(
    "NEITHER_SIDE",
    `Both sides have a version of the same key, and the ledger of ${database} names neither side's.`,
    {
      where: path,
      hint: `Whoever archived one of them has to merge, on a database that is at that version. To be where you were:\n  git ${operation} --abort`,
    },
  );
}

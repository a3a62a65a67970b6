/** Taking back what an archiving has written that did not come to its commit. */
import { basename } from "node:path";
import { ArchiveError } from "../errors.js";
import { readBytes, resolveInside, sha256, temporaryName, writeAtomic } from "../files.js";
import { removeIfThere, removeJournal } from "./journal.js";
import type { ArchivingPlan } from "./plan.js";
import type { Versions } from "./versions.js";

/** Where the archiving took place. */
export interface UndoPlace {
  /** The archive's folder, absolute. */
  readonly archive: string;
  readonly journal: string;
}

/** Leaves the archive as it was before the plan. Its files go whatever is in them: a hook may have changed them. */
export async function putBack({ files, history }: ArchivingPlan, place: UndoPlace): Promise<void> {
  // An older wovtools wrote the journal, which its next run is to finish.
  if (history.previous === undefined) return;
  const file = absolute(place, history.path);
  if (history.previous === null) await removeIfThere(file);
  else await writeAtomic(file, history.previous);
  for (const { path } of files) await removeIfThere(absolute(place, path));
  await removeJournal(place.journal);
}

/** Removes what a given-up plan has written, but no file that the present history, another one, names. */
export async function takeBack(plan: ArchivingPlan, place: UndoPlace, versions: Versions): Promise<void> {
  for (const { role, path, content } of plan.files) {
    const present = versions.get(basename(path, `.${role}`));
    const file = absolute(place, path);
    await removeIfThere(temporaryName(file));
    const named = role === "deltas" ? present?.deltas : present?.schema.sha256;
    if (named === sha256(content)) continue;
    if ((await readBytes(file, ArchiveError))?.equals(content)) await removeIfThere(file);
  }
  await removeIfThere(temporaryName(absolute(place, plan.history.path)));
  await removeJournal(place.journal);
}

function absolute({ archive }: UndoPlace, path: string): string {
  return resolveInside(archive, path, ArchiveError);
}

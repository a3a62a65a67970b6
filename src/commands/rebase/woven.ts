/**
 * What git's rebase and cherry-pick can leave: they put the commit of a version behind another line than it was
 * archived on, and find no conflict in that. The entry names its parent by the key. There may be no such version, or
 * one of the other line, which seems to fit until the id says no.
 */
import { parseHistory } from "../../archive/history.js";
import { isOnLine, misplacedVersions } from "../../archive/rebase.js";
import type { ProjectDatabase } from "../../config/project.js";
import { ArchiveError } from "../../errors.js";
import { readText } from "../../files.js";
import type { Repository } from "../../git/repository.js";
import type { LedgerVersion } from "../../stage/ledger.js";
import { findLost, type LostLine } from "./lines.js";

/** Versions that are out of place, and the line that they were archived in, which is the database's own. */
export interface Woven {
  readonly keys: readonly string[];
  readonly line: LostLine;
}

/**
 * Looks for such versions. They are the database's own where git still has the line that they were archived in, on
 * whichever branch, and that line leads to the version that the ledger names. Nothing is written: the archive is read
 * without them then, and the rebase archives the line anew and takes their files away.
 *
 * @param ledger asked only where a version is out of place
 * @returns null where there are none; where some are not the database's own, too: then whoever reads the archive
 *   next says what is wrong
 * @throws ArchiveError for a history that cannot be read
 */
export async function findWoven(
  repository: Repository,
  { paths }: ProjectDatabase,
  ledger: () => Promise<LedgerVersion | null>,
): Promise<Woven | null> {
  const text = await readText(paths.history, ArchiveError);
  const versions = text === null ? [] : misplacedVersions(parseHistory(text, paths.history));
  const at = versions.length === 0 ? null : await ledger();
  const line = at === null ? null : await findLost(repository, paths.history, at, "every branch");
  if (at === null || line === null || !isOnLine(versions, line.versions, at.version)) return null;
  return { keys: versions.map(({ key }) => key), line };
}

/**
 * What git's rebase can leave: it puts the commit of a version behind another side's version of the key that it came
 * after, and finds no conflict in that. The entry names its parent by the key, so it seems to fit; its id says no.
 */
import { formatHistory, parseHistory } from "../../archive/history.js";
import { removeIfThere } from "../../archive/journal.js";
import { misplacedVersions } from "../../archive/rebase.js";
import type { ProjectDatabase } from "../../config/project.js";
import { ArchiveError } from "../../errors.js";
import { readText, writeAtomic } from "../../files.js";
import { commitPaths } from "../../git/commit.js";
import type { Repository } from "../../git/repository.js";
import type { LedgerVersion } from "../../stage/ledger.js";
import { pathIn } from "../repositories.js";
import { findLost } from "./lines.js";

/**
 * Takes such versions out of the archive, in a commit, where they are the database's own and git still has the line
 * that they were archived in. Anything else is left to whoever reads the archive next, and says what is wrong.
 *
 * @param commitPrefix what the commit's message begins with
 * @param ledger asked only where a version is out of place
 * @returns the keys of the versions that were taken out
 */
export async function takeOutWoven(
  repository: Repository,
  { name, paths }: ProjectDatabase,
  commitPrefix: string,
  ledger: () => Promise<LedgerVersion | null>,
): Promise<string[]> {
  const text = await readText(paths.history, ArchiveError);
  const versions = text === null ? new Map() : parseHistory(text, paths.history);
  const woven = misplacedVersions(versions);
  const at = woven.length === 0 ? null : await ledger();
  const found = at === null ? null : await findLost(repository, paths.history, at);
  if (found === null || woven.some(({ key, id }) => found.versions.get(key)?.id !== id)) return [];
  const keys = woven.map(({ key }) => key);
  const files = keys.flatMap((key) => [paths.archivedDeltas(key), paths.archivedSchema(key)]);
  await writeAtomic(
    paths.history,
    formatHistory(new Map([...versions].filter(([key]) => !keys.includes(key)))),
  );
  await commitPaths(repository, {
    write: [pathIn(repository, paths.history)],
    remove: files.map((file) => pathIn(repository, file)),
    message: `${commitPrefix}take out ${keys.join(", ")} of ${name}, which git had put behind another version`,
  });
  for (const file of files) await removeIfThere(file);
  return keys;
}

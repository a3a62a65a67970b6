/** What an archiving asks of git and the ledger. */
import { join } from "node:path";
import type { ArchivingEffects } from "../../archive/apply.js";
import type { ProjectDatabase } from "../../config/project.js";
import { ConfigError } from "../../errors.js";
import { readText } from "../../files.js";
import { commitAuthor } from "../../git/author.js";
import { commitPaths } from "../../git/commit.js";
import { push } from "../../git/push.js";
import { createLedger, openLedger } from "../../stage/ledger.js";
import { pathIn, type Repositories } from "../repositories.js";
import { connectionOf, type Session } from "../session.js";

/** What an archiving does to git and the ledger, and whether some remote has got it. */
export interface Effects extends ArchivingEffects {
  isPushed(): boolean;
}

export function effectsOf(
  { session, repositories }: { readonly session: Session; readonly repositories: Repositories },
  database: ProjectDatabase,
): Effects {
  const repository = repositories.archive;
  let pushed = false;
  const pushes = session.project.archive.push ?? repositories.separate;
  return {
    commit: async (write, remove, message) => {
      const inRepository = (paths: readonly string[]) => paths.map((path) => pathIn(repository, path));
      const attributes = repositories.separate ? await attributesOf(database) : [];
      const result = await commitPaths(repository, {
        write: inRepository([...write, ...attributes]),
        remove: inRepository(remove),
        message: `${session.project.archive.commitPrefix}${message}`,
      });
      return result.committed ? result.commit : null;
    },
    record: async (record) => {
      const { settings } = await connectionOf(session, database.name);
      await createLedger(settings);
      const ledger = await openLedger(settings);
      const { commit, author } = await commitAuthor(repository, database.paths.history);
      try {
        await ledger?.record({
          database: settings.database ?? record.database,
          version: record.version,
          versionId: record.id,
          event: "archived",
          by: author,
          commit,
        });
      } finally {
        await ledger?.close();
      }
    },
    push: pushes
      ? async () => {
          pushed = await push(repository);
        }
      : undefined,
    isPushed: () => pushed,
  };
}

/** In a repository of its own nobody else commits the file by which git leaves the archive's bytes alone. */
async function attributesOf({ paths }: ProjectDatabase): Promise<string[]> {
  const file = join(paths.archive, ".gitattributes");
  return (await readText(file, ConfigError)) === null ? [] : [file];
}

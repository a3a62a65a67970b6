/** Asking the stages whether they have a version: what is deployed is never put elsewhere. */
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { LedgerEntry } from "../../stage/ledger.js";
import { askLedgers } from "../ask-ledgers.js";
import type { Session } from "../session.js";
import { knownStages } from "../status.js";
import { type Target, targetsOf } from "../targets.js";
import type { LineVersion } from "./lines.js";

/**
 * Asks the ledgers of all stages that this machine has secrets for.
 *
 * @param own how the database is reached that the line was archived from; it has the line, of course
 * @returns the stages that could not be asked, each with the reason
 * @throws BlockedError `STAGE_HAS_LINE`
 */
export async function askStages(
  session: Session,
  database: ProjectDatabase,
  mine: readonly LineVersion[],
  own: ConnectionSettings,
): Promise<string[]> {
  const ids = new Set(mine.map(({ version }) => version.id));
  const unasked: string[] = [];
  for (const stage of await knownStages(session)) {
    session.progress(`asking the ledger of ${stage}`);
    let entries: readonly LedgerEntry[];
    try {
      const onStage = { ...session, stage, ...(stage !== session.stage && { url: undefined }) };
      entries = await entriesOn(await targetsOf(onStage, database), own);
    } catch (error) {
      if (!(error instanceof DatabaseError) && !(error instanceof ConfigError)) throw error;
      unasked.push(`${stage}: ${error.message}`);
      continue;
    }
    const has = entries.find(({ versionId }) => ids.has(versionId));
    if (has !== undefined) throw stageHasLine(database.name, stage, has.version);
  }
  return unasked;
}

/** What happened to some databases; what was archived from one's own counts for nothing. */
async function entriesOn(targets: readonly Target[], own: ConnectionSettings): Promise<LedgerEntry[]> {
  const logs = await askLedgers(targets, async (ledger, onServer) => (await ledger?.log(onServer)) ?? []);
  return logs.flatMap((log, index) => {
    const settings = targets[index]?.settings;
    const isOwn = settings !== undefined && isSame(settings, own);
    return isOwn ? log.filter(({ event }) => event === "deployed") : log;
  });
}

function isSame(a: ConnectionSettings, b: ConnectionSettings): boolean {
  return a.host === b.host && a.port === b.port && a.database === b.database;
}

function stageHasLine(database: string, stage: string, version: string): BlockedError {
  return new BlockedError(
    "STAGE_HAS_LINE",
    `${version} of ${database} was deployed to ${stage}: it stays where it is in the archive.`,
    {
      hint: `The other line has to give way. On a database that is at its end, run:\n  wov-db ${database} --rebase`,
    },
  );
}

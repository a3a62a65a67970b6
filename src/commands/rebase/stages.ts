/** Asking the stages whether they have a version: what is deployed is never put elsewhere. */
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import { type LedgerEntry, openLedger } from "../../stage/ledger.js";
import { connectionOf, type Session } from "../session.js";
import { knownStages } from "../status.js";
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
    let isOwn: boolean;
    try {
      const { settings } = await connectionOf(
        { ...session, stage, ...(stage !== session.stage && { url: undefined }) },
        database.name,
      );
      isOwn = isSame(settings, own);
      entries = await logOf(settings);
    } catch (error) {
      if (!(error instanceof DatabaseError) && !(error instanceof ConfigError)) throw error;
      unasked.push(`${stage}: ${error.message}`);
      continue;
    }
    const has = entries.find(
      ({ versionId, event }) => ids.has(versionId) && !(isOwn && event !== "deployed"),
    );
    if (has !== undefined) throw stageHasLine(database.name, stage, has.version);
  }
  return unasked;
}

async function logOf(settings: ConnectionSettings): Promise<LedgerEntry[]> {
  const ledger = await openLedger(settings);
  if (ledger === null) return [];
  try {
    return await ledger.log(settings.database ?? "");
  } finally {
    await ledger.close();
  }
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

/**
 * What has been done to the database already, in a file beside the archive's journal. The transaction's own id is
 * written down before its COMMIT, so that after a kill PostgreSQL itself says whether it came to it.
 */
import * as v from "valibot";
import { removeIfThere } from "../../archive/journal.js";
import { ArchiveError, BlockedError } from "../../errors.js";
import { readText, temporaryName, writeAtomic } from "../../files.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";

const Intent = v.strictObject({
  wovtoolsrebase: v.literal("1"),
  /** The database, by what no other one has: where its server is and its oid there. */
  database: v.string(),
  /** What the database was like when the work began; a name that `local.ts` gives. */
  from: v.string(),
  /** The ids of the versions whose deltas it gets, in their order. */
  versions: v.array(v.string()),
  /** How many segments are committed. */
  done: v.number(),
  /** The transaction of the segment after those, where it was about to commit. */
  xid: v.nullable(v.string()),
  /** The statement after those was begun outside of a transaction. */
  outside: v.boolean(),
});
export type Intent = v.InferOutput<typeof Intent>;

/** @returns null where nothing was begun, or what was begun was in another database */
export async function readIntent(file: string, settings: ConnectionSettings): Promise<Intent | null> {
  const text = await readText(file, ArchiveError);
  if (text === null) return null;
  let intent: Intent;
  try {
    intent = v.parse(Intent, JSON.parse(text));
  } catch (cause) {
    throw new ArchiveError("INTENT_INVALID", "The note of an unfinished --rebase cannot be read.", {
      where: file,
      hint: `If the database is as it should be, take the note away:\n  rm ${file}`,
      cause,
    });
  }
  return intent.database === (await databaseIdentity(settings)) ? intent : null;
}

export function writeIntent(file: string, intent: Intent): Promise<void> {
  return writeAtomic(file, JSON.stringify(intent));
}

export async function removeIntent(file: string): Promise<void> {
  await removeIfThere(temporaryName(file));
  await removeIfThere(file);
}

export async function databaseIdentity(settings: ConnectionSettings): Promise<string> {
  const { rows } = await withClient(settings, (client) =>
    client.query<{ oid: string }>(
      "SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()",
    ),
  );
  return `${settings.host ?? ""}:${settings.port ?? ""}/${settings.database ?? ""} ${rows[0]?.oid}`;
}

/**
 * How many segments of an unfinished run are committed.
 *
 * @throws BlockedError `REBASE_UNCLEAR` where nobody can tell, `REBASE_RUNNING` where the transaction still runs
 */
export async function segmentsDone(
  intent: Intent,
  file: string,
  settings: ConnectionSettings,
): Promise<number> {
  if (intent.outside) throw unclear(file, "A statement outside of a transaction was begun");
  if (intent.xid === null) return intent.done;
  const { rows } = await withClient(settings, (client) =>
    client.query<{ status: string | null }>("SELECT pg_catalog.pg_xact_status($1::xid8) AS status", [
      intent.xid,
    ]),
  );
  const status = rows[0]?.status ?? null;
  if (status === "committed") return intent.done + 1;
  if (status === "aborted") return intent.done;
  if (status === null)
    throw unclear(file, "A transaction was begun, so long ago that the server no longer knows");
  throw new BlockedError("REBASE_RUNNING", "The transaction of an earlier --rebase still runs.", {
    where: file,
    hint: "Wait until it has ended, then run this again.",
  });
}

function unclear(file: string, what: string): BlockedError {
  return new BlockedError("REBASE_UNCLEAR", `${what}, and nothing tells whether it was done.`, {
    where: file,
    hint: `Bring the database by hand to the version that its ledger names, take the note away, and run this again:\n  rm ${file}`,
  });
}

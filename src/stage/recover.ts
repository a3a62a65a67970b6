/** Finding out what an earlier deploy has done that did not live to write it down. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError } from "../errors.js";
import type { StageSession } from "./connect.js";
import type { DeployLedger, Intent, Progress } from "./deploy-ledger.js";
import { judge } from "./outside-work.js";

export type Fate = "committed" | "aborted";

/**
 * Brings the ledger to what is true of the database. PostgreSQL itself says what became of a transaction. Call it
 * with the lock held: then no session of an earlier deploy is left that could still change anything.
 *
 * @param byChecksum asked where the server cannot tell, since its data were restored or the transaction is long
 *   past: whether the schema shows that what was meant is there; null where it does not tell
 * @throws BlockedError `INTENT_UNDECIDED` where nobody can tell
 */
export async function recover(
  session: StageSession,
  ledger: DeployLedger,
  database: string,
  byChecksum: (progress: Progress) => Promise<Fate | null>,
): Promise<{ readonly intents: number; readonly steps: number }> {
  const intents = await ledger.openIntents(database);
  for (const intent of intents) {
    const fate = (await fateOf(session, intent)) ?? (await byChecksum(intent.progress));
    if (fate === null) throw undecided(database, intent);
    await ledger.settleIntent(intent.number, fate);
  }
  const steps = await ledger.openSteps(database);
  for (const { number, work } of steps) await ledger.settleStep(number, await judge(session.client, work));
  if (intents.length + steps.length > 0) await session.client.query(session.fresh.join("; "));
  await ledger.stopLeft(database);
  return { intents: intents.length, steps: steps.length };
}

/** What became of a transaction: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT */
async function fateOf({ client, systemIdentifier }: StageSession, intent: Intent): Promise<Fate | null> {
  if (intent.systemIdentifier !== systemIdentifier) return null;
  try {
    const { rows } = await client.query<{ status: string | null }>(
      "SELECT pg_catalog.pg_xact_status($1::text::xid8) AS status",
      [intent.xid],
    );
    const status = rows[0]?.status ?? null;
    if (status === "in progress") {
      throw new DatabaseError(
        "TRANSACTION_IN_PROGRESS",
        "A transaction of an earlier deploy is still in progress on the server.",
        { hint: "Run this again when it has ended." },
      );
    }
    return status === "committed" || status === "aborted" ? status : null;
  } catch (error) {
    // A number from the future: the server's data are older than the intent.
    if (error instanceof ServerError && error.code === "22023") return null;
    throw error;
  }
}

function undecided(database: string, { progress, xid }: Intent): BlockedError {
  const versions = progress.completed.map(({ version }) => version);
  const meant = [
    ...versions,
    ...(progress.partial === null ? [] : [`a part of ${progress.partial.version}`]),
  ];
  return new BlockedError(
    "INTENT_UNDECIDED",
    `An earlier deploy was about to commit ${meant.join(", ")} to ${database}, and neither the server nor the schema tells whether it did.`,
    {
      where: `transaction ${xid}`,
      hint: "Look at the database, and say which version it is at:\n  wov-deploy --baseline PVER",
    },
  );
}

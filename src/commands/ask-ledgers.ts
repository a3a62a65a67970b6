import type { ConnectionSettings } from "../postgres/connection.js";
import { type Ledger, openLedger } from "../stage/ledger.js";
import type { Target } from "./targets.js";

/**
 * Asks the ledger about each database that a stage has of one name. Mostly they lie in one, which is opened once.
 *
 * @param ask gets null for a ledger where the server has none, and the name of the database on the server
 * @returns the answers, in the order of the targets
 */
export async function askLedgers<T>(
  targets: readonly Target[],
  ask: (ledger: Ledger | null, onServer: string) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  const [first] = targets;
  if (first === undefined) return answers;
  const groups = first.settings.ledger === "schema" ? targets.map((target) => [target]) : [targets];
  for (const group of groups) {
    await withLedger(group[0]?.settings ?? first.settings, async (ledger) => {
      for (const { database, settings } of group)
        answers.push(await ask(ledger, settings.database ?? database.name));
    });
  }
  return answers;
}

async function withLedger(
  settings: ConnectionSettings,
  work: (ledger: Ledger | null) => Promise<void>,
): Promise<void> {
  const ledger = await openLedger(settings);
  try {
    await work(ledger);
  } finally {
    await ledger?.close();
  }
}

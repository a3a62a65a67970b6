/** Carrying a plan out, inside a transaction of the caller's. Decides nothing. */
import type { Client } from "../postgres/connection.js";
import { Applying, type Done, groupsOf } from "./applying.js";
import { keepBooks, makeBookkeeping, recordMigration } from "./bookkeeping.js";
import { checkFunction } from "./overloads.js";
import type { ObjectsPlan } from "./plan.js";
import { runDrop, runScript } from "./run-script.js";

export type { Done } from "./applying.js";

export interface ApplyEffects {
  /** Told what is being done, e.g. `view.public.view0`. */
  readonly progress?: ((doing: string) => void) | undefined;
}

/**
 * Runs what comes before the objects: the scripts of a new database, or the migrations, with the drops around them.
 * Afterwards the state is read anew and the rest planned from that.
 *
 * @param client in an open transaction, which is left open
 * @throws BlockedError `OBJECT_SCRIPT_FAILED` with file, line and statement; DatabaseError
 */
export async function applyPrelude(
  client: Client,
  plan: Pick<ObjectsPlan, "bookkeeping" | "initial" | "before" | "migrations">,
  { progress = () => undefined }: ApplyEffects = {},
): Promise<void> {
  const schema = await makeBookkeeping(client, plan.bookkeeping);
  for (const { run } of plan.initial) {
    progress(run.path);
    await runScript(client, run);
  }
  for (const drop of plan.before) await runDrop(client, drop);
  for (const { id, run } of plan.migrations) {
    progress(run.path);
    await runScript(client, run);
    await recordMigration(client, schema, id);
  }
}

/**
 * Applies the steps of a plan and its bookkeeping.
 *
 * @param client in an open transaction, which is left open
 * @returns what was done; a step that turned out to be needless is not among it
 * @throws the plan's first blocker; BlockedError `OBJECT_SCRIPT_FAILED`, `OBJECT_NEEDED`; DatabaseError. The
 *   transaction has to be rolled back then
 */
export async function applyObjects(
  client: Client,
  plan: ObjectsPlan,
  { progress = () => undefined }: ApplyEffects = {},
): Promise<readonly Done[]> {
  const [blocker] = plan.blockers;
  if (blocker !== undefined) throw blocker;
  const schema = await makeBookkeeping(client, plan.bookkeeping);
  const applying = new Applying(client);
  for (const group of groupsOf(plan.steps)) {
    const [first] = group;
    if (first !== undefined) progress(first.id);
    if (group.length > 1 && (await applying.makeTogether(group))) continue;
    for (const step of group) {
      progress(step.id);
      await applying.take(step);
    }
  }
  for (const id of plan.check) await checkFunction(client, id, plan);
  for (const { run } of plan.final) {
    progress(run.path);
    await runScript(client, run);
  }
  await keepBooks(client, schema, plan.bookkeep);
  if (plan.mark !== null) await recordMigration(client, schema, plan.mark);
  return applying.done;
}

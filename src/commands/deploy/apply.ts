/** Applying what was decided for one database, noted in the ledger from its beginning to its end. */
import { WovError } from "../../errors.js";
import { type ApplyProgress, applyPlan } from "../../stage/apply.js";
import type { DeployLedger } from "../../stage/deploy-ledger.js";
import type { DeployPlan } from "../../stage/plan.js";
import { schemaText } from "../live-schema.js";
import type { WoStep } from "../results.js";
import type { Decision, UnderWay } from "./decide.js";
import type { Rehearsal } from "./rehearse.js";

/**
 * Applies a plan, with the lock held.
 *
 * @returns what was done to the objects
 * @throws what `applyPlan` throws; BlockedError `SCHEMA_DIFFERS` where the plan leads elsewhere, with nothing changed
 */
export async function applyDecided(
  one: UnderWay,
  plan: DeployPlan,
  decision: Decision,
  rehearsal: Rehearsal,
  ledger: DeployLedger,
): Promise<WoStep[]> {
  const { order, session, standing, target, what, onServer } = one;
  const { by, attempts } = order.terms;
  const { outlook, accepted } = decision.objects;
  // Asked for while nothing is locked yet.
  if (accepted.scripts !== null && !rehearsal.had && plan.from !== null)
    await standing.expect(target, accepted.scripts);
  const objects = outlook === null ? null : await objectsOf(one, outlook);
  const { id, from, to } = plan;
  const deploy = await ledger.begin({
    database: onServer,
    stage: order.stage,
    plan: id,
    from,
    to,
    by,
    commit: await order.commit.outcome(),
  });
  const verify = async (dump: string) => {
    const schema = schemaText(dump, order.database.schema);
    if (rehearsal.had && schema.sha256 === rehearsal.schema.sha256) return;
    const accepts = { drift: decision.drift, ...accepted };
    await standing.refuseOther(target, schema, accepts, `${what}: the deltas do not lead`);
  };
  try {
    const place = { session, ledger, deploy, what, attempts };
    const progress = (doing: ApplyProgress) => order.progress(`${what}: ${doingText(doing)}`);
    const around = objects?.around ?? null;
    await applyPlan(plan, place, { dump: order.database.schema, verify, around, progress });
  } catch (error) {
    await endDeploy(ledger, deploy, error);
    throw error;
  }
  return objects?.shown() ?? [];
}

async function objectsOf({ order, what }: UnderWay, outlook: NonNullable<Decision["objects"]["outlook"]>) {
  const { aroundDeltas } = await import("./objects.js");
  return aroundDeltas(outlook, (id) => order.progress(`${what}: ${id}`));
}

function doingText({ number, count, version, where, attempt }: ApplyProgress): string {
  const again = attempt === 1 ? "" : `, attempt ${attempt}`;
  const step = where === null ? "verifying" : where.split(/[\\/]/).at(-1);
  return `version ${number} of ${count} (${version}), ${step}${again}`;
}

/** Writes a failure into the ledger. Where that fails too, the failure says so; the next deploy finds this one unfinished. */
async function endDeploy(ledger: DeployLedger, deploy: string, failure: unknown): Promise<void> {
  const stopped = failure instanceof WovError && failure.exitStatus === 5;
  try {
    await ledger.end(deploy, stopped ? "stopped" : "failed", messageOf(failure));
  } catch (error) {
    if (!(failure instanceof WovError)) throw error;
    failure.addHint(`The ledger could not be told of this: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

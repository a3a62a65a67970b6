/** Whether a plan is rehearsed, and what that comes to; databases that are alike share one rehearsal. */
import { BlockedError } from "../../errors.js";
import { sha256 } from "../../files.js";
import type { DeployPlan } from "../../stage/plan.js";
import type { ObjectsOutlook } from "../objects/outlook.js";
import type { Decision, UnderWay } from "./decide.js";
import type { Rehearsal, RehearsalRequest } from "./rehearse.js";

/**
 * Rehearses a plan unless it was told not to, or needs none.
 *
 * @throws BlockedError `REHEARSAL_FAILED`, `SCHEMA_DIFFERS` where it leads elsewhere, `NO_REHEARSAL` where it was
 *   asked for and there can be none
 */
export async function rehearsalOf(one: UnderWay, plan: DeployPlan, decision: Decision): Promise<Rehearsal> {
  const { order, target, standing, what } = one;
  const { terms } = order;
  if (terms.rehearse === "never") return { had: false, reason: "--no-rehearse" };
  if (terms.rehearse === "auto" && terms.mode === "apply" && isItsOwnRehearsal(plan))
    return { had: false, reason: "the database is empty, and all of it is one transaction" };
  const rehearsal = await sharedRehearsal(one, plan, decision);
  if (rehearsal.had) {
    const accepts = { drift: decision.drift, ...decision.objects.accepted };
    await standing.refuseOther(
      target,
      rehearsal.schema,
      accepts,
      "The rehearsal, on a shadow, does not lead",
    );
    return rehearsal;
  }
  if (terms.rehearse === "always") {
    throw new BlockedError("NO_REHEARSAL", `${what} cannot be rehearsed: ${rehearsal.reason}.`, {
      hint: "Deploy without, and rely on the check before the commit:\n  --no-rehearse",
    });
  }
  one.notes.push(`not rehearsed: ${rehearsal.reason}`);
  return rehearsal;
}

async function sharedRehearsal(
  { order }: UnderWay,
  plan: DeployPlan,
  decision: Decision,
): Promise<Rehearsal> {
  const { database, settings, progress, rehearsals } = order;
  const { versions, live } = decision;
  const { outlook } = decision.objects;
  const key = `${database.name} ${plan.id} ${live.sha256} ${outlook === null ? "" : rowsOf(outlook)}`;
  const running =
    rehearsals.get(key) ??
    rehearseNow({ plan, versions, objects: outlook, database, live, settings, progress });
  rehearsals.set(key, running);
  return running;
}

async function rehearseNow(request: RehearsalRequest): Promise<Rehearsal> {
  const { rehearse } = await import("./rehearse.js");
  return rehearse(request);
}

/** On an empty database a transaction that is not committed takes nothing from anybody, as a shadow would not. */
function isItsOwnRehearsal({ from, segments }: DeployPlan): boolean {
  return from === null && segments.length === 1 && segments[0]?.kind === "transaction";
}

/** What the stage has recorded of its objects, which a rehearsal begins with. */
function rowsOf({ state }: ObjectsOutlook): string {
  return sha256(JSON.stringify([...state.recorded.values()].map(({ id, md5 }) => [id, md5])));
}

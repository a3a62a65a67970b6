/** The steps of a plan as data for a person or a program. Pure. */
import type { Done } from "../../objects/apply.js";
import { describeName } from "../../objects/kinds.js";
import { isCertain, type ObjectsPlan, type Step } from "../../objects/plan.js";
import type { ObjectScript, Tree } from "../../objects/tree.js";
import type { WoStep } from "../results.js";

/** What is dropped before the steps, so that migrations or deltas can run. */
export interface Fallen {
  readonly ids: readonly string[];
  /** In a few words. */
  readonly why: string;
}

/** The steps that are going to be done, and those that nobody can be certain of. */
export function plannedSteps(
  { steps }: Pick<ObjectsPlan, "steps">,
  { objects }: Pick<Tree, "objects">,
  fallen: Fallen,
): WoStep[] {
  const made = new Set(fallen.ids);
  const told = new Map<string, WoStep>();
  for (const step of steps) {
    // What is replaced keeps what is granted on it.
    const certain = isCertain(step) || (step.op === "grant" && step.needs.some((id) => made.has(id)));
    if (certain && "run" in step && step.op !== "replace")
      for (const id of [step.id, ...(step.touches ?? [])]) made.add(id);
    told.set(step.id, { ...stepOf(step, objects), certain });
  }
  for (const id of fallen.ids) {
    const [step, script] = [told.get(id), objects.get(id)];
    if (script !== undefined && step?.action !== "remake") told.set(id, madeAgain(script, fallen));
    else if (step !== undefined) told.set(id, afterFall(step, fallen));
  }
  const [roles, others] = [true, false].map((isRole) =>
    [...told.values()].filter(({ id }) => id.startsWith("role.") === isRole),
  );
  return [...(others ?? []), ...(roles ?? [])];
}

/** The steps of a plan that were done. */
export function doneSteps(
  { steps }: Pick<ObjectsPlan, "steps">,
  done: readonly Done[],
  { objects }: Pick<Tree, "objects">,
  fallen: Fallen,
): WoStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  return done.flatMap(({ id, op }) => {
    const step = byId.get(id);
    return step === undefined
      ? []
      : [afterFall({ ...stepOf(step, objects), action: op, certain: true }, fallen)];
  });
}

function stepOf(step: Step, objects: Tree["objects"]): WoStep {
  const also = "drops" in step ? step.drops.map(({ id }) => id).filter((id) => id !== step.id) : [];
  return {
    action: actionOf(step),
    id: step.id,
    object: describeName(step.name),
    file: objects.get(step.id)?.path ?? null,
    why: step.why,
    certain: isCertain(step),
    drops: [...new Set(also)],
  };
}

function actionOf(step: Step): WoStep["action"] {
  if (step.op !== "again") return step.op;
  return step.certain ? "remake" : (step.otherwise ?? "remake");
}

function madeAgain({ id, name, path }: ObjectScript, { why }: Fallen): WoStep {
  return { action: "remake", id, object: describeName(name), file: path, why, certain: true, drops: [] };
}

/** What fell is not new when it is made, and was there when it is taken out of the books. */
function afterFall(step: WoStep, { ids, why }: Fallen): WoStep {
  if (!ids.includes(step.id)) return step;
  if (step.action === "create") return { ...step, action: "remake", why };
  return step.action === "forget" ? { ...step, action: "drop", why: "its script is gone" } : step;
}

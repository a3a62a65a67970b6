/** What a run changes in the bookkeeping. Pure. */
import type { Decision } from "./decision.js";
import type { BookkeepingPlan, Step } from "./plan.js";

/** Rows of what is made or changed, and of what it needs now or has needed. The others stay as they are. */
export function planBookkeeping(decision: Decision, steps: readonly Step[]): BookkeepingPlan {
  const { tree, state } = decision;
  const entered = steps.filter(entersRow);
  const remove = steps.filter(({ op }) => op === "drop" || op === "forget").map(({ id }) => id);
  const requiredBy = new Map<string, Set<string>>();
  const touched = (id: string) => {
    const known = requiredBy.get(id) ?? new Set(state.recorded.get(id)?.requiredBy ?? []);
    requiredBy.set(id, known);
    return known;
  };
  const dependsOn = new Map<string, string[]>();
  for (const { id } of entered) {
    const now = [...decision.read(id).needs.keys()].filter((need) => need !== id).sort();
    dependsOn.set(id, now);
    for (const need of state.recorded.get(id)?.dependsOn ?? [])
      if (!now.includes(need)) touched(need).delete(id);
    for (const need of now) touched(need).add(id);
    touched(id);
  }
  for (const id of remove)
    for (const need of state.recorded.get(id)?.dependsOn ?? []) touched(need).delete(id);
  const enter = entered.flatMap(({ id }): BookkeepingPlan["enter"] => {
    const script = tree.objects.get(id);
    if (script === undefined) return [];
    const { md5, text, path } = script;
    const required = [...touched(id)].sort();
    return [{ id, md5, script: text, path, dependsOn: dependsOn.get(id) ?? [], requiredBy: required }];
  });
  const others = [...requiredBy].filter(([id, now]) => {
    const before = state.recorded.get(id)?.requiredBy;
    return before !== undefined && !dependsOn.has(id) && !remove.includes(id) && !isSame(before, now);
  });
  return {
    enter,
    requiredBy: others.map(([id, now]) => ({ id, requiredBy: [...now].sort() })),
    remove: remove.filter((id) => state.recorded.has(id)),
  };
}

function isSame(before: readonly string[], now: ReadonlySet<string>): boolean {
  return before.length === now.size && before.every((id) => now.has(id));
}

/** What only falls and is made again has its row already, and so has a role that gets its grants again. */
function entersRow(step: Step): boolean {
  if (step.op === "grant") return step.always;
  if (step.op === "again") return step.otherwise !== null;
  return step.op !== "drop" && step.op !== "forget";
}

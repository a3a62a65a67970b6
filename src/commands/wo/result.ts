/** A plan, and what became of it, as data for a person or a program. */
import type { Done } from "../../objects/apply.js";
import { describeName } from "../../objects/kinds.js";
import { isCertain, type ObjectsPlan, type Step } from "../../objects/plan.js";
import type { Tree } from "../../objects/tree.js";
import { describeConnection } from "../../postgres/connection.js";
import type { WoMigrateResult, WoStep } from "../results.js";
import type { WoSettings } from "./settings.js";

export interface Outcome {
  readonly plan: ObjectsPlan;
  /** Whether the database was made, or would be. */
  readonly created: boolean;
  readonly applied: boolean;
  /** What was done; null where nothing was to be, or only a plan was asked for. */
  readonly done: readonly Done[] | null;
  /** The plan's id, as it was made before anything ran; null where there is nothing to do. */
  readonly id: string | null;
  /** Whether the steps are those after the migrations. */
  readonly foreseen: boolean;
}

export function resultOf(
  { connection }: WoSettings,
  tree: Tree,
  { plan, id, created, applied, done, foreseen }: Outcome,
): WoMigrateResult {
  const outlook =
    plan.migrations.length > 0 && !foreseen
      ? ["the steps are planned as if the migrations changed nothing that they are about"]
      : [];
  return {
    database: connection.database,
    target: describeConnection(connection),
    created,
    applied,
    plan: id,
    create: created ? tree.create.map(({ path }) => path) : [],
    initial: plan.initial.map(({ run }) => run.path),
    migrations: plan.migrations.map(({ run }) => run.path),
    recordedMigration: plan.mark,
    steps: done === null ? plan.steps.map((step) => stepOf(step, tree)) : doneSteps(plan, done, tree),
    final: plan.final.map(({ run }) => run.path),
    blockers: plan.blockers.map(({ code, message, where = null, hint = null }) => ({
      code,
      message,
      where,
      hint,
    })),
    notes: [...plan.notes, ...outlook],
  };
}

/** The steps of a plan that were done. */
export function doneSteps(
  { steps }: Pick<ObjectsPlan, "steps">,
  done: readonly Done[],
  tree: Tree,
): WoStep[] {
  const byId = new Map(steps.map((step) => [`${step.id} ${step.op === "drop"}`, step]));
  return done.flatMap(({ id, op }) => {
    const step = byId.get(`${id} ${op === "drop"}`);
    return step === undefined ? [] : [{ ...stepOf(step, tree), action: op, certain: true }];
  });
}

function actionOf(step: Step): WoStep["action"] {
  if (step.op !== "again") return step.op;
  return step.certain ? "remake" : (step.otherwise ?? "remake");
}

/** A step as data. */
export function stepOf(step: Step, tree: Tree): WoStep {
  const also = "drops" in step ? step.drops.map(({ id }) => id).filter((id) => id !== step.id) : [];
  return {
    action: actionOf(step),
    id: step.id,
    object: describeName(step.name),
    file: tree.objects.get(step.id)?.path ?? null,
    why: step.why,
    certain: isCertain(step),
    drops: [...new Set(also)],
  };
}

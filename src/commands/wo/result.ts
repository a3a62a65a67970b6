/** A plan, and what became of it, as data for a person or a program. */
import type { Done } from "../../objects/apply.js";
import type { ObjectsPlan } from "../../objects/plan.js";
import type { Tree } from "../../objects/tree.js";
import { describeConnection } from "../../postgres/connection.js";
import { doneSteps, plannedSteps } from "../objects/shown-steps.js";
import type { WoMigrateResult } from "../results.js";
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
  const fallen = { ids: plan.before.map(({ id }) => id), why: "depends on what a migration alters" };
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
    steps: done === null ? plannedSteps(plan, tree, fallen) : doneSteps(plan, done, tree, fallen),
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

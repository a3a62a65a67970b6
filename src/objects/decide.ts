/** From a tree and a state to a plan. Pure: the same tree and state lead to the same plan. */
import { loadParser } from "../schema/parser.js";
import { Decision } from "./decision.js";
import { planMigrations } from "./migrations.js";
import { isCertain, type ObjectsPlan } from "./plan.js";
import { planBookkeeping } from "./records.js";
import { planRoles } from "./roles.js";
import { plainRuns } from "./runs.js";
import { isInEveryDatabase, type ObjectsState } from "./state.js";
import { planSteps } from "./steps.js";
import type { Tree } from "./tree.js";
import { judge } from "./verdicts.js";

export interface DecideOptions {
  /** Schemas that a name without one is looked up in; `public` unless given. */
  readonly searchPath?: readonly string[] | undefined;
  /** The migrations, or the scripts of a new database, have run in this transaction. */
  readonly afterPrelude?: boolean | undefined;
  /** Ids of what is dropped before the steps, and made again by them: what is granted on it will be due. */
  readonly dropped?: readonly string[] | undefined;
  /** Ids of roles that `planEarlyRoles` has made in this transaction. */
  readonly earlyRoles?: ReadonlySet<string> | undefined;
}

/**
 * Decides what brings a database to its tree. Only scripts that changed, or that have to run again, are parsed.
 *
 * @param state with what depends on the objects that may be dropped; see `readState`
 * @returns the plan; what forbids to apply it is among its `blockers`
 * @throws BlockedError where the scripts themselves are wrong: `OBJECT_MISMATCH`, `OBJECT_SEVERAL`,
 *   `OBJECT_TRANSACTION`, `OBJECT_CYCLE`, `OBJECT_SELF_REFERENCE`
 */
export async function planObjects(
  tree: Tree,
  state: ObjectsState,
  options: DecideOptions = {},
): Promise<ObjectsPlan> {
  const standings = judge(tree, state);
  const isIdle =
    (options.dropped ?? []).length === 0 &&
    [...standings.values()].every(({ verdict }) => verdict === "same");
  const decision = new Decision(
    tree,
    state,
    standings,
    isIdle ? null : await loadParser(),
    options.searchPath ?? ["public"],
  );
  const migrations = await planMigrations(tree, state, decision.dependents, standings);
  const objects = planSteps(decision);
  const roles = planRoles(decision, options.earlyRoles ?? new Set());
  const all = [...objects.steps, ...roles.steps];
  const isNew = state.bookkeeping === null && [...state.existing.keys()].every(isInEveryDatabase);
  const isWork =
    migrations.migrations.length > 0 ||
    options.afterPrelude === true ||
    all.some(isCertain) ||
    migrations.mark !== null;
  return {
    bookkeeping: state.bookkeeping,
    initial: isNew ? await plainRuns(tree.initial) : [],
    ...migrations,
    steps: all,
    check: [...decision.order().early].sort(),
    final: isWork ? await plainRuns(tree.final) : [],
    bookkeep: planBookkeeping(decision, all),
    prove: [...standings.values()].filter(({ verdict }) => verdict === "prove").map(({ id }) => id),
    blockers: [...objects.blockers, ...roles.blockers],
    notes: [...tree.notes, ...migrations.notes, ...objects.notes, ...roles.notes],
  };
}

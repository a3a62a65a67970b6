/** Roles that a schema may name before their scripts' turn has come. Pure. */
import { loadParser } from "../schema/parser.js";
import { Decision } from "./decision.js";
import { orderObjects } from "./order.js";
import type { PlainRun } from "./plan.js";
import { makingOf } from "./roles.js";
import type { ObjectsState } from "./state.js";
import type { Tree } from "./tree.js";
import { judge } from "./verdicts.js";

/**
 * The roles of a tree that are not on the server, each without what it is granted: what that is granted on is not
 * there yet. Their ids go to `planObjects` afterwards.
 */
export async function planEarlyRoles(
  tree: Tree,
  state: ObjectsState,
  searchPath: readonly string[],
): Promise<PlainRun[]> {
  const standings = judge(tree, state);
  const missing = [...standings.values()].filter(
    ({ name, verdict }) => name.type === "role" && verdict === "create",
  );
  if (missing.length === 0) return [];
  const decision = new Decision(tree, state, standings, await loadParser(), searchPath);
  const needs = new Map(missing.map(({ id }) => [id, decision.read(id).needs]));
  const { ids } = orderObjects(needs, (id) => decision.pathOf(id));
  return ids.map((id) => ({ id, run: makingOf(decision.read(id)) }));
}

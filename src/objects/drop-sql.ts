/** The statements that drop objects. */
import { quoteIdentifier } from "../postgres/quote.js";
import { kindOf } from "./kinds.js";
import type { DropRun } from "./plan.js";
import { type Existing, keyOf, type ObjectsState } from "./state.js";
import type { Tree } from "./tree.js";

/** What drops objects: our own statements, or the user's scripts. */
export function dropRuns(
  objects: readonly Existing[],
  idOf: (existing: Existing) => string,
  { drops }: Pick<Tree, "drops">,
  { dependents: { signatures } }: Pick<ObjectsState, "dependents">,
): DropRun[] {
  const runs = objects.map((existing): DropRun => {
    const id = idOf(existing);
    const own = drops.get(id);
    if (own !== undefined) return { id, sql: own.text, path: own.path };
    return { id, sql: dropSql(existing, signatures), path: null };
  });
  // The user's script drops all overloads at once.
  return runs.filter(
    (run, at) => runs.findIndex((other) => other.sql === run.sql && other.id === run.id) === at,
  );
}

/**
 * @param signatures of functions, as the server has them quoted
 * @example dropSql(view, new Map()) // → `DROP VIEW "public"."view0"`
 */
function dropSql(existing: Existing, signatures: ReadonlyMap<string, string>): string {
  const { type, parts } = existing.name;
  const quoted = parts.map(quoteIdentifier);
  const last = quoted.at(-1) ?? "";
  const before = quoted.slice(0, -1).join(".");
  switch (type) {
    case "function":
    case "procedure":
    case "aggregate":
      return `DROP ROUTINE ${signatures.get(keyOf(existing)) ?? quoted.join(".")}`;
    case "constraint":
      return `ALTER TABLE ${before} DROP CONSTRAINT ${last}`;
    case "trigger":
    case "rule":
    case "policy":
      return `DROP ${kindOf(type).sql} ${last} ON ${before}`;
    default:
      return `DROP ${kindOf(type).sql} ${quoted.join(".")}`;
  }
}

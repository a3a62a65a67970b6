/** Objects whose scripts would need each other in a circle that no constraint of its own opens. */
import { pathOf } from "../kinds.js";
import { circles } from "./circles.js";
import { creating, type Unit } from "./gather.js";
import { type NeedIndex, namesItself } from "./mentions.js";

/** The scripts of a tree as they need each other: one for all functions of a name. */
interface ScriptNode {
  readonly key: string;
  readonly units: readonly Unit[];
}

/**
 * Finds the objects that cannot have scripts of their own: views and functions that need each other, of which a dump
 * makes a placeholder first, and overloads of a function that need what needs another overload.
 *
 * @param units all that would have scripts
 * @param index what they need that cannot be added to them later
 */
export function findKnots(units: readonly Unit[], index: NeedIndex): ReadonlySet<Unit> {
  const byPath = new Map<string, Unit[]>();
  for (const unit of units) {
    const path = pathIn(unit);
    byPath.set(path, [...(byPath.get(path) ?? []), unit]);
  }
  const scripts = [...byPath].map(([key, members]): ScriptNode => ({ key, units: members }));
  const needs = ({ key, units: members }: ScriptNode) =>
    new Set(members.flatMap((unit) => index.needs(unit).map(pathIn)).filter((path) => path !== key));
  const knots = new Set<Unit>();
  for (const group of circles(scripts, needs)) {
    const members = group.flatMap((script) => script.units);
    if (group.length === 1 && !members.some(isOfItself)) continue;
    const isMember = new Set(members);
    const within = (unit: Unit) => index.needs(unit).filter((other) => isMember.has(other));
    const tied = tiedUnits(members, within);
    // Where no object is in a circle, it is the overloads in one script that make it one.
    const several = group.filter((script) => script.units.length > 1).flatMap((script) => script.units);
    const apart = tied.length > 0 ? tied : several.filter((unit) => within(unit).length > 0);
    for (const unit of apart) if (unit.name?.type !== "table") knots.add(unit);
  }
  return knots;
}

function pathIn({ name }: Unit): string {
  return name === null ? "" : pathOf(name);
}

/** The objects that need each other, or themselves. */
function tiedUnits(members: readonly Unit[], within: (unit: Unit) => readonly Unit[]): Unit[] {
  const nodes = members.map((unit, index) => ({ key: String(index), unit }));
  const keys = new Map(nodes.map(({ key, unit }) => [unit, key]));
  const groups = circles(nodes, ({ unit }) => within(unit).map((other) => keys.get(other) ?? ""));
  return groups.flatMap((group) =>
    group.filter(({ unit }) => group.length > 1 || isOfItself(unit)).map(({ unit }) => unit),
  );
}

/** Whether the query of a view is about the view. */
function isOfItself(unit: Unit): boolean {
  const create = creating(unit);
  return create?.kind === "ViewStmt" && namesItself(unit, create.tree.query);
}

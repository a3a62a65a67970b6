/**
 * In which order objects are made: what is needed first; among equals by kind, foreign keys after other constraints,
 * then by id. The same every time.
 */
import { BlockedError } from "../errors.js";
import { KINDS, nameOfId } from "./kinds.js";
import type { Needs } from "./needs.js";

export interface Order {
  readonly ids: readonly string[];
  /** Functions that are made before something that their bodies need, since that needs them. */
  readonly early: ReadonlySet<string>;
}

interface Node {
  readonly id: string;
  readonly rank: number;
  readonly needs: Map<string, boolean>;
}

const RANKS: ReadonlyMap<string, number> = new Map(KINDS.map(({ type }, rank) => [type, rank]));

function rankOf(id: string, foreignKeys: ReadonlySet<string>): number {
  const rank = RANKS.get(nameOfId(id)?.type ?? "") ?? KINDS.length;
  return foreignKeys.has(id) ? rank + 0.5 : rank;
}

/**
 * Orders objects. What only the body of a function needs gives way where it would make a circle.
 *
 * @param needs of each object to be ordered; ids that are not to be ordered are there already
 * @param pathOf the file of an object, for the message
 * @param foreignKeys ids of constraints that refer to a key, which they do not name
 * @throws BlockedError `OBJECT_CYCLE`, `OBJECT_SELF_REFERENCE`, with the files and the way out
 */
export function orderObjects(
  needs: ReadonlyMap<string, Needs>,
  pathOf: (id: string) => string,
  foreignKeys: ReadonlySet<string> = new Set(),
): Order {
  const nodes = new Map<string, Node>();
  for (const [id, all] of needs) {
    const known = [...all].filter(([need]) => needs.has(need) && need !== id);
    const own = new Map(known.map(([need, { late }]) => [need, late]));
    nodes.set(id, { id, rank: rankOf(id, foreignKeys), needs: own });
  }
  const early = new Set<string>();
  const first = sortNodes(nodes);
  const circles = core(nodes, left(nodes, first));
  for (const id of circles) {
    const node = nodes.get(id);
    for (const [need, late] of node?.needs ?? []) {
      if (!late || !circles.has(need)) continue;
      node?.needs.delete(need);
      early.add(id);
    }
  }
  const ids = circles.size === 0 ? first : sortNodes(nodes);
  const stuck = core(nodes, left(nodes, ids));
  if (stuck.size > 0) throw cycleError(findCycle(nodes, stuck), pathOf);
  return { ids, early };
}

function left(nodes: ReadonlyMap<string, Node>, ids: readonly string[]): Set<string> {
  const done = new Set(ids);
  return new Set([...nodes.keys()].filter((id) => !done.has(id)));
}

/** As many nodes as have an order, in that order. */
function sortNodes(nodes: ReadonlyMap<string, Node>): string[] {
  const open = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const { id, needs } of nodes.values()) {
    open.set(id, needs.size);
    for (const need of needs.keys()) {
      const same = dependents.get(need);
      if (same === undefined) dependents.set(need, [id]);
      else same.push(id);
    }
  }
  const ready = new Queue([...nodes.values()].filter(({ needs }) => needs.size === 0));
  const ids: string[] = [];
  for (let node = ready.take(); node !== undefined; node = ready.take()) {
    ids.push(node.id);
    for (const dependent of dependents.get(node.id) ?? []) {
      const count = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, count);
      const next = nodes.get(dependent);
      if (count === 0 && next !== undefined) ready.add(next);
    }
  }
  return ids;
}

function compare(a: Node, b: Node): number {
  return a.rank - b.rank || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Nodes that may be taken, the lowest last, so that it is taken off cheaply. */
class Queue {
  readonly #nodes: Node[];

  constructor(nodes: Node[]) {
    this.#nodes = nodes.sort((a, b) => compare(b, a));
  }

  take(): Node | undefined {
    return this.#nodes.pop();
  }

  add(node: Node): void {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#nodes[middle];
      if (other !== undefined && compare(other, node) > 0) low = middle + 1;
      else high = middle;
    }
    this.#nodes.splice(low, 0, node);
  }
}

/** Of nodes that have no order, those that are in a circle or between two: the others only need them. */
function core(nodes: ReadonlyMap<string, Node>, ids: Set<string>): Set<string> {
  const within = new Set(ids);
  for (let size = -1; size !== within.size; ) {
    size = within.size;
    const needed = new Set<string>();
    for (const id of within) for (const need of nodes.get(id)?.needs.keys() ?? []) needed.add(need);
    for (const id of within) if (!needed.has(id)) within.delete(id);
  }
  return within;
}

function findCycle(nodes: ReadonlyMap<string, Node>, within: ReadonlySet<string>): string[] {
  const path: string[] = [];
  let [id] = [...within].sort();
  while (id !== undefined && !path.includes(id)) {
    path.push(id);
    id = [...(nodes.get(id)?.needs.keys() ?? [])].filter((need) => within.has(need)).sort()[0];
  }
  return id === undefined ? path : path.slice(path.indexOf(id));
}

function cycleError(cycle: readonly string[], pathOf: (id: string) => string): BlockedError {
  const lines = cycle.map((id, at) => `${pathOf(id)} needs ${cycle[(at + 1) % cycle.length]}`);
  const tables = cycle.filter((id) => id.startsWith("table."));
  const hint =
    tables.length > 1
      ? `Take a foreign key of one of the tables out of its script, into a file of its own:\n  constraints/${tables[0]?.slice("table.".length)}.NAME.sql`
      : "Take what one of them needs of the next out of its script, into a file of its own.";
  return new BlockedError("OBJECT_CYCLE", ["The scripts need each other in a circle:", ...lines].join("\n"), {
    where: cycle.map(pathOf).join(", "),
    hint,
  });
}

/** @throws BlockedError `OBJECT_SELF_REFERENCE` where a view, or a type, is defined by itself */
export function refuseSelfReference(id: string, needs: Needs, path: string): void {
  if (needs.get(id)?.defining !== true) return;
  throw new BlockedError("OBJECT_SELF_REFERENCE", `The script of ${id} refers to the object that it makes.`, {
    where: path,
    hint: "Name what it is to be made of; a query that refers to itself stands in WITH RECURSIVE under another name.",
  });
}

/** Which of the things that need one another come first, and which needs have to wait. */

/** A thing that needs others; keys stand for things. */
export interface Node {
  readonly key: string;
  /** What has to be there before it. */
  readonly needs: ReadonlySet<string>;
  /** What it refers to by something that can be added later, e.g. a foreign key. */
  readonly refers: ReadonlySet<string>;
}

/**
 * Groups what needs each other in a circle (Tarjan's strongly connected components).
 *
 * @param nodes in an order of the caller's, which breaks ties
 * @param edges of a node; those that lead to no node are passed over
 * @returns the groups, those that are needed before those that need them
 */
export function circles<T extends { readonly key: string }>(
  nodes: readonly T[],
  edges: (node: T) => Iterable<string>,
): T[][] {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: T[] = [];
  const stacked = new Set<string>();
  const groups: T[][] = [];
  const enter = (node: T) => {
    index.set(node.key, index.size);
    low.set(node.key, index.get(node.key) ?? 0);
    stack.push(node);
    stacked.add(node.key);
    return { node, edges: edges(node)[Symbol.iterator]() };
  };
  const lower = (key: string, to: number | undefined) => low.set(key, Math.min(low.get(key) ?? 0, to ?? 0));
  for (const start of nodes) {
    if (index.has(start.key)) continue;
    const path = [enter(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { node } = top;
      const next = top.edges.next();
      if (next.done !== true) {
        const other = byKey.get(next.value);
        if (other === undefined) continue;
        if (!index.has(other.key)) path.push(enter(other));
        else if (stacked.has(other.key)) lower(node.key, index.get(other.key));
        continue;
      }
      path.pop();
      const before = path.at(-1);
      if (before !== undefined) lower(before.node.key, low.get(node.key));
      if (low.get(node.key) === index.get(node.key)) {
        const group = stack.splice(stack.lastIndexOf(node));
        for (const member of group) stacked.delete(member.key);
        groups.push(group);
      }
    }
  }
  return groups;
}

/** A reference that has to be added after both ends are there. */
export interface Late {
  readonly from: string;
  readonly to: string;
}

/**
 * Finds references that have to wait, so that each thing can be made with what it needs and refers to there: only
 * such as are part of a circle, and in each circle those of the thing that has the fewest.
 *
 * @param nodes what they need is free of circles
 */
export function lateReferences(nodes: readonly Node[]): Late[] {
  const late: Late[] = [];
  const waiting = [[...nodes].sort(byKey)];
  for (let some = waiting.pop(); some !== undefined; some = waiting.pop()) {
    for (const group of circles(some, (node) => [...node.needs, ...node.refers].sort())) {
      if (group.length < 2) continue;
      const members = new Set(group.map(({ key }) => key));
      const within = (keys: ReadonlySet<string>) => [...keys].filter((key) => members.has(key)).sort();
      const free = group.filter(({ key, needs }) => within(needs).every((other) => other === key));
      const [first] = free.sort((a, b) => within(a.refers).length - within(b.refers).length || byKey(a, b));
      if (first === undefined) continue;
      for (const to of within(first.refers)) if (to !== first.key) late.push({ from: first.key, to });
      waiting.push(group.filter((node) => node !== first).sort(byKey));
    }
  }
  return late;
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

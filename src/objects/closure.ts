/** A part of a tree that stands by itself. Pure. */
import { loadParser } from "../schema/parser.js";
import { kindOf } from "./kinds.js";
import { indexNames } from "./names.js";
import { needsOf } from "./needs.js";
import { factsOf } from "./script.js";
import type { ObjectScript, Tree } from "./tree.js";

/**
 * The objects that some objects need to be made, with what hangs on them by scripts of its own, and all schemas and
 * extensions. What only the bodies of functions need is left out, and so are roles.
 *
 * @returns a tree without migrations and other scripts
 */
export async function closureOf(
  tree: Tree,
  roots: readonly string[],
  searchPath: readonly string[],
): Promise<Tree> {
  const parser = await loadParser();
  const all = [...tree.objects.values()];
  const names = indexNames(
    all.map(({ name }) => name),
    searchPath,
  );
  const chosen = new Map<string, ObjectScript>();
  const tables = new Set(roots.map((id) => tree.objects.get(id)?.name.parts.join("\0")));
  const hangsOnRoot = ({ name }: ObjectScript) =>
    kindOf(name.type).parts.includes("table") && tables.has(name.parts.slice(0, 2).join("\0"));
  const isGround = ({ name }: ObjectScript) => name.type === "schema" || name.type === "extension";
  const open = all.filter((script) => roots.includes(script.id) || isGround(script) || hangsOnRoot(script));
  for (let script = open.pop(); script !== undefined; script = open.pop()) {
    if (chosen.has(script.id) || script.name.type === "role") continue;
    chosen.set(script.id, script);
    const needs = needsOf(script, factsOf(parser, script), names, searchPath);
    for (const [id, { late }] of needs) {
      const needed = tree.objects.get(id);
      if (needed !== undefined && !late) open.push(needed);
    }
  }
  return {
    ...tree,
    objects: new Map([...chosen].sort(([a], [b]) => (a < b ? -1 : 1))),
    drops: new Map(),
    migrations: [],
    initial: [],
    final: [],
    notes: [],
  };
}

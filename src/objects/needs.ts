/** From the names in a script to the objects of the tree that it needs. */
import { kindOf, type ObjectName } from "./kinds.js";
import type { NameIndex } from "./names.js";
import type { Use } from "./references.js";
import type { ScriptFacts } from "./script.js";
import type { ObjectScript } from "./tree.js";

export interface NeedFor {
  /** Needed only when the object is used, not when it is made. */
  readonly late: boolean;
  /** Needed by the statement that says what a view or a type consists of. */
  readonly defining: boolean;
}

/** What an object needs, by id. */
export type Needs = ReadonlyMap<string, NeedFor>;

/**
 * Looks the names of a script up in the tree. What is not in the tree, built-ins above all, does not count.
 *
 * @returns the ids that the object needs; its own among them where the script refers to itself
 */
export function needsOf(
  script: ObjectScript,
  facts: ScriptFacts,
  index: NameIndex,
  searchPath: readonly string[],
): Needs {
  const needs = new Map<string, NeedFor>();
  const add = (id: string, { late, defining }: NeedFor) => {
    const before = needs.get(id) ?? { late: true, defining: false };
    needs.set(id, { late: late && before.late, defining: defining || before.defining });
  };
  for (const need of facts.needs) {
    const ids = idsOf(need.use, index, searchPath);
    // A function and a procedure may share a name; their own scripts mean their own by it.
    const isOwn = need.use.of === "name" && ids.includes(script.id);
    for (const id of isOwn ? [script.id] : ids) add(id, need);
  }
  for (const id of idsOfName(script.name, index)) add(id, { late: false, defining: false });
  return needs;
}

function idsOf(use: Use, index: NameIndex, searchPath: readonly string[]): readonly string[] {
  if (use.of === "name") return index.find(use.reference);
  if (use.of === "all") return index.inSchema(use.schema, use.types);
  for (const schema of use.schema === null ? searchPath : [use.schema]) {
    const id = index.exact({ type: "policy", parts: [schema, use.table, use.name] });
    if (id !== undefined) return [id];
  }
  return [];
}

/** What the file's name says: the object's schema, and the table that it hangs on. */
function idsOfName(name: ObjectName, index: NameIndex): string[] {
  const ids: string[] = [];
  const [schema = "", table = ""] = name.parts;
  const parts = kindOf(name.type).parts;
  if (parts.includes("schema")) ids.push(...index.find({ space: "schema", schema: null, name: schema }));
  if (parts.includes("table")) ids.push(...index.find({ space: "relation", schema, name: table }));
  return ids;
}

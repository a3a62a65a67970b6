/** Which object of a tree a name in SQL means. */
import { idOf, type KindType, kindOf, type ObjectName } from "./kinds.js";

/** What PostgreSQL looks a name up among. A table, a view and a domain are types too. */
export type NameSpace = "relation" | "function" | "type" | "schema" | "role" | "extension";

const SPACES: Readonly<Record<NameSpace, readonly KindType[]>> = {
  relation: ["table", "view", "materialized-view", "sequence", "index"],
  function: ["function", "procedure", "aggregate"],
  type: ["type", "domain", "table", "view", "materialized-view"],
  schema: ["schema"],
  role: ["role"],
  extension: ["extension"],
};

/** A name as a script uses it. */
export interface Reference {
  readonly space: NameSpace;
  /** null where the search path decides, and for what is in no schema. */
  readonly schema: string | null;
  readonly name: string;
}

/** Names of a tree, for looking up. */
export interface NameIndex {
  /** The ids that a reference means; more than one where functions and procedures share a name. None for built-ins. */
  find(reference: Reference): readonly string[];
  /** The ids of a schema's objects of some kinds. */
  inSchema(schema: string, types: readonly KindType[]): readonly string[];
  /** The id of an object that hangs on a table, by its names. */
  exact(name: ObjectName): string | undefined;
}

/** A file's name says letters in lower case, so a script's own spelling is looked up by that too. */
function fold(name: ObjectName): ObjectName {
  return { type: name.type, parts: name.parts.map((part) => part.toLowerCase()) };
}

/**
 * @param names the objects of the tree
 * @param searchPath schemas that a name without one is looked up in, first one first
 */
export function indexNames(names: Iterable<ObjectName>, searchPath: readonly string[]): NameIndex {
  const ids = new Set<string>();
  const bySchema = new Map<string, { readonly id: string; readonly type: KindType }[]>();
  for (const name of names) {
    const id = idOf(name);
    ids.add(id);
    const [schema = ""] = name.parts;
    if (kindOf(name.type).parts[0] !== "schema") continue;
    const same = bySchema.get(schema);
    if (same === undefined) bySchema.set(schema, [{ id, type: name.type }]);
    else same.push({ id, type: name.type });
  }
  const exact = (name: ObjectName): string | undefined =>
    [idOf(name), idOf(fold(name))].find((id) => ids.has(id));
  const among = (space: NameSpace, parts: readonly string[]) =>
    SPACES[space].map((type) => exact({ type, parts })).filter((id) => id !== undefined);
  const find = ({ space, schema, name }: Reference): readonly string[] => {
    if (name === "") return [];
    if (space === "schema" || space === "role" || space === "extension") return among(space, [name]);
    for (const place of schema === null ? searchPath : [schema]) {
      const found = among(space, [place, name]);
      if (found.length > 0) return found;
    }
    return [];
  };
  const inSchema = (schema: string, types: readonly KindType[]) =>
    (bySchema.get(schema) ?? []).filter(({ type }) => types.includes(type)).map(({ id }) => id);
  return { find, inSchema, exact };
}

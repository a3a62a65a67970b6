/** Which script makes an object that a schema has. Pure. */
import { idOf, KINDS, type KindType, pathOf } from "../../objects/kinds.js";
import type { ObjectScript, Tree } from "../../objects/tree.js";
import type { SchemaDiff, SchemaObject } from "../../schema/index.js";
import type { ObjectScripts } from "./scripts.js";

/** An object as schemas and changes call it. */
type Called = Pick<SchemaObject, "id" | "type">;

const TYPES: ReadonlyMap<string, KindType> = new Map(
  KINDS.map(({ type }) => [type.replaceAll("-", " "), type]),
);
/** Kinds under whose name wo knows others too. */
const ALSO: Readonly<Partial<Record<KindType, KindType>>> = {
  procedure: "function",
  aggregate: "function",
  domain: "type",
};
/** What a change to it is told as a change of, where scripts may hold it. */
const REMADE: ReadonlySet<KindType> = new Set(
  KINDS.filter(({ change, type }) => change === "remake" && type !== "role").map(({ type }) => type),
);

/** @returns undefined where no script of the tree makes it */
export function scriptOf(object: Called, { objects }: Pick<Tree, "objects">): ObjectScript | undefined {
  const name = nameOf(object);
  if (name === null) return undefined;
  const other = ALSO[name.type];
  return objects.get(idOf(name)) ?? (other && objects.get(idOf({ ...name, type: other })));
}

/**
 * Where a script for an object would stand in the tree.
 *
 * @returns null for a kind that only deltas change, such as a table
 */
export function placeOf(object: Called): string | null {
  const name = nameOf(object);
  return name !== null && REMADE.has(name.type) ? pathOf(name) : null;
}

function nameOf({ id, type }: Called) {
  const kind = TYPES.get(type);
  // Behind the name of a function are its parameters.
  const [written = ""] = id.slice(type.length + 1).match(/^(?:"(?:[^"]|"")*"|[^"(])*/) ?? [];
  const parts = [...written.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map(
    ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain,
  );
  return kind === undefined ? null : { type: kind, parts };
}

/** What of a difference no script makes. */
export function withoutScripted(diff: SchemaDiff, trees: readonly ObjectScripts[]): SchemaDiff {
  const isOpen = (object: SchemaObject) => trees.every(({ tree }) => scriptOf(object, tree) === undefined);
  return {
    added: diff.added.filter(isOpen),
    changed: diff.changed.filter(({ after }) => isOpen(after)),
    dropped: diff.dropped.filter(isOpen),
  };
}

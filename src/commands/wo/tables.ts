/** Whether tables are what their scripts make, by what two schemas say of them. Pure. */
import { encodePart, idOf, type KindType } from "../../objects/kinds.js";
import type { ObjectsState } from "../../objects/state.js";
import type { Tree } from "../../objects/tree.js";
import { diffSchemas, renderDiff, type Schema, type SchemaObject } from "../../schema/index.js";
import { qualified, readable } from "../../schema/names.js";

export interface Known {
  readonly tree: Tree;
  readonly state: ObjectsState;
}

/**
 * Compares tables, or sequences, and what their scripts may make along with them. What has a script of its own is
 * looked at by itself, and privileges are the roles'.
 *
 * @param ids of the objects
 * @param left as migrations have left them
 * @param made as their scripts make them
 * @returns lines to read; null where they are the same
 */
export function tableDifference(
  ids: readonly string[],
  known: Known,
  left: Schema,
  made: Schema,
): string | null {
  const wanted = new Set(ids.map((id) => schemaIdOf(id, known)));
  const diff = diffSchemas(reduce(left, wanted, known), reduce(made, wanted, known));
  const objects = renderDiff(diff);
  if (objects.length === 0) return null;
  return objects
    .flatMap(({ id, change, details, lines }) => [
      `  ${change === "added" ? "lacks" : change === "dropped" ? "has besides" : "differs"} ${id}`,
      ...details.map((detail) => `    ${detail}`),
      ...(change === "changed" ? [] : lines.map(({ text }) => `    ${text}`)),
    ])
    .join("\n");
}

/** How a schema calls an object: as the server spells it. */
function schemaIdOf(id: string, { tree, state }: Known): string {
  const script = tree.objects.get(id);
  const name = state.existing.get(id)?.[0]?.name ?? script?.name;
  const [schema = "", own = ""] = name?.parts ?? [];
  return `${name?.type} ${qualified(schema, readable(own))}`;
}

function reduce(schema: Schema, wanted: ReadonlySet<string>, known: Known): Schema {
  const objects = new Map<string, SchemaObject>();
  for (const [id, object] of schema.objects) {
    const isPart = object.parent !== null && wanted.has(object.parent) && !hasOwnScript(object, known);
    if (wanted.has(id) || isPart) objects.set(id, withoutOthers(object, known));
  }
  return { ...schema, objects };
}

const HANGING: ReadonlyMap<string, KindType> = new Map([
  ["trigger", "trigger"],
  ["rule", "rule"],
  ["policy", "policy"],
  ["sequence", "sequence"],
]);

function isKnown(id: string, { tree, state }: Known): boolean {
  return tree.objects.has(id) || state.recorded.has(id);
}

/** `orders.touch` of the schema `shop` as `["shop", "orders", "touch"]`. */
function hasOwnScript({ type: word, schema, name }: SchemaObject, known: Known): boolean {
  const type = HANGING.get(word);
  if (type === undefined || schema === null) return false;
  return isKnown(`${type}.${[schema, ...partsOf(name)].map(encodePart).join(".")}`, known);
}

function partsOf(text: string): string[] {
  const parts = [...text.matchAll(/"((?:[^"]|"")+)"|([^".]+)/g)];
  return parts.map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

/** Without privileges, and without constraints and indexes that have scripts. */
function withoutOthers(object: SchemaObject, known: Known): SchemaObject {
  const { schema } = object;
  const [table = ""] = partsOf(object.name);
  const isOwn = (part: string) => {
    if (part.startsWith("privileges")) return false;
    const [, word, name = ""] = /(?:^|.* on )(constraint|index) (.+)$/.exec(part) ?? [];
    const [own = ""] = partsOf(name);
    if (word === "constraint")
      return !isKnown(idOf({ type: "constraint", parts: [schema ?? "", table, own] }), known);
    if (word === "index") return !isKnown(idOf({ type: "index", parts: [schema ?? "", own] }), known);
    return true;
  };
  const parts = object.parts.filter(({ name }) => isOwn(name));
  const checksum = parts.map(({ name, canonical }) => `${name}\n${canonical}`).join("\n");
  return { ...object, parts, checksum };
}

import { diffSchemas, type Schema, type SchemaDiff, type SchemaObject } from "../schema/index.js";
import type { ObjectChange } from "./results.js";

/** The differences of two schemas, as data for a person or a program. */
export function changesOf({ added, changed, dropped }: SchemaDiff): ObjectChange[] {
  return [
    ...added.map((object) => changeOf("added", object)),
    ...changed.map(({ after, details }) => changeOf("changed", after, details)),
    ...dropped.map((object) => changeOf("dropped", object)),
  ];
}

/** A whole schema as differences from nothing. */
export function everythingAdded(schema: Schema): { changes: ObjectChange[]; warnings: string[] } {
  const nothing: Schema = { ...schema, objects: new Map() };
  return { changes: changesOf(diffSchemas(nothing, schema)), warnings: [...schema.warnings] };
}

/** One object that differs, called as SQL would, with its schema. */
function changeOf(
  change: ObjectChange["change"],
  { id, type }: SchemaObject,
  details: readonly string[] = [],
): ObjectChange {
  return { change, type, name: id.slice(type.length + 1), details: [...details] };
}

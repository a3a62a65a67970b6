import { isTreeObject, type TreeObject } from "../tree.js";

/** What a rule may know beside the node it looks at. */
export interface RuleContext {
  /** Major version of the server whose schema it is; null when the dump does not say, which counts as the newest. */
  readonly server: number | null;
}

/**
 * Brings one node of a parse tree to the form in which all versions agree.
 *
 * @param fields the node, without its type's name around it
 * @returns a whole node, type's name and all; undefined when there is nothing to do
 */
export type Rule = (fields: TreeObject, context: RuleContext) => TreeObject | undefined;

/** Whether the schema is on a server older than `version`. */
export function isBefore(version: number, context: RuleContext): boolean {
  return context.server !== null && context.server < version;
}

/** The argument of a cast to `type` as PostgreSQL writes it (`…::text`), or undefined for any other node. */
export function castTo(type: string, node: unknown): unknown {
  const cast = isTreeObject(node) ? node.TypeCast : undefined;
  if (!isTreeObject(cast) || !isTreeObject(cast.typeName)) return undefined;
  const { names, arrayBounds } = cast.typeName;
  const isPlain = arrayBounds === undefined && Array.isArray(names) && names.length === 1;
  return isPlain && names[0]?.String?.sval === type ? cast.arg : undefined;
}

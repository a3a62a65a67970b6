/** Reading a parse tree as plain JSON: guards and getters, so that no shape has to be taken on trust. */

export type TreeObject = Readonly<Record<string, unknown>>;

/** A node is JSON of our own making, so it may be changed by whoever holds it; see canonical.ts. */
export function isTreeObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at a key, or an empty one. */
export function objectAt(tree: unknown, key: string): TreeObject {
  const value = isTreeObject(tree) ? tree[key] : undefined;
  return isTreeObject(value) ? value : {};
}

/** The list at a key, or an empty one. */
export function listAt(tree: unknown, key: string): readonly unknown[] {
  const value = isTreeObject(tree) ? tree[key] : undefined;
  return Array.isArray(value) ? value : [];
}

export function stringAt(tree: unknown, key: string): string | undefined {
  const value = isTreeObject(tree) ? tree[key] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** Protocol-buffer JSON leaves out a zero, so what is not there counts as 0. */
export function numberAt(tree: unknown, key: string): number {
  const value = isTreeObject(tree) ? tree[key] : undefined;
  return typeof value === "number" ? value : 0;
}

/** `{"ColumnRef": {…}}` → `["ColumnRef", {…}]`; a node of the tree is wrapped in the name of its type. */
export function unwrap(node: unknown): readonly [type: string, fields: TreeObject] {
  if (isTreeObject(node)) {
    for (const type in node) return [type, objectAt(node, type)];
  }
  return ["", {}];
}

/** The strings of a list of `String` nodes: the parts of a qualified name. */
export function namesIn(list: readonly unknown[]): string[] {
  return list.map((node) => stringAt(objectAt(node, "String"), "sval") ?? "");
}

/** A list of `String` nodes. */
export function nameList(names: readonly string[]): unknown[] {
  return names.map((name) => ({ String: { sval: name } }));
}

/** `value` without one key. */
export function without(value: TreeObject, key: string): TreeObject {
  const { [key]: _, ...rest } = value;
  return rest;
}

/** Values that a transaction adds to an enum: it may not use them before it has committed (55P04). */
import type { Node } from "libpg-query";
import { isTreeObject, objectAt, stringAt } from "../../schema/tree.js";
import { namesOf, option } from "./effect.js";
import { nameOf } from "./lock.js";

/** What the statements of one transaction have done to enums so far. */
export class EnumValues {
  readonly #made = new Set<string>();
  /** The type by the value. */
  readonly #added = new Map<string, string>();

  /** @param serverVersion from PostgreSQL 17 on, a value of a type that the same transaction makes may be used at once */
  constructor(private readonly serverVersion: number) {}

  /** Notes what a statement does. */
  note(node: Node): void {
    if ("CreateEnumStmt" in node && this.serverVersion >= 170_000)
      this.#made.add(typeIn(node.CreateEnumStmt.typeName));
    if (!("AlterEnumStmt" in node)) return;
    const { typeName, oldVal, newVal } = node.AlterEnumStmt;
    const type = typeIn(typeName);
    if (oldVal === undefined && newVal !== undefined && !this.#made.has(type)) this.#added.set(newVal, type);
  }

  /**
   * Finds a value, added before, that a statement may use: as a constant, within an array's or a row's, or in code
   * that the server runs or checks at once.
   */
  usedBy(node: Node): { readonly value: string; readonly type: string } | null {
    if (this.#added.size === 0) return null;
    const texts = [...constantsIn(node)];
    const code = codeOf(node);
    for (const [value, type] of this.#added) {
      const quoted = `'${value.replaceAll("'", "''")}'`;
      if (code?.includes(quoted)) return { value, type };
      if (texts.some((text) => text === value || (/^[{(]/.test(text) && text.includes(value))))
        return { value, type };
    }
    return null;
  }
}

function typeIn(names: readonly Node[] | undefined): string {
  return nameOf((names ?? []).flatMap(namesOf));
}

/** A DO block runs at once, a function in SQL is checked with its constants; one in PL/pgSQL is only parsed. */
function codeOf(node: Node): string | undefined {
  if ("DoStmt" in node) return namesOf(option(node.DoStmt.args, "as")?.arg)[0];
  if (!("CreateFunctionStmt" in node)) return undefined;
  const { options } = node.CreateFunctionStmt;
  const isSql = namesOf(option(options, "language")?.arg)[0] === "sql";
  return isSql ? namesOf(option(options, "as")?.arg)[0] : undefined;
}

function* constantsIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* constantsIn(item);
    return;
  }
  if (!isTreeObject(value)) return;
  const text = stringAt(objectAt(objectAt(value, "A_Const"), "sval"), "sval");
  if (text !== undefined) yield text;
  for (const child of Object.values(value)) yield* constantsIn(child);
}

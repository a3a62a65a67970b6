/** Renames: what is dropped and what is added may be one thing under another name, and then keeps its rows. */

import { changeBetween } from "../../deltas/write/enum-renames.js";
import { nameSql, objectSql } from "../../deltas/write/names.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import {
  diffSchemas,
  type ObjectChange,
  type Schema,
  type SchemaDiff,
  type SchemaObject,
} from "../../schema/index.js";
import { qualified } from "../../schema/names.js";

/** Something that is gone and something that came, alike but for the name. */
export interface RenameCandidate {
  /** e.g. `column`, `table`. */
  readonly kind: string;
  /** e.g. `shop.orders.note`. */
  readonly from: string;
  readonly to: string;
  /** Whether each is like no other. */
  readonly isCertain: boolean;
  /** The statement that gives the new name. */
  readonly sql: string;
}

/** `ask` where somebody can be asked, and never otherwise. */
export const RENAME_MODES = ["ask", "never", "always"] as const;
export type RenameMode = (typeof RENAME_MODES)[number];

export interface RenameOptions {
  /** What is done about possible renames, `ask` unless given. */
  readonly renames?: RenameMode | undefined;
  /** Asks whether one is meant. */
  readonly askRename?: ((candidate: RenameCandidate) => Promise<boolean>) | undefined;
}

/** What holds neither rows nor a state is dropped and made anew without a loss, so nobody needs to be asked. */
const DATALESS: ReadonlySet<string> = new Set([
  "index",
  "constraint",
  "view",
  "materialized view",
  "type",
  "domain",
]);

/** Chooses among possible renames, each of which is asked about once. */
export class RenameChooser {
  readonly #answers = new Map<string, boolean>();
  readonly #declined = new Map<string, RenameCandidate>();

  constructor(private readonly options: RenameOptions) {}

  /** Possible renames that were not taken. */
  get declined(): readonly RenameCandidate[] {
    return [...this.#declined.values()];
  }

  /** The candidates that are meant. Of those that exclude each other the first one that is. */
  async choose(candidates: readonly RenameCandidate[]): Promise<readonly RenameCandidate[]> {
    const taken = new Set<string>();
    const chosen: RenameCandidate[] = [];
    for (const candidate of candidates) {
      const names = [`${candidate.kind} ${candidate.from}`, `${candidate.kind} ${candidate.to}`];
      if (names.some((name) => taken.has(name))) continue;
      if (!(await this.#isMeant(candidate))) continue;
      for (const name of names) taken.add(name);
      chosen.push(candidate);
    }
    return chosen;
  }

  async #isMeant(candidate: RenameCandidate): Promise<boolean> {
    const key = JSON.stringify([candidate.kind, candidate.from, candidate.to]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = await this.#answer(candidate);
    this.#answers.set(key, answer);
    if (!answer && !DATALESS.has(candidate.kind)) this.#declined.set(key, candidate);
    return answer;
  }

  async #answer(candidate: RenameCandidate): Promise<boolean> {
    const { renames = "ask", askRename } = this.options;
    if (renames === "never") return false;
    if (candidate.isCertain && (renames === "always" || DATALESS.has(candidate.kind))) return true;
    return renames === "ask" && askRename !== undefined && askRename(candidate);
  }
}

/**
 * The candidates that another has found, less the tables that have little in common, and those that the schemas show:
 * tables, columns, indexes, values of enums.
 */
export function likelyRenames(
  candidates: readonly RenameCandidate[],
  from: Schema,
  to: Schema,
): readonly RenameCandidate[] {
  const diff = diffSchemas(from, to);
  const shown = [
    ...renamedTables(diff),
    ...diff.changed.flatMap((change) => [
      ...renamedParts(change, "column", (canonical) =>
        canonical.replace(/"colname":"(?:[^"\\]|\\.)*",?/, ""),
      ),
      ...renamedParts(change, "index", (canonical) => canonical.replace(/"idxname":"(?:[^"\\]|\\.)*",?/, "")),
      ...changeBetween(change.before, change.after),
    ]),
  ];
  const known = new Set(shown.map(keyOf));
  const others = candidates.filter((candidate) => candidate.kind !== "table" && !known.has(keyOf(candidate)));
  return [...shown, ...others];
}

function keyOf({ kind, from, to }: RenameCandidate): string {
  return JSON.stringify([kind, from, to]);
}

/** How much of two tables' columns has to be the same for one to be the other under a new name. */
const ALIKE = 0.7;

function renamedTables({ added, dropped }: SchemaDiff): RenameCandidate[] {
  const tables = (objects: readonly SchemaObject[]) => objects.filter(({ type }) => type === "table");
  const pairs = tables(dropped).flatMap((before) =>
    tables(added)
      .filter((after) => likeness(before, after) >= ALIKE)
      .map((after) => ({ before, after })),
  );
  return pairs.map(({ before, after }) => ({
    kind: "table",
    from: nameOf(before),
    to: nameOf(after),
    isCertain: pairs.filter((pair) => pair.before === before || pair.after === after).length === 1,
    sql: renaming(before, after),
  }));
}

function nameOf({ id, type }: SchemaObject): string {
  return id.slice(type.length + 1);
}

/** To another name, into another schema, or both. */
function renaming(before: SchemaObject, after: SchemaObject): string {
  const table = `ALTER TABLE ${objectSql(before)}`;
  if (before.schema === after.schema) return `${table} RENAME TO ${nameSql(after.name)}`;
  return `${table} SET SCHEMA ${quoteIdentifier(after.schema ?? "public")}`;
}

function likeness(before: SchemaObject, after: SchemaObject): number {
  // Into another schema under another name would be two steps.
  if (before.schema !== after.schema && before.name !== after.name) return 0;
  const [was, is] = [columnsOf(before), columnsOf(after)];
  const same = [...was].filter((column) => is.has(column)).length;
  return same / Math.max(was.size, is.size, 1);
}

function columnsOf({ parts }: SchemaObject): ReadonlySet<string> {
  const columns = parts.filter(({ name }) => name.startsWith("column ") && name !== "column order");
  return new Set(columns.map(({ name, canonical }) => `${name} ${canonical}`));
}

/** A column or an index that is gone and one that came, the same but for the name. */
function renamedParts(
  { before, after, parts }: ObjectChange,
  kind: "column" | "index",
  shapeOf: (canonical: string) => string,
): RenameCandidate[] {
  if (after.type !== "table") return [];
  const found = (change: "added" | "dropped", { parts: all }: SchemaObject) =>
    parts
      .filter((each) => each.change === change && each.part.startsWith(`${kind} `))
      .map(({ part }) => ({
        name: part.slice(kind.length + 1),
        shape: shapeOf(all.find(({ name }) => name === part)?.canonical ?? ""),
      }));
  const [gone, come] = [found("dropped", before), found("added", after)];
  const path = (name: string) =>
    kind === "column" ? `${nameOf(after)}.${name}` : qualified(after.schema, name);
  return gone.flatMap((old) =>
    come
      .filter(({ shape }) => shape === old.shape)
      .map((now, _, alike) => ({
        kind,
        from: path(old.name),
        to: path(now.name),
        isCertain: alike.length === 1 && gone.filter(({ shape }) => shape === old.shape).length === 1,
        sql:
          kind === "column"
            ? `ALTER TABLE ${objectSql(after)} RENAME COLUMN ${nameSql(old.name)} TO ${nameSql(now.name)}`
            : `ALTER INDEX ${objectSql({ schema: after.schema, name: old.name })} RENAME TO ${nameSql(now.name)}`,
      })),
  );
}

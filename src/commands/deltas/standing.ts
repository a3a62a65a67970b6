/** How far the writing has come: what was worked on, held against the target. */
import { cutStatements } from "../../deltas/cut.js";
import type { PlaceOf } from "../../deltas/write/changes.js";
import { plainly, type Way } from "../../deltas/write/written.js";
import { diffSchemas, type Schema, type SchemaDiff, type SchemaObject } from "../../schema/index.js";
import { storedName } from "../../schema/names.js";
import type { SchemaText } from "../live-schema.js";
import type { TrialShadows } from "./trial-shadows.js";

export interface State {
  readonly now: SchemaText;
  readonly schema: Schema;
  /** The target, as it was read or, where that makes a difference, as the shadows' server prints it. */
  readonly target: SchemaText;
  /** What leads from `now` to the target. */
  readonly left: SchemaDiff;
}

export class Standing {
  #target: SchemaText;
  #isPrinted = false;

  constructor(
    private readonly shadows: TrialShadows,
    to: SchemaText,
  ) {
    this.#target = to;
  }

  async look(): Promise<State> {
    const now = await this.shadows.read(this.shadows.work);
    const schema = await now.canonical();
    const left = diffSchemas(schema, await this.#target.canonical());
    if (isNothing(left) || this.#isPrinted) return { now, schema, target: this.#target, left };
    // What only the target's own server prints differently is no difference.
    this.#target = await this.shadows.read(this.shadows.target);
    this.#isPrinted = true;
    return { now, schema, target: this.#target, left: diffSchemas(schema, await this.#target.canonical()) };
  }

  /** What goes when statements are run with CASCADE: PostgreSQL itself says what depends on what. */
  async lostWith(drops: readonly string[], { schema }: State): Promise<SchemaDiff> {
    const after = await this.shadows.readAfter(drops.map((sql) => ({ about: sql, ways: withCascade(sql) })));
    return diffSchemas(schema, await after.canonical());
  }
}

/** User mappings take nothing along, and know no CASCADE. */
function withCascade(sql: string): Way[] {
  const isDrop = sql.startsWith("DROP ") && !sql.startsWith("DROP USER MAPPING ");
  return [[plainly(isDrop ? `${sql} CASCADE` : sql)]];
}

export function isNothing({ added, changed, dropped }: SchemaDiff): boolean {
  return added.length + changed.length + dropped.length === 0;
}

/** Whether nothing has come of what was done in between. */
export function isSame(a: SchemaDiff, b: SchemaDiff): boolean {
  const shape = ({ added, changed, dropped }: SchemaDiff) =>
    JSON.stringify([
      added.map(({ id }) => id),
      dropped.map(({ id }) => id),
      changed.map(({ before, after }) => [after.id, before.checksum]),
    ]);
  return shape(a) === shape(b);
}

/** Tells the place of a statement in a dump; what does not stand there comes last. */
export function placesIn({ text }: SchemaText): PlaceOf {
  let places: Map<string, number> | undefined;
  return (statement) => {
    places ??= new Map(
      cutStatements(text).pieces.map(({ sql, start }) => [sql.replace(/\s*;$/, ""), start] as const),
    );
    return places.get(statement) ?? text.length;
  };
}

/** What would be lost beside what is meant. */
export interface LostData {
  /** Columns with values of their own, by the id of their table and their name as it is stored. */
  readonly columns: readonly { readonly table: string; readonly column: string }[];
  /** The ids of tables. */
  readonly tables: readonly string[];
}

export function dataIn({ changed, dropped }: SchemaDiff, meant: ReadonlySet<string>): LostData {
  const columns = changed.flatMap(({ after, parts }) =>
    parts
      .filter(({ part, change, before }) => change === "dropped" && isData(part, before))
      .map(({ part }) => ({ table: after.id, column: storedName(part.slice("column ".length)) })),
  );
  const tables = dropped.filter(({ id, type }) => type === "table" && !meant.has(id)).map(({ id }) => id);
  return { columns, tables };
}

function isData(part: string, before: string | null): boolean {
  return (
    part.startsWith("column ") && part !== "column order" && !/\bGENERATED ALWAYS AS \(/.test(before ?? "")
  );
}

/** Without what goes by itself: a trigger goes with its view. */
export function withoutTheirParts(objects: readonly SchemaObject[]): SchemaObject[] {
  const ids = new Set(objects.map(({ id }) => id));
  return objects.filter(({ parent }) => parent === null || !ids.has(parent));
}

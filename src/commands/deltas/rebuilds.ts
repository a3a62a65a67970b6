/** Tables that no ALTER leads to what they are to be: which they are, and what makes them anew with their rows. */
import { changeInPlace, droppingOf, inTurn, statementsOf } from "../../deltas/write/changes.js";
import { isPartition, rebuilding } from "../../deltas/write/rebuild.js";
import type { Attempt } from "../../deltas/write/written.js";
import type { SchemaDiff, SchemaObject } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { placesIn, type Standing, type State, withoutTheirParts } from "./standing.js";

/** What of a table is not to be altered where an ALTER has not helped. Constraints, indexes and the like always are. */
const DEFINITION = /^(?:definition|column order|partition$|column )/;

/** The tables that have to be made anew, after all that can be altered was. */
export function tablesToRebuild({ changed }: SchemaDiff): string[] {
  return changed
    .filter(({ after, parts }) => after.type === "table" && parts.some(({ part }) => DEFINITION.test(part)))
    .map(({ after }) => after.id);
}

export interface RebuildAttempts {
  /** Drop all that depends on the tables; it comes back with what else is left to do. */
  readonly clearing: readonly Attempt[];
  /** Makes the tables anew. */
  readonly rebuilding: Attempt;
}

/** Makes tables anew. @returns null where they are not what has to change */
export async function rebuildAttempts(
  ids: ReadonlySet<string>,
  state: State,
  standing: Standing,
  parser: Parser,
): Promise<RebuildAttempts | null> {
  const { now, target, left } = state;
  const wanted = (await target.canonical()).objects;
  const placeNow = placesIn(now);
  const rebuilt = left.changed.flatMap(({ before }) => (ids.has(before.id) ? [before] : []));
  const drops = droppingOf(rebuilt, placeNow, parser).map(({ sql }) => sql);
  if (drops.length === 0) return null;
  const lost = await standing.lostWith(drops, state);
  const tables = lost.dropped.filter(({ type }) => type === "table");
  const moved = new Set(tables.map(({ id }) => id));
  const isOfMoved = ({ parent }: SchemaObject) => parent !== null && moved.has(parent);
  const others = lost.dropped.filter((object) => object.type !== "table" && !isOfMoved(object));
  const parts = lost.changed.flatMap((change) => changeInPlace(change, parser));
  const way = rebuilding(
    {
      tables: tables.map((before) => ({ before, after: wanted.get(before.id) ?? null })),
      schemas: { now: (await now.canonical()).objects, target: wanted },
      added: left.added.filter((object) => isPartition(statementsOf(object, parser).attached)),
      sequences: [...wanted.values()].filter((object) => object.type === "sequence" && isOfMoved(object)),
      placeOf: placesIn(target),
    },
    parser,
  );
  return {
    clearing: [...parts, ...inTurn(droppingOf(withoutTheirParts(others), placeNow, parser))],
    rebuilding: { about: [...ids].join(", "), ways: [way] },
  };
}

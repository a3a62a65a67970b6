/** What the library leaves: differences are found in our own objects, and written from pg_dump's own statements. */
import { changeInPlace, droppingOf, inTurn, makingOf } from "../../deltas/write/changes.js";
import type { Attempt } from "../../deltas/write/written.js";
import type { SchemaObject } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import type { Draft } from "./draft.js";
import {
  dataIn,
  isNothing,
  isSame,
  placesIn,
  type Standing,
  type State,
  withoutTheirParts,
} from "./standing.js";

/** How often it is looked what is left before that is taken for the end. */
const ROUNDS = 12;

/**
 * Works off what differs, in place where that goes, by replacing it otherwise.
 *
 * @returns how it stands at the end
 */
export async function workOff(draft: Draft, standing: Standing, parser: Parser): Promise<State> {
  let state = await standing.look();
  for (let round = 0; round < ROUNDS && !isNothing(state.left); round++) {
    await draft.add(changing(state, parser));
    let next = await standing.look();
    if (isSame(state.left, next.left)) {
      const drops = await takingAway(next, standing, draft, parser);
      if (drops.length === 0 || (await draft.add(drops)) === 0) return next;
      next = await standing.look();
    }
    state = next;
  }
  return state;
}

/** Changes in place, drops, makes. */
function changing({ now, target, left }: State, parser: Parser): Attempt[] {
  return [
    ...inTurn(droppingOf(left.dropped, placesIn(now), parser)),
    ...inTurn(makingOf(left.added, placesIn(target), parser)),
    ...left.changed.flatMap((change) => changeInPlace(change, parser)),
  ];
}

/** Drops what can only be made anew, and all that depends on it; what is to be there is made in the next round. */
async function takingAway(
  state: State,
  standing: Standing,
  draft: Draft,
  parser: Parser,
): Promise<Attempt[]> {
  const { now, left } = state;
  const replaced = [...left.changed.map(({ before }) => before), ...left.dropped].filter(isReplaceable);
  const statements = droppingOf(replaced, placesIn(now), parser).map(({ sql }) => sql);
  if (statements.length === 0) return [];
  const lost = await standing.lostWith(statements, state);
  const data = dataIn(lost, new Set(left.dropped.map(({ id }) => id)));
  if (data.length > 0) {
    for (const { id } of replaced) draft.explain(id, `dropping it would take along ${data.join(", ")}`);
    return [];
  }
  const parts = lost.changed.flatMap((change) => changeInPlace(change, parser));
  return [...parts, ...inTurn(droppingOf(withoutTheirParts(lost.dropped), placesIn(now), parser))];
}

/** Tables hold rows, and are never dropped to be made anew; extensions hold what tables are made of. */
function isReplaceable({ type }: SchemaObject): boolean {
  return type !== "table" && type !== "schema" && type !== "extension";
}

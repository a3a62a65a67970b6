/** What the library leaves: differences are found in our own objects, and written from pg_dump's own statements. */
import { changingOver, isOfColumns } from "../../deltas/write/aside.js";
import { changeInPlace, droppingOf, inTurn, makingOf } from "../../deltas/write/changes.js";
import { type Attempt, plainly } from "../../deltas/write/written.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { SchemaObject } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import type { Draft } from "./draft.js";
import {
  dataIn,
  isNothing,
  isSame,
  type LostData,
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
  if (data.tables.length + data.columns.length > 0) return changeOverEach(state, standing, draft, parser);
  const parts = lost.changed.flatMap((change) => changeInPlace(change, parser));
  const drops = inTurn(droppingOf(withoutTheirParts(lost.dropped), placesIn(now), parser));
  return [...parts, ...drops.map(orWithItsFunctions)];
}

/** A base type and its functions depend on each other. */
function orWithItsFunctions(attempt: Attempt): Attempt {
  const [[only] = []] = attempt.ways;
  if (only === undefined || !only.sql.startsWith("DROP TYPE ")) return attempt;
  return { ...attempt, ways: [...attempt.ways, [plainly(`${only.sql} CASCADE`)]] };
}

/** One by one, so that those with rows behind them hold up no others. */
async function changeOverEach(
  state: State,
  standing: Standing,
  draft: Draft,
  parser: Parser,
): Promise<Attempt[]> {
  const { now, target, left } = state;
  const wanted = await target.canonical();
  for (const change of left.changed.filter(({ before }) => isReplaceable(before))) {
    const drops = droppingOf([change.before], placesIn(now), parser).map(({ sql }) => sql);
    const lost = await standing.lostWith(drops, state);
    const data = dataIn(lost, new Set());
    const others = lost.dropped.filter(({ id }) => id !== change.before.id);
    const clearing = [
      ...sparing(
        lost.changed.flatMap((each) => changeInPlace(each, parser)),
        data,
      ),
      ...inTurn(droppingOf(withoutTheirParts(others), placesIn(now), parser)),
    ];
    if (data.tables.length + data.columns.length === 0) {
      return [...clearing, ...inTurn(droppingOf([change.before], placesIn(now), parser))];
    }
    const over = isOfColumns(change) ? changingOver(change, data.columns, wanted, parser) : [];
    if (data.tables.length === 0 && over.length > 0) return [...clearing, ...over];
    const along = [
      ...data.columns.map(({ table, column }) => `column ${column} of ${table}`),
      ...data.tables,
    ];
    draft.explain(change.after.id, `dropping it would take along ${along.join(", ")}`);
  }
  return [];
}

/** The columns stay; what is said of them beside goes with what they are made of. */
function sparing(attempts: readonly Attempt[], { columns }: LostData): Attempt[] {
  const spared = new Set(
    columns.map(({ table, column }) => `${table} DROP COLUMN ${quoteIdentifier(column)}`),
  );
  const isSpared = ({ about, ways }: Attempt) => {
    const [only] = ways[0] ?? [];
    const drop = / DROP COLUMN .*$/s.exec(only?.sql ?? "")?.[0];
    return drop !== undefined && spared.has(`${about}${drop}`);
  };
  return attempts.filter((attempt) => !isSpared(attempt));
}

/** Tables hold rows, and are never dropped to be made anew; extensions hold what tables are made of. */
function isReplaceable({ type }: SchemaObject): boolean {
  return type !== "table" && type !== "schema" && type !== "extension";
}

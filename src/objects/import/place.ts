/**
 * Where objects go that the tree has no kind for: operators, casts, text search, servers, publications.
 *
 * What needs no object of the tree is made before all of them, in `initial/`. So is what such an object needs, together
 * with the types and functions that it needs itself. Everything else comes after them, in `final/`.
 */
import type { KindType } from "../kinds.js";
import type { Unit } from "./gather.js";
import type { NeedIndex } from "./mentions.js";

/** Units by where they go; those in neither set have files of their own. */
export interface Placement {
  /** Objects of the tree's kinds among them. */
  readonly initial: ReadonlySet<Unit>;
  readonly final: ReadonlySet<Unit>;
  /** Schemas and extensions that have to be there before what is in `initial`, and `public` where something is said of it. */
  readonly before: ReadonlySet<Unit>;
  /** Units that are needed by objects, and need some that are not made before all others. */
  readonly torn: readonly Unit[];
}

/** What may be made before all else where something there needs it. Rows may not, nor what is made of them. */
const MOVABLE: ReadonlySet<KindType> = new Set<KindType>([
  "type",
  "domain",
  "function",
  "procedure",
  "aggregate",
]);

/**
 * Decides between `initial/` and `final/`.
 *
 * @param units in the order of the dump
 * @param index what they need
 */
export function placeLoose(units: readonly Unit[], index: NeedIndex): Placement {
  const loose = units.filter(({ name }) => name === null);
  const named = new Set(units.filter(({ name }) => name !== null).flatMap((unit) => index.needs(unit)));
  const initial = new Set<Unit>();
  const torn: Unit[] = [];
  for (const unit of loose) {
    const all = [...index.closure(unit)];
    const isFree = all.every(({ name }) => name === null);
    if (!isFree && !named.has(unit) && !isUsedUnnamed(unit)) continue;
    if (all.every(({ name }) => name === null || MOVABLE.has(name.type)))
      for (const one of all) initial.add(one);
    else if (named.has(unit)) torn.push(unit);
  }
  const final = new Set(loose.filter((unit) => !initial.has(unit)));
  const isClosed = [...initial].every((unit) => index.isClosed(unit));
  return { initial, final, before: neededBefore(units, initial, isClosed), torn };
}

/** What something needs and the dump does not make is brought by an extension; nothing says which. */
function neededBefore(
  units: readonly Unit[],
  initial: ReadonlySet<Unit>,
  isClosed: boolean,
): ReadonlySet<Unit> {
  const schemas = new Set([...initial].map(({ address }) => address.schema));
  return new Set(
    units.filter(({ name, statements, grants }) => {
      if (name?.type === "extension") return !isClosed;
      if (name?.type !== "schema") return false;
      const [schema = ""] = name.parts;
      // It is there in a new database, so its script would not be run.
      const isPublic = schema === "public" && statements.length + grants.length > 0;
      return !isClosed || schemas.has(schema) || isPublic;
    }),
  );
}

/** A cast may be used where none is written, and so may the operator class that a type's indexes take by default. */
function isUsedUnnamed({ address: { type }, statements }: Unit): boolean {
  return (
    type === "cast" || (type === "operator class" && statements.some(({ tree }) => tree.isDefault === true))
  );
}

/** Rules about an object of which several statements say something. */
import type { Fragment } from "../statements/fragment.js";
import { OWNED_BY, PERSISTENCE } from "../statements/relations.js";
import { listAt, numberAt, objectAt, stringAt, unwrap } from "../tree.js";

/**
 * A sequence that a column owns is as the table is: 15 and later have it unlogged with the table, earlier servers know
 * none that is unlogged.
 * Bridges 14 and earlier, and 15 and later.
 */
export function withoutOwnersPersistence(fragments: readonly Fragment[]): readonly Fragment[] {
  if (!fragments.some(({ part }) => part === PERSISTENCE)) return fragments;
  const isOwned = fragments.some(({ part }) => part === OWNED_BY);
  return isOwned ? fragments.filter(({ part }) => part !== PERSISTENCE) : fragments;
}

/**
 * A copy of an identity column (`LIKE … INCLUDING IDENTITY`) has the bounds of its type spelled out, for its sequence is
 * of a wider type until it is dumped and restored.
 * Bridges a database, and the one restored from its dump.
 */
export function withoutTypesBounds(fragments: readonly Fragment[]): readonly Fragment[] {
  if (!fragments.some(isBoundedIdentity)) return fragments;
  const columns = new Map(
    fragments.flatMap(({ part, canonical }) => {
      const type = /"typeName":\{"names":\[\{"String":\{"sval":"pg_catalog"\}\},\{"String":\{"sval":"(\w+)"/;
      const [, name] = canonical.startsWith('{"colname":') ? (type.exec(canonical) ?? []) : [];
      return name === undefined ? [] : [[part, name] as const];
    }),
  );
  return fragments.map((fragment) => {
    const bound = BOUNDS.get(columns.get(fragment.part) ?? "");
    if (bound === undefined || !isBoundedIdentity(fragment)) return fragment;
    return { ...fragment, canonical: withoutBounds(fragment.canonical, bound) };
  });
}

function isBoundedIdentity({ canonical }: Fragment): boolean {
  return canonical.startsWith(IDENTITY) && /"defname":"(?:max|min)value"/.test(canonical);
}

/** How the tree of an identity column begins. */
const IDENTITY = '{"Constraint":{"contype":"CONSTR_IDENTITY",';

/** The largest value of a type. */
const BOUNDS: ReadonlyMap<string, number> = new Map([
  ["int2", 2 ** 15 - 1],
  ["int4", 2 ** 31 - 1],
]);

function withoutBounds(canonical: string, largest: number): string {
  const [type, constraint] = unwrap(JSON.parse(canonical));
  const isBound = (node: unknown) => {
    const { defname, arg } = objectAt(node, "DefElem");
    const value = numberOf(arg);
    return (
      (defname === "maxvalue" && value === largest) || (defname === "minvalue" && value === -largest - 1)
    );
  };
  const options = listAt(constraint, "options").filter((node) => !isBound(node));
  return JSON.stringify({ [type]: { ...constraint, options } });
}

function numberOf(arg: unknown): number {
  const float = stringAt(objectAt(arg, "Float"), "fval");
  return float === undefined ? numberAt(objectAt(arg, "Integer"), "ival") : Number(float);
}

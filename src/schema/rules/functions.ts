/** Calls that PostgreSQL prints in SQL's own words or as plain functions, depending on the version. */
import { isTreeObject, listAt, nameList, namesIn, objectAt, stringAt, type TreeObject } from "../tree.js";
import { castTo, isBefore, type Rule } from "./context.js";

/**
 * `pg_catalog.btrim(…)`, which is what `TRIM(…)` is parsed to, and `btrim(…)` are one function: pg_dump empties
 * the search path, so a name without a schema is always one of pg_catalog.
 * Bridges 13 (prints `btrim(x, y)`, `timezone('UTC', x)`) and 14 and later (`TRIM(BOTH y FROM x)`, `x AT TIME ZONE 'UTC'`).
 */
export const systemFunctionName: Rule = (call) => {
  const names = namesIn(listAt(call, "funcname"));
  if (names.length !== 2 || names[0] !== "pg_catalog") return undefined;
  return { FuncCall: { ...call, funcname: nameList(names.slice(1)) } };
};

/** The only name of a function of pg_catalog. */
function systemName(call: TreeObject): string | undefined {
  const names = namesIn(listAt(call, "funcname"));
  return names.length === 1 ? names[0] : undefined;
}

function stringConstant(node: unknown): string | undefined {
  return stringAt(objectAt(objectAt(node, "A_Const"), "sval"), "sval");
}

function constant(value: string): TreeObject {
  return { A_Const: { sval: { sval: value } } };
}

/** Which argument is a bare word in SQL's own syntax: `NORMALIZE(x, NFKC)`, `EXTRACT(year FROM x)`. */
const WORD_ARGUMENT: ReadonlyMap<string, number> = new Map([
  ["normalize", 1],
  ["is_normalized", 1],
  ["extract", 0],
]);

/**
 * `"normalize"(x, 'nfkc'::text)` is `NORMALIZE(x, NFKC)`. Forms and fields have no case.
 * Bridges 13 (a string) and 14 and later (a word).
 */
export const wordArguments: Rule = (call) => {
  const position = WORD_ARGUMENT.get(systemName(call) ?? "");
  const args = listAt(call, "args");
  const word = position === undefined ? undefined : args[position];
  const text = stringConstant(castTo("text", word) ?? word);
  if (text === undefined) return undefined;
  const plain = text.toLowerCase();
  if (stringConstant(word) === plain) return undefined;
  return {
    FuncCall: { ...call, args: args.map((arg, index) => (index === position ? constant(plain) : arg)) },
  };
};

/**
 * On a server before 14, `date_part('year', x)` is what EXTRACT(year FROM x) was stored as, since there was no
 * other function. From 14 on the two differ (double precision and numeric), and stay apart.
 * Bridges 13 and 14 and later.
 */
export const extractBefore14: Rule = (call, context) => {
  if (!isBefore(14, context) || systemName(call) !== "date_part") return undefined;
  const [field, ...rest] = listAt(call, "args");
  if (stringConstant(castTo("text", field)) === undefined) return undefined;
  return { FuncCall: { ...call, funcname: nameList(["extract"]), args: [field, ...rest] } };
};

/** Functions on text that are nearly always written in SQL's own syntax. */
const SHOWS_NO_IMPLICIT_CAST: ReadonlySet<string> = new Set([
  "btrim",
  "is_normalized",
  "normalize",
  "overlay",
  "position",
]);

/**
 * A plain call shows the implicit cast of a `varchar` or a domain to text, SQL's own syntax does not:
 * `"position"((x)::text, ' '::text)` and `POSITION((' '::text) IN (x))`.
 * Bridges 13 and 14 and later. It changes trees of 13 only, so from 14 on no cast is ever lost.
 */
export const implicitCastBefore14: Rule = (call, context) => {
  if (!isBefore(14, context) || !SHOWS_NO_IMPLICIT_CAST.has(systemName(call) ?? "")) return undefined;
  const args = listAt(call, "args");
  const bare = args.map((arg) => {
    const inner = castTo("text", arg);
    return inner === undefined || (isTreeObject(inner) && "A_Const" in inner) ? arg : inner;
  });
  return bare.some((arg, index) => arg !== args[index]) ? { FuncCall: { ...call, args: bare } } : undefined;
};

/** Names that a rule looks for: what stands in their place would be read in another way. */
export const NAMES_WITH_A_MEANING: ReadonlySet<string> = new Set([
  ...WORD_ARGUMENT.keys(),
  ...SHOWS_NO_IMPLICIT_CAST,
  "date_part",
  "pg_catalog",
  "text",
]);

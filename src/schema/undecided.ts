/** Which differences a text cannot decide. */
import type { PartChange, SchemaDiff } from "./diff.js";
import type { SchemaObject } from "./objects.js";

/**
 * What a server prints anew from the expression it has stored, and not as it was written: `x IN ('a', 'b')` comes
 * back as `x = ANY (ARRAY['a', 'b'])`, and that, loaded and printed again, with other casts.
 */
const EXPRESSION =
  /"(?:A_Expr|FuncCall|TypeCast|BoolExpr|NullTest|BooleanTest|SubLink|CaseExpr|CoalesceExpr|MinMaxExpr|RowExpr|A_ArrayExpr|A_Indirection|SQLValueFunction|SelectStmt)"/;

/**
 * How far the texts of two schemas tell whether they are the same.
 *
 * - `same`: there is no difference
 * - `different`: something is in only one of them, or differs where no expression is; some of what differs
 *   besides may still be the same
 * - `undecided`: all that differs is how a server printed what both have
 * - `partly`: as `different`, and some of what differs might be the same all the same
 */
export type Verdict = "same" | "different" | "undecided" | "partly";

/**
 * Judges the difference of two schemas.
 *
 * @param sameServer whether servers of one major version printed both; other versions print other things still
 */
export function verdictOf({ added, changed, dropped }: SchemaDiff, sameServer: boolean): Verdict {
  const parts = changed.flatMap(({ before, after, parts: all }) =>
    all.map((part) => isPrinted(part, before, after, sameServer)),
  );
  const certain = added.length > 0 || dropped.length > 0 || parts.includes(false);
  if (!parts.includes(true)) return certain ? "different" : "same";
  return certain ? "partly" : "undecided";
}

function isPrinted(
  { part, change }: PartChange,
  before: SchemaObject,
  after: SchemaObject,
  sameServer: boolean,
): boolean {
  if (change !== "changed") return false;
  if (!sameServer) return true;
  return [before, after].some((object) =>
    EXPRESSION.test(object.parts.find(({ name }) => name === part)?.canonical ?? ""),
  );
}

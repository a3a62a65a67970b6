/** Which differences a text cannot decide. */
import type { SchemaDiff } from "./diff.js";

/**
 * What a server prints anew from the expression it has stored, and not as it was written: `x IN ('a', 'b')` comes
 * back as `x = ANY (ARRAY['a', 'b'])`, and that, loaded and printed again, with other casts.
 */
const EXPRESSION =
  /"(?:A_Expr|FuncCall|TypeCast|BoolExpr|NullTest|BooleanTest|SubLink|CaseExpr|CoalesceExpr|MinMaxExpr|RowExpr|A_ArrayExpr|A_Indirection|SQLValueFunction|SelectStmt)"/;

/**
 * Whether two schemas that differ might be the same all the same: something that both have is told differently,
 * and a server printed it. What only one of them has no server can talk away.
 *
 * @param sameServer whether servers of one major version printed both; other versions print other things still
 */
export function isUndecided({ changed }: SchemaDiff, sameServer: boolean): boolean {
  return changed.some(({ before, after, parts }) =>
    parts.some(({ part, change }) => {
      if (change !== "changed") return false;
      if (!sameServer) return true;
      const canonical = [before, after].map(
        (object) => object.parts.find(({ name }) => name === part)?.canonical ?? "",
      );
      return canonical.some((text) => EXPRESSION.test(text));
    }),
  );
}

/** Whether a default has to be computed for every row that is there. */
import { isTreeObject, listAt, namesIn, stringAt } from "../../schema/tree.js";

/**
 * Functions of PostgreSQL's own that are stable or immutable and at home in defaults. Any other may be volatile:
 * a function of the user's is, unless it was declared otherwise.
 */
export const NOT_VOLATILE: ReadonlySet<string> = new Set([
  "abs",
  "age",
  "array_fill",
  "array_length",
  "array_to_string",
  "btrim",
  "ceil",
  "concat",
  "concat_ws",
  "current_setting",
  "daterange",
  "date_part",
  "date_trunc",
  "floor",
  "format",
  "hstore",
  "int4range",
  "int8range",
  "json_build_array",
  "json_build_object",
  "jsonb_build_array",
  "jsonb_build_object",
  "length",
  "lower",
  "ltrim",
  "make_date",
  "make_interval",
  "make_time",
  "make_timestamp",
  "make_timestamptz",
  "md5",
  "now",
  "numrange",
  "replace",
  "round",
  "rtrim",
  "sha256",
  "split_part",
  "statement_timestamp",
  "string_to_array",
  "substr",
  "substring",
  "timezone",
  "to_char",
  "to_date",
  "to_json",
  "to_jsonb",
  "to_number",
  "to_timestamp",
  "to_tsvector",
  "transaction_timestamp",
  "translate",
  "trunc",
  "tsrange",
  "tstzrange",
  "upper",
]);

/** The functions in an expression that may be volatile, by name. */
export function maybeVolatile(expression: unknown): string[] {
  if (Array.isArray(expression)) return expression.flatMap(maybeVolatile);
  if (!isTreeObject(expression)) return [];
  const found: string[] = [];
  for (const [type, value] of Object.entries(expression)) {
    if (type === "FuncCall") {
      const name = namesIn(listAt(value, "funcname"));
      if (!isNotVolatile(name)) found.push(name.join("."));
    }
    // CURRENT_TIMESTAMP and its like are stable; what remains volatile is called as a function.
    if (stringAt(value, "op")?.startsWith("SVFOP_") !== true) found.push(...maybeVolatile(value));
  }
  return found;
}

function isNotVolatile(name: readonly string[]): boolean {
  const last = name.at(-1) ?? "";
  const isBuiltIn = name.length === 1 || name[0] === "pg_catalog";
  return isBuiltIn && NOT_VOLATILE.has(last);
}

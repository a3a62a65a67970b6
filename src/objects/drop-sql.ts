/** The statements that drop objects. */
import { quoteIdentifier } from "../postgres/quote.js";
import { kindOf } from "./kinds.js";
import { type Existing, keyOf } from "./state.js";

/**
 * @param signatures of functions, as the server has them quoted
 * @example dropSql(view, new Map()) // → `DROP VIEW "public"."view0"`
 */
export function dropSql(existing: Existing, signatures: ReadonlyMap<string, string>): string {
  const { type, parts } = existing.name;
  const quoted = parts.map(quoteIdentifier);
  const last = quoted.at(-1) ?? "";
  const before = quoted.slice(0, -1).join(".");
  switch (type) {
    case "function":
    case "procedure":
    case "aggregate":
      return `DROP ROUTINE ${signatures.get(keyOf(existing)) ?? quoted.join(".")}`;
    case "constraint":
      return `ALTER TABLE ${before} DROP CONSTRAINT ${last}`;
    case "trigger":
    case "rule":
    case "policy":
      return `DROP ${kindOf(type).sql} ${last} ON ${before}`;
    default:
      return `DROP ${kindOf(type).sql} ${quoted.join(".")}`;
  }
}

/** Values of an enum that may have got another name. */
import type { SchemaObject } from "../../schema/index.js";
import { objectSql } from "./names.js";

export interface ValueRename {
  readonly kind: "value";
  readonly from: string;
  readonly to: string;
  readonly isCertain: boolean;
  readonly sql: string;
}

/**
 * The values that are gone and those that stand in their places.
 *
 * @returns nothing where values were added or taken away besides
 */
export function changeBetween(before: SchemaObject, after: SchemaObject): ValueRename[] {
  const [was, is] = [valuesOf(before), valuesOf(after)];
  if (was === null || is === null || was.length !== is.length) return [];
  const changed = was.flatMap((value, index): [string, string][] => {
    const now = is[index];
    return now === undefined || now === value ? [] : [[value, now]];
  });
  // Values that only changed places are none that got a name.
  if (changed.some(([value, now]) => is.includes(value) || was.includes(now))) return [];
  const name = after.id.slice(after.type.length + 1);
  return changed.map(([value, now]) => ({
    kind: "value",
    from: `${name} ${literal(value)}`,
    to: `${name} ${literal(now)}`,
    isCertain: changed.length === 1,
    sql: `ALTER TYPE ${objectSql(after)} RENAME VALUE ${literal(value)} TO ${literal(now)}`,
  }));
}

function valuesOf({ parts }: SchemaObject): string[] | null {
  const order = parts.find(({ name }) => name === "order of values");
  if (order === undefined) return null;
  const values: unknown = JSON.parse(order.canonical);
  return Array.isArray(values) ? values.map(String) : null;
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

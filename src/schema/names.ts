/** Names as a person reads them: quoted only where PostgreSQL would need it, types under their SQL names. */
import { isTreeObject, listAt, namesIn, stringAt, unwrap } from "./tree.js";

/** A name that needs no quotes, keywords aside: this is for reading and for ids, not for SQL. */
const PLAIN = /^[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*$/;

/** An identifier for ids and messages; two different ones never read the same. */
export function readable(name: string): string {
  return PLAIN.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** The stored name behind a readable one. */
export function storedName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

export function qualified(schema: string | null, name: string): string {
  return schema === null ? name : `${readable(schema)}.${name}`;
}

/** https://www.postgresql.org/docs/current/datatype.html, table of names and aliases. */
const SQL_NAMES: ReadonlyMap<string, string> = new Map([
  ["bool", "boolean"],
  ["bpchar", "character"],
  ["float4", "real"],
  ["float8", "double precision"],
  ["int2", "smallint"],
  ["int4", "integer"],
  ["int8", "bigint"],
  ["timetz", "time with time zone"],
  ["timestamptz", "timestamp with time zone"],
  ["time", "time without time zone"],
  ["timestamp", "timestamp without time zone"],
  ["varbit", "bit varying"],
  ["varchar", "character varying"],
]);

/** A `TypeName` as text, e.g. `timestamp with time zone[]`; modifiers such as a length are left out. */
export function typeText(typeName: unknown): string {
  const [type, fields] = unwrap(typeName);
  const own = type === "TypeName" ? fields : typeName;
  const names = namesIn(listAt(own, "names"));
  const last = names.at(-1) ?? "";
  const isBuiltIn = names.length === 2 && names[0] === "pg_catalog";
  const text = isBuiltIn ? (SQL_NAMES.get(last) ?? readable(last)) : names.map(readable).join(".");
  return text + "[]".repeat(listAt(own, "arrayBounds").length);
}

const IN_SIGNATURE: ReadonlySet<string> = new Set([
  "FUNC_PARAM_IN",
  "FUNC_PARAM_INOUT",
  "FUNC_PARAM_VARIADIC",
  "FUNC_PARAM_DEFAULT",
]);

/** The argument types that tell a function from its namesakes: those of input parameters. */
export function signatureOf(parameters: readonly unknown[]): string {
  const types: string[] = [];
  for (const node of parameters) {
    const [, parameter] = unwrap(node);
    if (!isTreeObject(parameter) || !IN_SIGNATURE.has(stringAt(parameter, "mode") ?? "")) continue;
    types.push(typeText(parameter.argType));
  }
  return `(${types.join(", ")})`;
}

/** Sequences as people write them: what PostgreSQL takes unless told otherwise is left out. */
import { listAt, namesIn, objectAt, stringAt, type TreeObject } from "../../schema/tree.js";

const OPTION =
  /^(?:SEQUENCE NAME .+|AS \w+|START WITH -?\d+|INCREMENT BY -?\d+|NO (?:MIN|MAX)VALUE|(?:MIN|MAX)VALUE -?\d+|CACHE \d+|CYCLE)$/;

/**
 * The options of a sequence less its defaults.
 *
 * @param lines one option each, as pg_dump writes them
 * @returns the lines as they are where one of them is not understood
 */
export function withoutDefaults(lines: readonly string[]): readonly string[] {
  if (!lines.every((line) => OPTION.test(line))) return lines;
  const defaults = new Set(["INCREMENT BY 1", "NO MINVALUE", "NO MAXVALUE", "CACHE 1"]);
  const isRising = lines.some((line) => /^INCREMENT BY \d/.test(line));
  if (isRising && lines.includes("NO MINVALUE")) defaults.add("START WITH 1");
  return lines.filter((line) => !defaults.has(line));
}

/** `CREATE SEQUENCE` with the options that say something. */
export function shortSequence(sql: string): string {
  const [first = "", ...lines] = sql.split("\n");
  const options = withoutDefaults(lines.map((line) => line.trim()));
  return [first, ...options.map((option) => `    ${option}`)].join("\n");
}

/** NAMEDATALEN - 1; PostgreSQL cuts the longer names that it makes itself. */
const LONGEST_NAME = 63;

/** The name that PostgreSQL gives a serial's or an identity column's sequence; null where it would be cut. */
export function ownSequenceName(table: string, column: string): string | null {
  const name = `${table}_${column}_seq`;
  return Buffer.byteLength(name) > LONGEST_NAME ? null : name;
}

/** The sequence in `nextval('shop.orders_id_seq'::regclass)`, as it is written there; empty for any other expression. */
export function nextvalOf(expression: unknown): string {
  const call = objectAt(expression, "FuncCall");
  const [argument] = listAt(call, "args");
  if (namesIn(listAt(call, "funcname")).at(-1) !== "nextval") return "";
  const constant = objectAt(objectAt(objectAt(argument, "TypeCast"), "arg"), "A_Const");
  return stringAt(objectAt(constant, "sval"), "sval") ?? "";
}

/** The value of an option of a statement, e.g. `owned_by`. */
export function optionIn(options: readonly unknown[], name: string): TreeObject {
  const found = options.find((node) => stringAt(objectAt(node, "DefElem"), "defname") === name);
  return objectAt(objectAt(found, "DefElem"), "arg");
}

/** The table and column of `ALTER SEQUENCE … OWNED BY`, as the catalog has them; null for any other. */
export function ownedBy(tree: TreeObject): { schema: string; table: string; column: string } | null {
  const names = namesIn(listAt(objectAt(optionIn(listAt(tree, "options"), "owned_by"), "List"), "items"));
  const [schema, table, column] = names;
  if (schema === undefined || table === undefined || column === undefined) return null;
  return { schema, table, column };
}

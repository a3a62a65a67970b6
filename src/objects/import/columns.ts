/** How a column says of itself what pg_dump says in statements of their own: identities and serials. */
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, namesIn, objectAt, stringAt, unwrap } from "../../schema/tree.js";
import { optionIn, ownSequenceName, shortSequence, withoutDefaults } from "./sequences.js";
import { SqlText } from "./text.js";

/** A column by its place, as the catalog has the names. */
export interface Column {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

/**
 * The clause that makes a column an identity, from `ALTER TABLE … ADD GENERATED`.
 *
 * @example GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5)
 */
export function identityClause(parser: Parser, { sql, tree }: DumpStatement, of: Column): string {
  const [, command] = unwrap(listAt(tree, "cmds")[0]);
  const [, constraint] = unwrap(command.def);
  const when = stringAt(constraint, "generated_when") === "a" ? "ALWAYS" : "BY DEFAULT";
  const text = new SqlText(parser, sql);
  const list = text.parentheses();
  const lines =
    list === null
      ? []
      : text
          .slice(list.start + 1, list.end - 1)
          .trim()
          .split(/\n\s*/);
  const sequence = namesIn(
    listAt(objectAt(optionIn(listAt(constraint, "options"), "sequence_name"), "List"), "items"),
  );
  const isOwnName = sequence[0] === of.schema && sequence[1] === ownSequenceName(of.table, of.column);
  const options = withoutDefaults(lines).filter((line) => !(isOwnName && line.startsWith("SEQUENCE NAME ")));
  return `GENERATED ${when} AS IDENTITY${options.length === 0 ? "" : ` (${options.join(" ")})`}`;
}

/** The serial type for a column's type. */
const SERIALS: ReadonlyMap<string, string> = new Map([
  ["smallint", "smallserial"],
  ["integer", "serial"],
  ["bigint", "bigserial"],
]);

/**
 * The type that makes a column with just such a sequence.
 *
 * @param create the `CREATE SEQUENCE` of the sequence that the column owns and takes its default from
 * @param type the column's type
 * @returns e.g. `bigserial`; null where the sequence is not as a serial's is
 */
export function serialFor({ sql, tree }: DumpStatement, of: Column, type: string): string | null {
  const sequence = objectAt(tree, "sequence");
  const isOwnName =
    stringAt(sequence, "schemaname") === of.schema &&
    stringAt(sequence, "relname") === ownSequenceName(of.table, of.column);
  const [, ...options] = shortSequence(sql).split("\n");
  const expected = type === "bigint" ? "" : `    AS ${type}`;
  const isPlain = stringAt(sequence, "relpersistence") === "p" && options.join("\n") === expected;
  return isOwnName && isPlain ? (SERIALS.get(type) ?? null) : null;
}

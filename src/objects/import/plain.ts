/** The script of an object that one statement makes. */
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { numberAt, objectAt } from "../../schema/tree.js";
import { changing, creating, type Unit } from "./gather.js";
import type { Groups } from "./script.js";
import { ownedBy, shortSequence } from "./sequences.js";
import { isComment } from "./table.js";
import { SqlText } from "./text.js";

/**
 * The groups of an object's script.
 *
 * @param create the statement that makes the object, as the script has it
 * @param options.privileges REVOKE and GRANT that go with the object, not with a role
 * @param options.isShared whether it is a sequence that a column owns, as that column's table says
 */
export function plainScript(
  unit: Unit,
  create: string,
  { privileges, isShared }: { readonly privileges: readonly string[]; readonly isShared: boolean },
): Groups {
  const others = changing(unit).filter(({ tree }) => !(isShared && ownedBy(tree) !== null));
  const isIndex = ({ kind }: DumpStatement) => kind === "IndexStmt";
  const texts = (some: readonly DumpStatement[]) => some.map(({ sql }) => sql);
  return [
    [create],
    texts(others.filter(isIndex)),
    texts(others.filter((statement) => !isIndex(statement) && !isComment(statement))),
    texts(others.filter(isComment)),
    privileges,
  ];
}

/** The statement that makes an object, as people write it in a tree. */
export function creationOf(parser: Parser, unit: Unit): string {
  const create = creating(unit);
  if (create === undefined) throw new RangeError("an object that nothing makes");
  switch (unit.name?.type) {
    case "function":
    case "procedure":
    case "aggregate":
    case "view":
      return orReplace(create);
    case "materialized-view":
      return filled(parser, create);
    case "sequence":
      return shortSequence(create.sql);
    default:
      return create.sql;
  }
}

const REPLACEABLE = /^CREATE (?=FUNCTION |PROCEDURE |AGGREGATE |VIEW )/;

/** A statement with OR REPLACE, where what it makes knows that. */
export function orReplace({ sql }: DumpStatement): string {
  return sql.replace(REPLACEABLE, "CREATE OR REPLACE ");
}

/** A dump leaves it to whoever loads it to fill a materialized view, and says its access method by a setting. */
function filled(parser: Parser, { sql, tree, start, entry: { accessMethod } }: DumpStatement): string {
  const query = sql.replace(/\s+WITH NO DATA$/, "");
  if (accessMethod === "heap") return query;
  const text = new SqlText(parser, query);
  const place = numberAt(objectAt(objectAt(tree, "into"), "rel"), "location") - start;
  const name = text.tokens.findIndex((token) => token.start === place);
  const end = text.tokens[name + 2]?.end ?? 0;
  return text.with([{ start: end, end, text: ` USING ${accessMethod}` }]);
}

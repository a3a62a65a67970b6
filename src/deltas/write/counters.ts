/** Sequences that are new on a column with rows: they would begin with numbers that are taken. */
import type { Node } from "libpg-query";
import { partsOf, relationSql, sqlName } from "./names.js";
import { tablesMadeBy } from "./online.js";
import { ASIDE } from "./rebuild.js";
import type { Stated } from "./stated.js";
import { plainly, type WrittenStatement } from "./written.js";

/** A column that gets a sequence. */
interface Counted {
  /** As SQL. */
  readonly table: string;
  readonly column: string;
  /** The name of a sequence that it comes to own; null for an identity. */
  readonly sequence: string | null;
}

/** What lets new sequences of tables that are there go on behind their rows. */
export function goingOnBehindRows(statements: readonly Stated[]): WrittenStatement[] {
  const made = tablesMadeBy(statements.map(({ node }) => node));
  const counted = new Map(
    statements
      .flatMap(({ node }) => countedBy(node))
      .filter(({ sequence }) => sequence === null || isNewCounter(sequence, statements))
      .map((each) => [JSON.stringify(each), each] as const),
  );
  return [...counted.values()]
    .filter(({ table }) => !made.has(table) || isRefilled(table, statements))
    .map(({ table, column }) => {
      const name = sqlName([column]);
      const sequence = `pg_catalog.pg_get_serial_sequence(${literal(table)}, ${literal(column)})`;
      const next = `coalesce(pg_catalog.max(${name})::bigint, 0) + 1`;
      return plainly(
        `SELECT pg_catalog.setval(${sequence}, ${next}, false) FROM ${table}`,
        "The new sequence goes on behind the rows that are there.",
      );
    });
}

/** Whether a sequence is made, and a column takes its numbers; one that was there goes on as it did. */
function isNewCounter(sequence: string, statements: readonly Stated[]): boolean {
  const isMade = ({ node }: Stated) =>
    "CreateSeqStmt" in node && node.CreateSeqStmt.sequence?.relname === sequence;
  const isTaken = ({ text }: Stated) => text.includes("nextval(") && text.includes(sequence);
  return statements.some(isMade) && statements.some(isTaken);
}

/** Whether its rows were copied, and no sequence of its old self tells where to go on. */
function isRefilled(table: string, statements: readonly Stated[]): boolean {
  const isCopied = statements.some(
    ({ text }) => text.startsWith(`INSERT INTO ${table} `) && text.includes(`"${ASIDE}".`),
  );
  const goesOn = statements.some(
    ({ text }) => /^SELECT pg_catalog\.setval\(/.test(text) && text.includes(`"${ASIDE}".`),
  );
  return isCopied && !goesOn;
}

function countedBy(node: Node): Counted[] {
  if ("AlterSeqStmt" in node) {
    const owner = node.AlterSeqStmt.options?.find(
      (option) => "DefElem" in option && option.DefElem.defname === "owned_by",
    );
    const list = owner !== undefined && "DefElem" in owner ? owner.DefElem.arg : undefined;
    const parts = list !== undefined && "List" in list ? partsOf(list.List.items) : [];
    const sequence = node.AlterSeqStmt.sequence?.relname ?? "";
    return parts.length < 2
      ? []
      : [{ table: sqlName(parts.slice(0, -1)), column: parts.at(-1) ?? "", sequence }];
  }
  if (!("AlterTableStmt" in node)) return [];
  const { relation, cmds } = node.AlterTableStmt;
  return (cmds ?? []).flatMap((command) =>
    "AlterTableCmd" in command && command.AlterTableCmd.subtype === "AT_AddIdentity"
      ? [{ table: relationSql(relation), column: command.AlterTableCmd.name ?? "", sequence: null }]
      : [],
  );
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

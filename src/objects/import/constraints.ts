/** Which constraints have files of their own: those that cannot stand in the script of their table. */
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, stringAt, unwrap } from "../../schema/tree.js";
import { lateReferences, type Node } from "./circles.js";
import type { Unit } from "./gather.js";
import type { NeedIndex } from "./mentions.js";
import { constraintName, constraintOf, nameKey, referencedTable } from "./table.js";

/**
 * Finds them. A foreign key has a file where the two tables' scripts would need each other in a circle. A check that
 * pg_dump adds when the table is made already calls a function that needs the table, or is not valid yet.
 *
 * @param units all that have files
 * @param hardNeeds what they need that {@link isHard} says
 * @returns for a table, the readable names of the constraints
 */
export function constraintsApart(
  units: readonly Unit[],
  hardNeeds: NeedIndex,
): ReadonlyMap<Unit, ReadonlySet<string>> {
  const tables = units.filter(({ name }) => name?.type === "table");
  const late = new Set(lateReferences(nodesOf(tables, hardNeeds)).map(({ from, to }) => `${from}\n${to}`));
  return new Map(
    tables.map((table) => {
      const isApart = (statement: DumpStatement) => {
        const constraint = constraintOf(statement);
        const target = referencedTable(constraint);
        if (target !== null) return late.has(`${keyOf(table)}\n${nameKey(target)}`);
        return stringAt(constraint, "contype") === "CONSTR_CHECK";
      };
      const apart = table.statements.filter(isApart);
      return [table, new Set(apart.map((statement) => constraintName(constraintOf(statement))))];
    }),
  );
}

function keyOf({ name }: Unit): string {
  return nameKey(name?.parts ?? []);
}

function nodesOf(tables: readonly Unit[], index: NeedIndex): Node[] {
  const isTable = new Set(tables);
  /** Through functions and types, but not through other tables. */
  const tablesBelow = (table: Unit): Set<string> => {
    const found = new Set<Unit>();
    const seen = new Set([table]);
    for (const unit of seen)
      for (const other of index.needs(unit)) (isTable.has(other) ? found : seen).add(other);
    found.delete(table);
    return new Set([...found].map(keyOf));
  };
  return tables.map((table) => {
    const targets = table.statements.map((statement) => referencedTable(constraintOf(statement)));
    const refers = targets.flatMap((target) => (target === null ? [] : [nameKey(target)]));
    return { key: keyOf(table), needs: tablesBelow(table), refers: new Set(refers) };
  });
}

/** Whether a table's script is not to be without a statement: all but what may be added to the table later. */
export function isHard(statement: DumpStatement): boolean {
  if (statement.kind !== "AlterTableStmt") return true;
  const contype = stringAt(constraintOf(statement), "contype");
  const subtype = stringAt(unwrap(listAt(statement.tree, "cmds")[0])[1], "subtype");
  return contype !== "CONSTR_FOREIGN" && contype !== "CONSTR_CHECK" && subtype !== "AT_ColumnDefault";
}

/** Which constraints have files of their own: those that cannot stand in the script of their table. */
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, stringAt, unwrap } from "../../schema/tree.js";
import { lateReferences, type Node } from "./circles.js";
import type { Unit } from "./gather.js";
import { handle, handleOf, mentionsOf } from "./mentions.js";
import { constraintName, constraintOf, referencedTable } from "./table.js";

/**
 * Finds them. A foreign key has a file where the two tables' scripts would need each other in a circle. A check that
 * pg_dump adds when the table is made already calls a function that needs the table, or is not valid yet.
 *
 * @param units all that have files
 * @returns for a table, the readable names of the constraints
 */
export function constraintsApart(units: readonly Unit[]): ReadonlyMap<Unit, ReadonlySet<string>> {
  const tables = units.filter(({ name }) => name?.type === "table");
  const nodes = nodesOf(tables, units);
  const late = new Set(lateReferences(nodes).map(({ from, to }) => `${from}\n${to}`));
  return new Map(
    tables.map((table) => {
      const isApart = (statement: DumpStatement) => {
        const constraint = constraintOf(statement);
        const target = referencedTable(constraint);
        if (target !== null) return late.has(`${handleOf(table)}\n${handle(...target)}`);
        return stringAt(constraint, "contype") === "CONSTR_CHECK";
      };
      const apart = table.statements.filter(isApart);
      return [table, new Set(apart.map((statement) => constraintName(constraintOf(statement))))];
    }),
  );
}

function nodesOf(tables: readonly Unit[], units: readonly Unit[]): Node[] {
  const byHandle = new Map<string, Unit[]>();
  for (const unit of units) {
    const key = handleOf(unit) ?? "";
    byHandle.set(key, [...(byHandle.get(key) ?? []), unit]);
  }
  const mentions = new Map(units.map((unit) => [unit, mentionsOf(unit.statements.filter(isHard))]));
  const isTable = new Set(tables);
  const tablesBelow = (table: Unit): Set<string> => {
    const found = new Set<string>();
    const seen = new Set([table]);
    for (const unit of seen) {
      for (const name of mentions.get(unit) ?? []) {
        for (const other of byHandle.get(name) ?? []) {
          if (isTable.has(other)) found.add(name);
          else seen.add(other);
        }
      }
    }
    found.delete(handleOf(table) ?? "");
    return found;
  };
  return tables.map((table) => {
    const targets = table.statements.map((statement) => referencedTable(constraintOf(statement)));
    const refers = targets.flatMap((target) => (target === null ? [] : [handle(...target)]));
    return { key: handleOf(table) ?? "", needs: tablesBelow(table), refers: new Set(refers) };
  });
}

/** Whether a table's script is not to be without a statement: all but what may be added to the table later. */
function isHard(statement: DumpStatement): boolean {
  if (statement.kind !== "AlterTableStmt") return true;
  const contype = stringAt(constraintOf(statement), "contype");
  const subtype = stringAt(unwrap(listAt(statement.tree, "cmds")[0])[1], "subtype");
  return contype !== "CONSTR_FOREIGN" && contype !== "CONSTR_CHECK" && subtype !== "AT_ColumnDefault";
}

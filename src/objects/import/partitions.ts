/** Indexes of partitioned tables that not every partition has a part of. */
import { readable } from "../../schema/names.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, objectAt, stringAt, type TreeObject, unwrap } from "../../schema/tree.js";
import { creating, type Unit } from "./gather.js";
import { constraintOf, nameKey } from "./table.js";

/**
 * What attaches parts to an index that lacks some. Made with its table it would get the parts that it lacks, so it is
 * made after all partitions; by the readable name of the index, or of the constraint that it is of.
 */
export type Incomplete = ReadonlyMap<string, readonly DumpStatement[]>;

/** Finds the indexes that lack parts, by their tables. */
export function incompleteIndexes(units: readonly Unit[]): ReadonlyMap<Unit, Incomplete> {
  const partitions = new Map<string, Unit[]>();
  const attachments = new Map<string, { readonly of: Unit; readonly statement: DumpStatement }[]>();
  for (const unit of units) {
    for (const statement of unit.statements) {
      const above = attachedTo(statement);
      if (above === null) continue;
      if (stringAt(statement.tree, "objtype") === "OBJECT_INDEX")
        attachments.set(above, [...(attachments.get(above) ?? []), { of: unit, statement }]);
      // A foreign table has no indexes.
      else if (creating(unit)?.kind === "CreateStmt")
        partitions.set(above, [...(partitions.get(above) ?? []), unit]);
    }
  }
  const found = new Map<Unit, Incomplete>();
  for (const unit of units) {
    const parts = partitions.get(nameKey(unit.name?.parts ?? [])) ?? [];
    const [schema = ""] = unit.name?.parts ?? [];
    const lacking = unit.statements.flatMap((statement) => {
      const index = indexOf(statement);
      const attached = index === null ? [] : (attachments.get(nameKey([schema, index])) ?? []);
      const isWhole = parts.every((part) => attached.some(({ of }) => of === part));
      return index === null || isWhole
        ? []
        : [[readable(index), attached.map((one) => one.statement)] as const];
    });
    if (lacking.length > 0) found.set(unit, new Map(lacking));
  }
  return found;
}

/** The table or index that a statement attaches a part to. */
function attachedTo({ kind, tree }: DumpStatement): string | null {
  const [, command] = unwrap(listAt(tree, "cmds")[0]);
  if (kind !== "AlterTableStmt" || stringAt(command, "subtype") !== "AT_AttachPartition") return null;
  return rangeKey(objectAt(tree, "relation"));
}

function rangeKey(range: TreeObject): string {
  return nameKey([stringAt(range, "schemaname") ?? "", stringAt(range, "relname") ?? ""]);
}

/** The name of the index that a statement makes, by itself or for a constraint. */
function indexOf(statement: DumpStatement): string | null {
  if (statement.kind === "IndexStmt") return stringAt(statement.tree, "idxname") ?? null;
  const constraint = constraintOf(statement);
  const isIndex = ["CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION"].includes(
    stringAt(constraint, "contype") ?? "",
  );
  return isIndex ? (stringAt(constraint, "conname") ?? null) : null;
}

/** What takes back an ALTER TABLE that pg_dump wrote. */
import type { AlterTableCmd, AlterTableStmt, Node } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import { relationSql } from "./names.js";

const KINDS: ReadonlyMap<string, string> = new Map([
  ["OBJECT_VIEW", "VIEW"],
  ["OBJECT_MATVIEW", "MATERIALIZED VIEW"],
  ["OBJECT_INDEX", "INDEX"],
  ["OBJECT_SEQUENCE", "SEQUENCE"],
  ["OBJECT_FOREIGN_TABLE", "FOREIGN TABLE"],
]);

/** @returns null where nothing takes it back */
export function undoAlterTable({ relation, cmds, objtype }: AlterTableStmt): string | null {
  const undone = (cmds ?? []).map((node) =>
    "AlterTableCmd" in node ? undoCommand(node.AlterTableCmd) : null,
  );
  if (undone.length === 0 || undone.includes(null)) return null;
  return `ALTER ${KINDS.get(objtype ?? "") ?? "TABLE"} ${relationSql(relation)} ${undone.join(", ")}`;
}

function undoCommand(command: AlterTableCmd): string | null {
  const { subtype, name = "", def } = command;
  const column = () => `ALTER COLUMN ${quoteIdentifier(name)}`;
  switch (subtype) {
    case "AT_AddConstraint":
      return undoConstraint(def);
    case "AT_ColumnDefault":
      return `${column()} DROP DEFAULT`;
    case "AT_SetNotNull":
      return `${column()} DROP NOT NULL`;
    case "AT_AddIdentity":
      return `${column()} DROP IDENTITY`;
    case "AT_SetStatistics":
      return `${column()} SET STATISTICS -1`;
    case "AT_SetStorage":
      return `${column()} SET STORAGE DEFAULT`;
    case "AT_SetCompression":
      return `${column()} SET COMPRESSION default`;
    case "AT_SetOptions":
      return `${column()} RESET (${optionNames(def)})`;
    case "AT_SetRelOptions":
      return `RESET (${optionNames(def)})`;
    default:
      return undoWhole(command);
  }
}

function undoConstraint(def: Node | undefined): string | null {
  if (def === undefined || !("Constraint" in def)) return null;
  const { conname, contype, keys } = def.Constraint;
  if (conname !== undefined) return `DROP CONSTRAINT ${quoteIdentifier(conname)}`;
  const [key] = keys ?? [];
  if (contype !== "CONSTR_NOTNULL" || key === undefined || !("String" in key)) return null;
  return `ALTER COLUMN ${quoteIdentifier(key.String.sval ?? "")} DROP NOT NULL`;
}

/** Commands about no column. */
function undoWhole({ subtype, name = "", def }: AlterTableCmd): string | null {
  switch (subtype) {
    case "AT_EnableRowSecurity":
      return "DISABLE ROW LEVEL SECURITY";
    case "AT_ForceRowSecurity":
      return "NO FORCE ROW LEVEL SECURITY";
    case "AT_ReplicaIdentity":
      return "REPLICA IDENTITY DEFAULT";
    case "AT_ClusterOn":
      return "SET WITHOUT CLUSTER";
    case "AT_SetAccessMethod":
      return "SET ACCESS METHOD DEFAULT";
    case "AT_EnableAlwaysTrig":
    case "AT_EnableReplicaTrig":
    case "AT_DisableTrig":
      return `ENABLE TRIGGER ${quoteIdentifier(name)}`;
    case "AT_EnableAlwaysRule":
    case "AT_EnableReplicaRule":
    case "AT_DisableRule":
      return `ENABLE RULE ${quoteIdentifier(name)}`;
    case "AT_AddInherit":
      return def !== undefined && "RangeVar" in def ? `NO INHERIT ${relationSql(def.RangeVar)}` : null;
    case "AT_AddOf":
      return "NOT OF";
    case "AT_AttachPartition":
      return def !== undefined && "PartitionCmd" in def
        ? `DETACH PARTITION ${relationSql(def.PartitionCmd.name)}`
        : null;
    default:
      return null;
  }
}

function optionNames(def: Node | undefined): string {
  const items = def !== undefined && "List" in def ? (def.List.items ?? []) : [];
  return items
    .flatMap((item) => {
      if (!("DefElem" in item)) return [];
      const { defnamespace, defname = "" } = item.DefElem;
      return [(defnamespace === undefined ? [defname] : [defnamespace, defname]).join(".")];
    })
    .join(", ");
}

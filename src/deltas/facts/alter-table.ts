/** `ALTER TABLE` and what shares its parse tree: views, indexes, sequences, composite types, foreign tables. */
import type { AlterTableCmd, AlterTableStmt, AlterTableType, Node } from "libpg-query";
import { readable } from "../../schema/names.js";
import { addColumn, addConstraint } from "./constraints.js";
import type { Effect } from "./effect.js";
import { type LockMode, relationName } from "./lock.js";

const EXCLUSIVE = "AccessExclusiveLock";
const UPDATES = "ShareUpdateExclusiveLock";
const TRIGGERS = "ShareRowExclusiveLock";

/** AlterTableGetLockLevel in PostgreSQL's tablecmds.c. What depends on more than the subcommand is in `lockOf`. */
const LOCKS: Readonly<Record<AlterTableType, LockMode>> = {
  AT_AddColumn: EXCLUSIVE,
  AT_AddColumnToView: EXCLUSIVE,
  AT_ColumnDefault: EXCLUSIVE,
  AT_CookedColumnDefault: EXCLUSIVE,
  AT_DropNotNull: EXCLUSIVE,
  AT_SetNotNull: EXCLUSIVE,
  AT_SetExpression: EXCLUSIVE,
  AT_DropExpression: EXCLUSIVE,
  AT_SetStatistics: UPDATES,
  AT_SetOptions: UPDATES,
  AT_ResetOptions: UPDATES,
  AT_SetStorage: EXCLUSIVE,
  AT_SetCompression: EXCLUSIVE,
  AT_DropColumn: EXCLUSIVE,
  AT_AddIndex: EXCLUSIVE,
  AT_ReAddIndex: EXCLUSIVE,
  AT_AddConstraint: EXCLUSIVE,
  AT_ReAddConstraint: EXCLUSIVE,
  AT_ReAddDomainConstraint: EXCLUSIVE,
  AT_AlterConstraint: EXCLUSIVE,
  AT_ValidateConstraint: UPDATES,
  AT_AddIndexConstraint: EXCLUSIVE,
  AT_DropConstraint: EXCLUSIVE,
  AT_ReAddComment: EXCLUSIVE,
  AT_AlterColumnType: EXCLUSIVE,
  AT_AlterColumnGenericOptions: EXCLUSIVE,
  AT_ChangeOwner: EXCLUSIVE,
  AT_ClusterOn: UPDATES,
  AT_DropCluster: UPDATES,
  AT_SetLogged: EXCLUSIVE,
  AT_SetUnLogged: EXCLUSIVE,
  AT_DropOids: EXCLUSIVE,
  AT_SetAccessMethod: EXCLUSIVE,
  AT_SetTableSpace: EXCLUSIVE,
  AT_SetRelOptions: EXCLUSIVE,
  AT_ResetRelOptions: EXCLUSIVE,
  AT_ReplaceRelOptions: EXCLUSIVE,
  AT_EnableTrig: TRIGGERS,
  AT_EnableAlwaysTrig: TRIGGERS,
  AT_EnableReplicaTrig: TRIGGERS,
  AT_DisableTrig: TRIGGERS,
  AT_EnableTrigAll: TRIGGERS,
  AT_DisableTrigAll: TRIGGERS,
  AT_EnableTrigUser: TRIGGERS,
  AT_DisableTrigUser: TRIGGERS,
  AT_EnableRule: EXCLUSIVE,
  AT_EnableAlwaysRule: EXCLUSIVE,
  AT_EnableReplicaRule: EXCLUSIVE,
  AT_DisableRule: EXCLUSIVE,
  AT_AddInherit: EXCLUSIVE,
  AT_DropInherit: EXCLUSIVE,
  AT_AddOf: EXCLUSIVE,
  AT_DropOf: EXCLUSIVE,
  AT_ReplicaIdentity: EXCLUSIVE,
  AT_EnableRowSecurity: EXCLUSIVE,
  AT_DisableRowSecurity: EXCLUSIVE,
  AT_ForceRowSecurity: EXCLUSIVE,
  AT_NoForceRowSecurity: EXCLUSIVE,
  AT_GenericOptions: EXCLUSIVE,
  AT_AttachPartition: UPDATES,
  AT_DetachPartition: EXCLUSIVE,
  AT_DetachPartitionFinalize: UPDATES,
  AT_AddIdentity: EXCLUSIVE,
  AT_SetIdentity: EXCLUSIVE,
  AT_DropIdentity: EXCLUSIVE,
  AT_ReAddStatistics: EXCLUSIVE,
};

/** Storage parameters that may change while rows are read and written; see PostgreSQL's reloptions.c. */
const GENTLE_PARAMETERS =
  /^(?:autovacuum_\w+|vacuum_\w+|log_autovacuum_min_duration|fillfactor|parallel_workers|toast_tuple_target|deduplicate_items)$/;

/** Adds what an `ALTER TABLE` does. */
export function alterTable(statement: AlterTableStmt, effect: Effect): void {
  const table = relationName(statement.relation);
  for (const node of statement.cmds ?? []) {
    if (!("AlterTableCmd" in node)) continue;
    const command = node.AlterTableCmd;
    effect.lock(lockOf(command), table);
    alter(command, table, effect);
    if (command.behavior === "DROP_CASCADE") {
      const isType = statement.objtype === "OBJECT_TYPE";
      effect.doubt(
        isType ? `does the same to tables that are of the type ${table}` : "drops what depends on it",
      );
    }
  }
}

function lockOf({ subtype, def }: AlterTableCmd): LockMode {
  if (subtype === undefined) return EXCLUSIVE;
  if (subtype === "AT_SetRelOptions" || subtype === "AT_ResetRelOptions") {
    return parametersIn(def).every((name) => GENTLE_PARAMETERS.test(name)) ? UPDATES : EXCLUSIVE;
  }
  if (subtype === "AT_AddConstraint" && def !== undefined && "Constraint" in def) {
    return def.Constraint.contype === "CONSTR_FOREIGN" ? TRIGGERS : EXCLUSIVE;
  }
  if (subtype === "AT_DetachPartition" && partitionIn(def).concurrent) return UPDATES;
  return LOCKS[subtype];
}

function parametersIn(def: Node | undefined): string[] {
  if (def === undefined || !("List" in def)) return [];
  return (def.List.items ?? []).flatMap((node) => ("DefElem" in node ? [node.DefElem.defname ?? ""] : []));
}

function alter({ subtype, def, name = "" }: AlterTableCmd, table: string, effect: Effect): void {
  const column = `${table}.${readable(name)}`;
  switch (subtype) {
    case "AT_AddColumn":
      if (def !== undefined && "ColumnDef" in def) addColumn(def.ColumnDef, table, effect);
      return;
    case "AT_AddConstraint":
      if (def !== undefined && "Constraint" in def) addConstraint(def.Constraint, table, effect);
      return;
    case "AT_DropColumn":
      effect.destroy(`column ${column}`);
      effect.doubt("locks tables that its foreign keys refer to as well (AccessExclusiveLock)");
      return;
    case "AT_SetNotNull":
      effect
        .scan()
        .doubt(`does not read ${table} where a valid constraint shows that ${column} is never null`);
      return;
    case "AT_AlterColumnType":
      effect
        .rewrite()
        .doubt(`does not rewrite ${table} where every value of ${column} keeps its binary form`);
      return;
    case "AT_SetExpression":
      effect.rewrite().doubt(`does not rewrite ${table} where ${column} is virtual`);
      return;
    case "AT_ValidateConstraint":
      effect.scan().doubt("locks the referenced table too (RowShareLock) where it is a foreign key");
      return;
    case "AT_AlterConstraint":
      enforce(def, table, effect);
      return;
    case "AT_DropConstraint":
      effect.doubt("locks the referenced table too (AccessExclusiveLock) where it is a foreign key");
      return;
    case "AT_SetLogged":
    case "AT_SetUnLogged":
    case "AT_SetAccessMethod":
    case "AT_SetTableSpace":
      effect.rewrite().doubt(`leaves ${table} as it is where it is so already`);
      return;
    default:
      alterRelatives(subtype, def, effect);
  }
}

/** A foreign key that comes into force is checked; a check constraint cannot be changed so. */
function enforce(def: Node | undefined, table: string, effect: Effect): void {
  effect.doubt("locks the other table of the foreign key too (AccessExclusiveLock)");
  if (def === undefined || !("ATAlterConstraint" in def)) return;
  const { alterEnforceability = false, is_enforced = false } = def.ATAlterConstraint;
  if (alterEnforceability && is_enforced) effect.scan().doubt(`does not read ${table} where it was enforced`);
}

/** The subcommands that name a second table: its parent, its child, its partition. */
function alterRelatives(subtype: AlterTableType | undefined, def: Node | undefined, effect: Effect): void {
  const { name: partition, concurrent } = partitionIn(def);
  switch (subtype) {
    case "AT_AddInherit":
      effect.lock(UPDATES, relationIn(def));
      return;
    case "AT_DropInherit":
      effect.lock("AccessShareLock", relationIn(def));
      return;
    case "AT_AttachPartition":
      effect.lock(EXCLUSIVE, partition).scan();
      effect.doubt(`does not read ${partition} where a constraint shows that its rows belong there`);
      effect.doubt("locks a default partition too (AccessExclusiveLock), and reads it");
      return;
    case "AT_DetachPartition":
      effect.lock(concurrent ? UPDATES : EXCLUSIVE, partition);
      if (concurrent) effect.refuseTransaction("ALTER TABLE ... DETACH CONCURRENTLY");
      return;
    case "AT_DetachPartitionFinalize":
      effect.lock(EXCLUSIVE, partition);
      return;
    default:
  }
}

function relationIn(def: Node | undefined): string {
  return def !== undefined && "RangeVar" in def ? relationName(def.RangeVar) : "";
}

function partitionIn(def: Node | undefined): { name: string; concurrent: boolean } {
  if (def === undefined || !("PartitionCmd" in def)) return { name: "", concurrent: false };
  const { name, concurrent = false } = def.PartitionCmd;
  return { name: relationName(name), concurrent };
}

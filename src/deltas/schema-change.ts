import type { Statement } from "./report.js";

/** Statements after which a dump of the schema is what it was, whatever they do to rows, sessions or the server. */
const NO_CHANGE: ReadonlySet<string> = new Set([
  "AlterDatabaseSetStmt",
  "AlterDatabaseStmt",
  "AlterRoleSetStmt",
  "AlterRoleStmt",
  "AlterSystemStmt",
  "CallStmt",
  "CheckPointStmt",
  "ClusterStmt",
  "ConstraintsSetStmt",
  "CopyStmt",
  "CreateRoleStmt",
  "CreatedbStmt",
  "DeleteStmt",
  "DoStmt",
  "DropRoleStmt",
  "DropdbStmt",
  "ExplainStmt",
  "GrantRoleStmt",
  "InsertStmt",
  "LockStmt",
  "MergeStmt",
  "NotifyStmt",
  "RefreshMatViewStmt",
  "ReindexStmt",
  "SelectStmt",
  "TruncateStmt",
  "UpdateStmt",
  "VacuumStmt",
  "VariableSetStmt",
]);

/** Whether a statement mostly changes the schema. Code that is called (`DO`, `CALL`, functions) may, and is taken not to. */
export function isSchemaChange({ type }: Pick<Statement, "type">): boolean {
  return !NO_CHANGE.has(type);
}

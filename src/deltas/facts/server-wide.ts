/** Statements whose work is not taken back with the database that they run in, because it is the whole server's. */
import type { Node } from "libpg-query";

const STATEMENTS: ReadonlySet<string> = new Set([
  "AlterDatabaseRefreshCollStmt",
  "AlterDatabaseSetStmt",
  "AlterDatabaseStmt",
  "AlterRoleSetStmt",
  "AlterRoleStmt",
  "AlterSubscriptionStmt",
  "AlterSystemStmt",
  "AlterTableSpaceOptionsStmt",
  "CreateRoleStmt",
  "CreateSubscriptionStmt",
  "CreateTableSpaceStmt",
  "CreatedbStmt",
  "DropOwnedStmt",
  "DropRoleStmt",
  "DropSubscriptionStmt",
  "DropTableSpaceStmt",
  "DropdbStmt",
  "GrantRoleStmt",
  "ReassignOwnedStmt",
]);

/** Catalogues that all databases of a server share: https://www.postgresql.org/docs/current/catalogs.html */
const SHARED_OBJECTS: ReadonlySet<string | undefined> = new Set([
  "OBJECT_DATABASE",
  "OBJECT_PARAMETER_ACL",
  "OBJECT_ROLE",
  "OBJECT_SUBSCRIPTION",
  "OBJECT_TABLESPACE",
]);

/** A block of code may do all of this too, and puts a statement together at times. */
const IN_CODE =
  /\b(?:create|alter|drop|rename|comment\s+on)\s+(?:role|user|group|database|tablespace|subscription|system)\b|\bon\s+(?:database|tablespace)\b|\b(?:grant|revoke)\s+(?:(?!\bon\b)[^;])*\s(?:to|from)\b/i;

/** Whether a statement reaches beyond its database. What functions do that it calls is not seen. */
export function isServerWide(node: Node): boolean {
  if (Object.keys(node).some((type) => STATEMENTS.has(type))) return true;
  if ("GrantStmt" in node) return SHARED_OBJECTS.has(node.GrantStmt.objtype);
  if ("CommentStmt" in node) return SHARED_OBJECTS.has(node.CommentStmt.objtype);
  if ("SecLabelStmt" in node) return SHARED_OBJECTS.has(node.SecLabelStmt.objtype);
  if ("RenameStmt" in node) return SHARED_OBJECTS.has(node.RenameStmt.renameType);
  if ("AlterOwnerStmt" in node) return SHARED_OBJECTS.has(node.AlterOwnerStmt.objectType);
  if (!("DoStmt" in node)) return false;
  return IN_CODE.test(JSON.stringify(node.DoStmt.args).replaceAll(/\\[nrt]/g, " "));
}

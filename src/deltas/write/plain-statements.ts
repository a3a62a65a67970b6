/** Whether statements do nothing but what they say. */
import type { DropStmt, Node, ObjectType } from "libpg-query";
import type { Parser } from "../../schema/parser.js";

/**
 * Whether all that some SQL reads and changes is named in it, or goes with what is named. Whatever calls functions,
 * runs queries, drops with CASCADE, changes types or settings, or is about all of a schema does more than it says.
 *
 * @param sql statements that parse
 */
export function sayAllTheyDo(sql: string, parser: Parser): boolean {
  return (parser.parse(sql).stmts ?? []).every(
    ({ stmt }) => stmt !== undefined && saysAllItDoes(stmt) && !cascades(stmt),
  );
}

const PLAIN: ReadonlySet<string> = new Set([
  "AlterPolicyStmt",
  "AlterSeqStmt",
  "AlterTableStmt",
  "CommentStmt",
  "CreateFunctionStmt",
  "CreatePolicyStmt",
  "CreateSeqStmt",
  "CreateStmt",
  "CreateTrigStmt",
  "IndexStmt",
  "ViewStmt",
]);

const ABOUT_RELATIONS: ReadonlySet<ObjectType> = new Set([
  "OBJECT_COLUMN",
  "OBJECT_FOREIGN_TABLE",
  "OBJECT_INDEX",
  "OBJECT_MATVIEW",
  "OBJECT_POLICY",
  "OBJECT_SEQUENCE",
  "OBJECT_TABCONSTRAINT",
  "OBJECT_TABLE",
  "OBJECT_TRIGGER",
  "OBJECT_VIEW",
]);

function saysAllItDoes(node: Node): boolean {
  if ("DropStmt" in node) return isAboutRelations(node.DropStmt.removeType);
  if ("RenameStmt" in node) return isAboutRelations(node.RenameStmt.renameType);
  if ("GrantStmt" in node) return node.GrantStmt.targtype === "ACL_TARGET_OBJECT";
  return Object.keys(node).some((kind) => PLAIN.has(kind));
}

function isAboutRelations(type: DropStmt["removeType"]): boolean {
  return type !== undefined && ABOUT_RELATIONS.has(type);
}

function cascades(tree: unknown): boolean {
  if (typeof tree !== "object" || tree === null) return false;
  return Object.values(tree).some((value) => value === "DROP_CASCADE" || cascades(value));
}

/** What a statement that runs outside a transaction works on, read off its parse tree. Pure. */
import type { DropStmt, Node, RangeVar } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { OutsideTarget } from "../../stage/outside-work.js";

/** Whatever is not known here is run again after a stop. */
export function outsideTarget(node: Node): OutsideTarget {
  if ("IndexStmt" in node) {
    const { relation, idxname } = node.IndexStmt;
    return { kind: "createIndex", table: nameOf(relation), index: idxname || null };
  }
  if ("DropStmt" in node) return { kind: "dropIndex", indexes: dropped(node.DropStmt) };
  if ("ReindexStmt" in node) return { kind: "reindex" };
  if ("AlterTableStmt" in node) {
    const [command] = node.AlterTableStmt.cmds ?? [];
    const definition = command && "AlterTableCmd" in command ? command.AlterTableCmd.def : undefined;
    if (definition !== undefined && "PartitionCmd" in definition) {
      const partition = nameOf(definition.PartitionCmd.name);
      return { kind: "detach", table: nameOf(node.AlterTableStmt.relation), partition };
    }
  }
  return sharedTarget(node) ?? { kind: "again" };
}

function sharedTarget(node: Node): OutsideTarget | null {
  const shared = (
    what: "database" | "tablespace" | "subscription",
    name: string | undefined,
    there: boolean,
  ): OutsideTarget => ({ kind: "shared", what, name: name ?? "", there });
  if ("CreatedbStmt" in node) return shared("database", node.CreatedbStmt.dbname, true);
  if ("DropdbStmt" in node) return shared("database", node.DropdbStmt.dbname, false);
  if ("CreateTableSpaceStmt" in node)
    return shared("tablespace", node.CreateTableSpaceStmt.tablespacename, true);
  if ("DropTableSpaceStmt" in node)
    return shared("tablespace", node.DropTableSpaceStmt.tablespacename, false);
  if ("CreateSubscriptionStmt" in node)
    return shared("subscription", node.CreateSubscriptionStmt.subname, true);
  if ("DropSubscriptionStmt" in node) return shared("subscription", node.DropSubscriptionStmt.subname, false);
  return null;
}

function nameOf(relation: RangeVar | undefined): string {
  return [relation?.schemaname, relation?.relname]
    .filter((part) => part !== undefined && part !== "")
    .map((part) => quoteIdentifier(part ?? ""))
    .join(".");
}

function dropped({ objects = [] }: DropStmt): string[] {
  return objects.flatMap((object) => {
    if (!("List" in object)) return [];
    const parts = (object.List.items ?? []).flatMap((item) =>
      "String" in item && item.String.sval ? [quoteIdentifier(item.String.sval)] : [],
    );
    return parts.length === 0 ? [] : [parts.join(".")];
  });
}

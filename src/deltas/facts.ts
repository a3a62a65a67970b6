/**
 * What a statement needs and does, from its text alone: whether it may run in a transaction, which locks it takes,
 * for what kind of work, and what it destroys.
 */
import type { AlterDomainStmt, Node } from "libpg-query";
import type { Parser } from "../schema/parser.js";
import { alterTable } from "./facts/alter-table.js";
import { call, createFunction, doBlock } from "./facts/code.js";
import { constraintsOf } from "./facts/constraints.js";
import {
  createIndex,
  createTable,
  createTableAs,
  createView,
  ownedBy,
  publishedTables,
  relationsIn,
} from "./facts/create.js";
import { Effect, namesOf, type WorkKind } from "./facts/effect.js";
import { LOCK_MODES, type Lock, type LockMode, nameOf, relationName, strongest } from "./facts/lock.js";
import { cluster, refresh, reindex, truncate, vacuum } from "./facts/maintenance.js";
import { drop, grant, label, moveOrGive, rename, rolesIn } from "./facts/objects.js";
import { lockQuery, runQuery } from "./facts/queries.js";
import { alterDatabase, alterSubscription, createSubscription } from "./facts/server.js";
import { isServerWide } from "./facts/server-wide.js";
import type { Statement } from "./report.js";

export type { Lock, LockMode, WorkKind };
export { LOCK_MODES };

export interface StatementFacts {
  /** It must not run in a transaction: the server would refuse it (25001). */
  readonly outsideTransaction: boolean;
  /** Why, in the server's words; only where `outsideTransaction`. */
  readonly why?: string;
  /** The strongest lock on each relation that there was before the statement. */
  readonly locks: readonly Lock[];
  /** A table, an index or a materialized view is written anew, into another file. */
  readonly rewrites: boolean;
  /** A table is read from end to end. */
  readonly scans: boolean;
  /** The data that is gone afterwards, e.g. `column orders.note`. */
  readonly destructive: string | null;
  readonly kind: WorkKind;
  /**
   * It changes a setting (`SET`, `RESET`, `SET CONSTRAINTS`) that later statements go by, until the session or the
   * transaction ends; whoever resumes behind it has to set it again.
   */
  readonly setting: "session" | "transaction" | null;
  /** It reaches beyond its database: roles, other databases, tablespaces, the server's settings. */
  readonly serverWide: boolean;
  /** What the server decides by what is in the database, so that the text cannot show it; each in a few words. */
  readonly unclear: readonly string[];
}

/**
 * Tells what a statement needs and does. Pure: the catalogue is not known, so that where it decides, the facts are
 * the heavier case (or the usual one) and `unclear` says so.
 *
 * The facts are those of PostgreSQL 18, from its manual and its source (AlterTableGetLockLevel,
 * PreventInTransactionBlock); older servers lock no less.
 *
 * @param statement one that parses, from `checkDeltas`
 * @example
 * const parser = await loadParser();
 * const { statements } = await checkDeltas(Buffer.from("ALTER TABLE orders DROP COLUMN note;"), "shopdb.deltas");
 * statementFacts(statements[0], parser).destructive; // "column orders.note"
 */
export function statementFacts(statement: Pick<Statement, "text">, parser: Parser): StatementFacts {
  const effect = new Effect();
  for (const { stmt } of parser.parse(statement.text).stmts ?? []) {
    if (stmt !== undefined) read(stmt, statement.text, parser, effect);
  }
  return {
    outsideTransaction: effect.outside !== undefined,
    ...(effect.outside !== undefined && { why: effect.outside }),
    locks: strongest(effect.locks),
    rewrites: effect.rewrites,
    scans: effect.scans,
    destructive: effect.destroyed.length === 0 ? null : [...new Set(effect.destroyed)].join(", "),
    kind: effect.kind,
    setting: effect.setting,
    serverWide: effect.serverWide,
    unclear: [...new Set(effect.unclear)],
  };
}

function read(node: Node, sql: string, parser: Parser, effect: Effect): void {
  if (isServerWide(node)) effect.serverWide = true;
  if ("AlterTableStmt" in node) alterTable(node.AlterTableStmt, effect);
  else if ("CreateStmt" in node) createTable(node.CreateStmt, effect);
  else if ("IndexStmt" in node) createIndex(node.IndexStmt, effect);
  else if ("ViewStmt" in node) createView(node.ViewStmt, effect);
  else if ("CreateTableAsStmt" in node) createTableAs(node.CreateTableAsStmt, effect);
  else if ("DropStmt" in node) drop(node.DropStmt, effect);
  else if ("RenameStmt" in node) rename(node.RenameStmt, effect);
  else if ("AlterObjectSchemaStmt" in node) moveOrGive(node.AlterObjectSchemaStmt, effect);
  else if ("AlterOwnerStmt" in node) moveOrGive(node.AlterOwnerStmt, effect);
  else if ("CommentStmt" in node) label(node.CommentStmt, effect);
  else if ("SecLabelStmt" in node) label(node.SecLabelStmt, effect);
  else if ("GrantStmt" in node) grant(node.GrantStmt, effect);
  else if ("CreateFunctionStmt" in node) createFunction(node.CreateFunctionStmt, parser, effect);
  else if ("DoStmt" in node) doBlock(node.DoStmt, sql, parser, effect);
  else if ("CallStmt" in node) call(node.CallStmt, effect);
  else readOnTable(node, effect);
}

/** What belongs to a table, and what keeps tables in order. */
function readOnTable(node: Node, effect: Effect): void {
  if ("CreateTrigStmt" in node) {
    const { relation, constrrel } = node.CreateTrigStmt;
    effect.lock("ShareRowExclusiveLock", relationName(relation));
    if (constrrel !== undefined) effect.lock("AccessShareLock", relationName(constrrel));
  } else if ("RuleStmt" in node) {
    lockQuery(node.RuleStmt.actions, effect);
    effect.lock("AccessExclusiveLock", relationName(node.RuleStmt.relation));
  } else if ("CreatePolicyStmt" in node)
    effect.lock("AccessExclusiveLock", relationName(node.CreatePolicyStmt.table));
  else if ("AlterPolicyStmt" in node)
    effect.lock("AccessExclusiveLock", relationName(node.AlterPolicyStmt.table));
  else if ("CreateStatsStmt" in node)
    effect.lock("ShareUpdateExclusiveLock", ...relationsIn(node.CreateStatsStmt.relations).map(relationName));
  else if ("CreateSeqStmt" in node) ownedBy(node.CreateSeqStmt.options, effect);
  else if ("AlterSeqStmt" in node) {
    effect.lock("ShareRowExclusiveLock", relationName(node.AlterSeqStmt.sequence));
    ownedBy(node.AlterSeqStmt.options, effect);
  } else if ("CreatePublicationStmt" in node) publishedTables(node.CreatePublicationStmt.pubobjects, effect);
  else if ("AlterPublicationStmt" in node) publishedTables(node.AlterPublicationStmt.pubobjects, effect);
  else if ("VacuumStmt" in node) vacuum(node.VacuumStmt, effect);
  else if ("ClusterStmt" in node) cluster(node.ClusterStmt, effect);
  else if ("ReindexStmt" in node) reindex(node.ReindexStmt, effect);
  else if ("RefreshMatViewStmt" in node) refresh(node.RefreshMatViewStmt, effect);
  else if ("TruncateStmt" in node) truncate(node.TruncateStmt, effect);
  else if ("LockStmt" in node) {
    const mode = LOCK_MODES[(node.LockStmt.mode ?? 0) - 1] ?? "AccessExclusiveLock";
    effect.lock(mode, ...relationsIn(node.LockStmt.relations).map(relationName));
  } else readOther(node, effect);
}

/** Types, servers, databases, and all queries. */
function readOther(node: Node, effect: Effect): void {
  if ("AlterDomainStmt" in node) {
    alterDomain(node.AlterDomainStmt, effect);
  } else if ("CreateSubscriptionStmt" in node) createSubscription(node.CreateSubscriptionStmt, effect);
  else if ("AlterSubscriptionStmt" in node) alterSubscription(node.AlterSubscriptionStmt, effect);
  else if ("DropSubscriptionStmt" in node) effect.refuseTransaction("DROP SUBSCRIPTION with a slot");
  else if ("CreatedbStmt" in node) effect.refuseTransaction("CREATE DATABASE");
  else if ("DropdbStmt" in node)
    effect.refuseTransaction("DROP DATABASE").destroy(`database ${node.DropdbStmt.dbname ?? ""}`);
  else if ("AlterDatabaseStmt" in node) alterDatabase(node.AlterDatabaseStmt.options, effect);
  else if ("CreateTableSpaceStmt" in node) effect.refuseTransaction("CREATE TABLESPACE");
  else if ("DropTableSpaceStmt" in node) effect.refuseTransaction("DROP TABLESPACE");
  else if ("AlterSystemStmt" in node) effect.refuseTransaction("ALTER SYSTEM");
  else if ("DiscardStmt" in node) {
    if (node.DiscardStmt.target === "DISCARD_ALL") effect.refuseTransaction("DISCARD ALL");
  } else if ("AlterTableMoveAllStmt" in node)
    effect.rewrite().lock("AccessExclusiveLock", "everything in the tablespace");
  else if ("DropOwnedStmt" in node) effect.destroy(`all that ${rolesIn(node.DropOwnedStmt.roles)} owns`);
  else if ("CreateExtensionStmt" in node || "AlterExtensionStmt" in node)
    effect.doubt("runs the extension's own script");
  else if ("CopyStmt" in node) {
    const { relation, query, is_from: writes = false } = node.CopyStmt;
    if (relation !== undefined)
      effect.lock(writes ? "RowExclusiveLock" : "AccessShareLock", relationName(relation));
    runQuery(query, effect);
  } else if (isQuery(node)) runQuery(node, effect);
  else if ("VariableSetStmt" in node)
    effect.setting = node.VariableSetStmt.is_local ? "transaction" : "session";
  else if ("ConstraintsSetStmt" in node) effect.setting = "transaction";
}

/** What all values of the domain are held against: a new constraint, NOT NULL, a constraint not yet valid. */
function alterDomain({ subtype = "", typeName, def }: AlterDomainStmt, effect: Effect): void {
  const isLater = constraintsOf(def === undefined ? [] : [def])[0]?.skip_validation === true;
  if (!["C", "O", "V"].includes(subtype) || isLater) return;
  effect.lock("ShareLock", `the tables with columns of ${nameOf((typeName ?? []).flatMap(namesOf))}`).scan();
}

function isQuery(node: Node): boolean {
  return (
    "SelectStmt" in node ||
    "InsertStmt" in node ||
    "UpdateStmt" in node ||
    "DeleteStmt" in node ||
    "MergeStmt" in node ||
    "ExplainStmt" in node ||
    "ExecuteStmt" in node
  );
}

/** Statements about an object of any kind: `DROP`, `ALTER … RENAME`, `COMMENT`, `GRANT` and their like. */
import type {
  AlterObjectSchemaStmt,
  AlterOwnerStmt,
  CommentStmt,
  DropStmt,
  GrantStmt,
  Node,
  ObjectType,
  RenameStmt,
  SecLabelStmt,
} from "libpg-query";
import { relationsIn } from "./create.js";
import { type Effect, namesOf } from "./effect.js";
import { nameOf, relationName } from "./lock.js";

/** Objects that hold rows of their own, or a state that cannot be made anew from other objects. */
const HOLDING_DATA: ReadonlyMap<ObjectType, string> = new Map([
  ["OBJECT_TABLE", "table"],
  ["OBJECT_SEQUENCE", "sequence"],
  ["OBJECT_DATABASE", "database"],
]);
const RELATIONS: ReadonlySet<ObjectType> = new Set([
  "OBJECT_TABLE",
  "OBJECT_SEQUENCE",
  "OBJECT_VIEW",
  "OBJECT_MATVIEW",
  "OBJECT_FOREIGN_TABLE",
  "OBJECT_INDEX",
]);
/** Objects that belong to a table and are found by its name and theirs. */
const ON_TABLE: ReadonlySet<ObjectType> = new Set(["OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"]);
/** Types and what may hold tables: what goes with them is known to the catalogue alone. */
const MAY_HOLD_DATA: ReadonlySet<ObjectType> = new Set([
  "OBJECT_SCHEMA",
  "OBJECT_TYPE",
  "OBJECT_DOMAIN",
  "OBJECT_EXTENSION",
]);

export function drop(statement: DropStmt, effect: Effect): void {
  const { objects = [], removeType = "OBJECT_TABLE", behavior, concurrent = false } = statement;
  for (const object of objects) {
    const names = namesOf(object);
    if (removeType === "OBJECT_INDEX") dropIndex(nameOf(names), concurrent, effect);
    else if (RELATIONS.has(removeType)) effect.lock("AccessExclusiveLock", nameOf(names));
    else if (ON_TABLE.has(removeType)) effect.lock("AccessExclusiveLock", nameOf(names.slice(0, -1)));
    else if (removeType === "OBJECT_STATISTIC_EXT")
      effect.lock("ShareUpdateExclusiveLock", `the table of ${nameOf(names)}`);
    const kind = HOLDING_DATA.get(removeType);
    if (kind !== undefined) effect.destroy(`${kind} ${nameOf(names)}`);
    else if (MAY_HOLD_DATA.has(removeType) && behavior === "DROP_CASCADE")
      effect.destroy(`${wordFor(removeType)} ${nameOf(names)} with all that depends on it`);
  }
  if (removeType === "OBJECT_TABLE")
    effect.doubt("locks tables at the other end of its foreign keys too (AccessExclusiveLock)");
  if (behavior === "DROP_CASCADE") effect.doubt("drops what depends on it");
}

function dropIndex(name: string, concurrent: boolean, effect: Effect): void {
  const mode = concurrent ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock";
  effect.lock(mode, name, `the table of ${name}`);
  if (concurrent) effect.refuseTransaction("DROP INDEX CONCURRENTLY");
}

function wordFor(type: ObjectType): string {
  return type.replace("OBJECT_", "").toLowerCase();
}

/** RenameRelation and its kin in PostgreSQL's tablecmds.c. Only an index lets others read while it gets a name. */
export function rename({ renameType, relation, behavior }: RenameStmt, effect: Effect): void {
  if (relation === undefined) return;
  if (renameType === "OBJECT_ATTRIBUTE" && behavior === "DROP_CASCADE")
    effect.doubt(`does the same to tables that are of the type ${relationName(relation)}`);
  const mode = renameType === "OBJECT_INDEX" ? "ShareUpdateExclusiveLock" : "AccessExclusiveLock";
  effect.lock(mode, relationName(relation));
}

export function moveOrGive({ relation }: AlterObjectSchemaStmt | AlterOwnerStmt, effect: Effect): void {
  if (relation !== undefined) effect.lock("AccessExclusiveLock", relationName(relation));
}

/** get_object_address in PostgreSQL's objectaddress.c: a table is locked for its own label, and less for a part's. */
export function label({ objtype, object }: CommentStmt | SecLabelStmt, effect: Effect): void {
  if (objtype === undefined) return;
  const names = namesOf(object);
  if (RELATIONS.has(objtype)) effect.lock("ShareUpdateExclusiveLock", nameOf(names));
  else if (objtype === "OBJECT_COLUMN") effect.lock("ShareUpdateExclusiveLock", nameOf(names.slice(0, -1)));
  else if (ON_TABLE.has(objtype) || objtype === "OBJECT_TABCONSTRAINT")
    effect.lock("AccessShareLock", nameOf(names.slice(0, -1)));
}

export function grant({ targtype, objtype, objects }: GrantStmt, effect: Effect): void {
  if (targtype !== "ACL_TARGET_OBJECT" || (objtype !== "OBJECT_TABLE" && objtype !== "OBJECT_SEQUENCE"))
    return;
  for (const relation of relationsIn(objects)) effect.lock("AccessShareLock", relationName(relation));
}

/** The names in a list of role nodes. */
export function rolesIn(roles: readonly Node[] | undefined): string {
  return (roles ?? [])
    .map((node) => ("RoleSpec" in node ? (node.RoleSpec.rolename ?? "the current role") : ""))
    .join(", ");
}

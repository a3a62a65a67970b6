/** What a parse tree refers to, by name. Pure; a name is what the script wrote, and may well be a built-in. */
import { isTreeObject, listAt, namesIn, objectAt, stringAt, unwrap } from "../schema/tree.js";
import type { KindType } from "./kinds.js";
import type { NameSpace, Reference } from "./names.js";

/** One thing that a script needs. */
export type Use =
  | { readonly of: "name"; readonly reference: Reference }
  /** A policy that is altered: by its table, and its own name. */
  | { readonly of: "policy"; readonly schema: string | null; readonly table: string; readonly name: string }
  /** ON ALL … IN SCHEMA. */
  | { readonly of: "all"; readonly schema: string; readonly types: readonly KindType[] };

/** Told of every use; several times of the same one. */
export type UseSink = (use: Use) => void;

/** Functions whose first argument is the name of a relation, in a string. */
const TAKE_RELATION: ReadonlySet<string> = new Set([
  "nextval",
  "currval",
  "setval",
  "to_regclass",
  "pg_get_serial_sequence",
]);

const REG_TYPES: Readonly<Record<string, NameSpace>> = {
  regclass: "relation",
  regproc: "function",
  regprocedure: "function",
  regtype: "type",
  regnamespace: "schema",
  regrole: "role",
};

/**
 * Walks a parse tree.
 *
 * @param tree a statement, or any part of one
 */
export function visitUses(tree: unknown, sink: UseSink): void {
  visit(tree, new Set(), sink);
}

/** @param hidden names of WITH queries, which hide tables of the same name */
function visit(node: unknown, hidden: ReadonlySet<string>, sink: UseSink): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(item, hidden, sink);
    return;
  }
  if (!isTreeObject(node)) return;
  readFields(node, hidden, sink);
  for (const [key, value] of Object.entries(node)) {
    if (!isTreeObject(value) && !Array.isArray(value)) continue;
    if (key === "withClause") continue;
    READERS[key]?.(value, sink);
    visit(value, hiddenIn(value, hidden, sink), sink);
  }
}

/** The names that hide tables inside a statement with a WITH clause; the clause itself is visited on the way. */
function hiddenIn(fields: unknown, hidden: ReadonlySet<string>, sink: UseSink): ReadonlySet<string> {
  const clause = objectAt(fields, "withClause");
  const queries = listAt(clause, "ctes").map((node) => objectAt(node, "CommonTableExpr"));
  if (queries.length === 0) return hidden;
  const names = queries.map((query) => stringAt(query, "ctename") ?? "");
  const all = new Set([...hidden, ...names]);
  for (const [at, query] of queries.entries()) {
    // Without RECURSIVE a query sees those before it only.
    const seen = clause.recursive === true ? all : new Set([...hidden, ...names.slice(0, at)]);
    visit(objectAt(query, "ctequery"), seen, sink);
  }
  return all;
}

/** What can be told by the fields alone: the tree has such nodes with and without the name of their type. */
function readFields(
  node: Readonly<Record<string, unknown>>,
  hidden: ReadonlySet<string>,
  sink: UseSink,
): void {
  const { relname, schemaname, rolename } = node;
  if (typeof relname === "string" && "relpersistence" in node) {
    const schema = typeof schemaname === "string" ? schemaname : null;
    if (schema !== null || !hidden.has(relname)) named("relation", schema, relname, sink);
  }
  if (typeof rolename === "string") named("role", null, rolename, sink);
  if ("names" in node && "typemod" in node) {
    const names = namesIn(listAt(node, "names"));
    // `t.c%TYPE` names a column.
    if (node.pct_type === true) qualified("relation", names.slice(0, -1), sink);
    else qualified("type", names, sink);
  }
}

type Reader = (value: unknown, sink: UseSink) => void;

/** What a statement or an expression of some type says beside the names that every node may hold. */
const READERS: Readonly<Record<string, Reader>> = {
  FuncCall: readCall,
  CallStmt: (value, sink) => readCall(objectAt(value, "funccall"), sink),
  ObjectWithArgs: (value, sink) => qualified("function", namesIn(listAt(value, "objname")), sink),
  CreateTrigStmt: readTriggerFunction,
  CreateEventTrigStmt: readTriggerFunction,
  TypeCast: readCast,
  AlterPolicyStmt: readPolicy,
  GrantStmt: readGrant,
  GrantRoleStmt: readMembership,
  DefineStmt: readSupportFunctions,
  CreateRangeStmt: readSupportFunctions,
  CreateExtensionStmt: readSchemaOptions,
  AlterDefaultPrivilegesStmt: readSchemaOptions,
  DefElem: readOwner,
};

function readTriggerFunction(trigger: unknown, sink: UseSink): void {
  qualified("function", namesIn(listAt(trigger, "funcname")), sink);
}

function readMembership(grant: unknown, sink: UseSink): void {
  for (const node of listAt(grant, "granted_roles"))
    named("role", null, stringAt(objectAt(node, "AccessPriv"), "priv_name") ?? "", sink);
}

/** OWNED BY table.column, of a sequence. */
function readOwner(option: unknown, sink: UseSink): void {
  if (stringAt(option, "defname") !== "owned_by") return;
  const names = namesIn(listAt(objectAt(objectAt(option, "arg"), "List"), "items"));
  qualified("relation", names.slice(0, -1), sink);
}

function named(space: NameSpace, schema: string | null, name: string, sink: UseSink): void {
  sink({ of: "name", reference: { space, schema, name } });
  if (schema !== null) sink({ of: "name", reference: { space: "schema", schema: null, name: schema } });
}

/** @param names a name with or without its schema; what has more parts is in another database, or a column */
function qualified(space: NameSpace, names: readonly string[], sink: UseSink): void {
  const [first = "", second] = names;
  if (names.length === 1) named(space, null, first, sink);
  else if (names.length === 2 && second !== undefined) named(space, first, second, sink);
}

function readCall(call: unknown, sink: UseSink): void {
  const names = namesIn(listAt(call, "funcname"));
  qualified("function", names, sink);
  if (!TAKE_RELATION.has(names.at(-1) ?? "")) return;
  const text = constantOf(listAt(call, "args")[0]);
  if (text !== undefined) qualified("relation", partsOfText(text), sink);
}

function readCast(cast: unknown, sink: UseSink): void {
  const space = REG_TYPES[namesIn(listAt(objectAt(cast, "typeName"), "names")).at(-1) ?? ""];
  const text = constantOf(objectAt(cast, "arg"));
  if (space === undefined || text === undefined) return;
  const parts = partsOfText(text.replace(/\(.*$/s, ""));
  qualified(space, parts, sink);
}

function constantOf(node: unknown): string | undefined {
  const [type, fields] = unwrap(node);
  if (type === "TypeCast") return constantOf(objectAt(fields, "arg"));
  return type === "A_Const" ? stringAt(objectAt(fields, "sval"), "sval") : undefined;
}

/** The parts of a name in a string, as `regclass` reads them: quoted ones as they are, others in lower case. */
function partsOfText(text: string): string[] {
  const parts = [...text.matchAll(/"((?:[^"]|"")+)"|([^".]+)/g)];
  return parts.map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? (plain ?? "").trim().toLowerCase(),
  );
}

function readPolicy(statement: unknown, sink: UseSink): void {
  const table = objectAt(statement, "table");
  sink({
    of: "policy",
    schema: stringAt(table, "schemaname") ?? null,
    table: stringAt(table, "relname") ?? "",
    name: stringAt(statement, "policy_name") ?? "",
  });
}

const GRANTED: Readonly<Record<string, readonly KindType[]>> = {
  OBJECT_TABLE: ["table", "view", "materialized-view"],
  OBJECT_SEQUENCE: ["sequence"],
  OBJECT_FUNCTION: ["function", "aggregate"],
  OBJECT_PROCEDURE: ["procedure"],
  OBJECT_ROUTINE: ["function", "procedure", "aggregate"],
};

function readGrant(grant: unknown, sink: UseSink): void {
  const type = stringAt(grant, "objtype") ?? "";
  const objects = listAt(grant, "objects");
  if (stringAt(grant, "targtype") === "ACL_TARGET_ALL_IN_SCHEMA") {
    for (const schema of namesIn(objects)) {
      named("schema", null, schema, sink);
      sink({ of: "all", schema, types: GRANTED[type] ?? [] });
    }
  } else if (type === "OBJECT_SCHEMA") {
    for (const schema of namesIn(objects)) named("schema", null, schema, sink);
  } else if (type === "OBJECT_TYPE" || type === "OBJECT_DOMAIN") {
    for (const node of objects) qualified("type", namesIn(listAt(objectAt(node, "List"), "items")), sink);
  }
}

/** The functions of an aggregate, a base type or a range type stand where types do. */
function readSupportFunctions(statement: unknown, sink: UseSink): void {
  const definition = [...listAt(statement, "definition"), ...listAt(statement, "params")];
  for (const node of definition) {
    const type = objectAt(objectAt(objectAt(node, "DefElem"), "arg"), "TypeName");
    qualified("function", namesIn(listAt(type, "names")), sink);
  }
}

function readSchemaOptions(statement: unknown, sink: UseSink): void {
  for (const node of listAt(statement, "options")) {
    const option = objectAt(node, "DefElem");
    const arg = objectAt(option, "arg");
    if (stringAt(option, "defname") === "schema")
      named("schema", null, stringAt(objectAt(arg, "String"), "sval") ?? "", sink);
    if (stringAt(option, "defname") === "schemas")
      for (const schema of namesIn(listAt(objectAt(arg, "List"), "items")))
        named("schema", null, schema, sink);
  }
}

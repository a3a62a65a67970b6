/** Which objects a statement makes, by its parse tree. */
import { listAt, namesIn, objectAt, stringAt, unwrap } from "../schema/tree.js";
import type { KindType } from "./kinds.js";

/** An object that a statement makes. */
export interface Made {
  readonly type: KindType;
  /** As written: null where the search path decides, and for what is in no schema. */
  readonly schema: string | null;
  /** Of what hangs on a table. */
  readonly table: string | null;
  /** Empty where the server makes the name up. */
  readonly name: string;
  /** Whether the statement says OR REPLACE. */
  readonly orReplace: boolean;
  /** Whether the statement says IF NOT EXISTS. */
  readonly ifNotExists: boolean;
  /** The table that this is a partition of. */
  readonly partitionOf: string | null;
  /** Whether it refers to another table's key, which may be a constraint, or an index, with a script of its own. */
  readonly isForeignKey: boolean;
}

/** @returns nothing for statements that make no object of a kind of ours; several for an ALTER TABLE */
export function madeBy(statement: unknown): Made[] {
  const [type, fields] = unwrap(statement);
  const make = MAKERS[type];
  return make === undefined ? [] : make(fields).map((made) => ({ ...COMMON(fields), ...made }));
}

type Partial = Pick<Made, "type" | "schema" | "table" | "name"> & {
  readonly partitionOf?: string | null;
  readonly isForeignKey?: boolean;
};
type Maker = (fields: unknown) => Partial[];

const isTrue = (fields: unknown, key: string) =>
  typeof fields === "object" && fields !== null && key in fields && Reflect.get(fields, key) === true;

const COMMON = (fields: unknown) => ({
  orReplace: isTrue(fields, "replace"),
  ifNotExists: isTrue(fields, "if_not_exists"),
  partitionOf: null,
  isForeignKey: false,
});

/** @param key where the name stands, as a RangeVar */
function relation(type: KindType, range: unknown): Partial[] {
  // What is temporary is gone with the session.
  if (stringAt(range, "relpersistence") === "t") return [];
  return [
    {
      type,
      schema: stringAt(range, "schemaname") ?? null,
      table: null,
      name: stringAt(range, "relname") ?? "",
    },
  ];
}

function listed(type: KindType, names: readonly string[]): Partial[] {
  return [{ type, schema: names.at(-2) ?? null, table: null, name: names.at(-1) ?? "" }];
}

function alone(type: KindType, name: string | undefined): Partial[] {
  return [{ type, schema: null, table: null, name: name ?? "" }];
}

function onTable(type: KindType, range: unknown, name: string | undefined): Partial[] {
  const schema = stringAt(range, "schemaname") ?? null;
  return [{ type, schema, table: stringAt(range, "relname") ?? "", name: name ?? "" }];
}

const MAKERS: Readonly<Record<string, Maker>> = {
  CreateStmt: tableOf,
  CreateForeignTableStmt: (fields) => tableOf(objectAt(fields, "base")),
  CreateTableAsStmt: (fields) =>
    relation(
      stringAt(fields, "objtype") === "OBJECT_MATVIEW" ? "materialized-view" : "table",
      objectAt(objectAt(fields, "into"), "rel"),
    ),
  ViewStmt: (fields) => relation("view", objectAt(fields, "view")),
  CreateSeqStmt: (fields) => relation("sequence", objectAt(fields, "sequence")),
  CompositeTypeStmt: (fields) => relation("type", objectAt(fields, "typevar")),
  CreateEnumStmt: (fields) => listed("type", namesIn(listAt(fields, "typeName"))),
  CreateRangeStmt: (fields) => listed("type", namesIn(listAt(fields, "typeName"))),
  CreateDomainStmt: (fields) => listed("domain", namesIn(listAt(fields, "domainname"))),
  CreateFunctionStmt: (fields) =>
    listed(isTrue(fields, "is_procedure") ? "procedure" : "function", namesIn(listAt(fields, "funcname"))),
  DefineStmt: (fields) => {
    const kinds: Readonly<Record<string, KindType>> = { OBJECT_AGGREGATE: "aggregate", OBJECT_TYPE: "type" };
    const kind = kinds[stringAt(fields, "kind") ?? ""];
    // `CREATE TYPE t;` only announces a type that is defined further down.
    const isShell = kind === "type" && listAt(fields, "definition").length === 0;
    return kind === undefined || isShell ? [] : listed(kind, namesIn(listAt(fields, "defnames")));
  },
  IndexStmt: (fields) => {
    const schema = stringAt(objectAt(fields, "relation"), "schemaname") ?? null;
    return [{ type: "index", schema, table: null, name: stringAt(fields, "idxname") ?? "" }];
  },
  CreateTrigStmt: (fields) => onTable("trigger", objectAt(fields, "relation"), stringAt(fields, "trigname")),
  RuleStmt: (fields) => onTable("rule", objectAt(fields, "relation"), stringAt(fields, "rulename")),
  CreatePolicyStmt: (fields) => onTable("policy", objectAt(fields, "table"), stringAt(fields, "policy_name")),
  CreateEventTrigStmt: (fields) => alone("event-trigger", stringAt(fields, "trigname")),
  CreateRoleStmt: (fields) => alone("role", stringAt(fields, "role")),
  CreateSchemaStmt: (fields) => [
    ...alone("schema", stringAt(fields, "schemaname") ?? stringAt(objectAt(fields, "authrole"), "rolename")),
    ...listAt(fields, "schemaElts").flatMap((element) => madeBy(element)),
  ],
  CreateExtensionStmt: (fields) => alone("extension", stringAt(fields, "extname")),
  AlterTableStmt: (fields) =>
    listAt(fields, "cmds").flatMap((node) => {
      const command = objectAt(node, "AlterTableCmd");
      if (stringAt(command, "subtype") !== "AT_AddConstraint") return [];
      const constraint = objectAt(objectAt(command, "def"), "Constraint");
      const isForeignKey = stringAt(constraint, "contype") === "CONSTR_FOREIGN";
      const made = onTable("constraint", objectAt(fields, "relation"), stringAt(constraint, "conname"));
      return made.map((one) => ({ ...one, isForeignKey }));
    }),
};

function tableOf(fields: unknown): Partial[] {
  const [parent] = listAt(fields, "inhRelations").map((node) =>
    stringAt(objectAt(node, "RangeVar"), "relname"),
  );
  const isPartition = Object.keys(objectAt(fields, "partbound")).length > 0;
  return relation("table", objectAt(fields, "relation")).map((made) => ({
    ...made,
    partitionOf: isPartition ? (parent ?? "") : null,
  }));
}

/** Which object a statement is about that names it by kind and name: COMMENT, GRANT, SECURITY LABEL, OWNER TO. */
import { readable, signatureOf, typeText } from "../names.js";
import { listAt, namesIn, stringAt, unwrap } from "../tree.js";
import { type Address, named, onTable, relation, unqualified } from "./fragment.js";

/** An object, or a column or constraint of one. */
export interface Place {
  readonly of: Address;
  /** e.g. `column note`; empty for the object itself. */
  readonly within: string;
}

const RELATIONS: ReadonlyMap<string, string> = new Map([
  ["OBJECT_TABLE", "table"],
  ["OBJECT_VIEW", "view"],
  ["OBJECT_MATVIEW", "materialized view"],
  ["OBJECT_SEQUENCE", "sequence"],
  ["OBJECT_FOREIGN_TABLE", "foreign table"],
]);

const ROUTINES: ReadonlyMap<string, string> = new Map([
  ["OBJECT_FUNCTION", "function"],
  ["OBJECT_PROCEDURE", "procedure"],
  ["OBJECT_ROUTINE", "function"],
  ["OBJECT_AGGREGATE", "aggregate"],
]);

const IN_SCHEMA: ReadonlyMap<string, string> = new Map([
  ["OBJECT_COLLATION", "collation"],
  ["OBJECT_CONVERSION", "conversion"],
  ["OBJECT_STATISTIC_EXT", "statistics"],
  ["OBJECT_TSCONFIGURATION", "text search configuration"],
  ["OBJECT_TSDICTIONARY", "text search dictionary"],
  ["OBJECT_TSPARSER", "text search parser"],
  ["OBJECT_TSTEMPLATE", "text search template"],
]);

const IN_NO_SCHEMA: ReadonlyMap<string, string> = new Map([
  ["OBJECT_ACCESS_METHOD", "access method"],
  ["OBJECT_DATABASE", "database"],
  ["OBJECT_EVENT_TRIGGER", "event trigger"],
  ["OBJECT_EXTENSION", "extension"],
  ["OBJECT_FDW", "foreign data wrapper"],
  ["OBJECT_FOREIGN_SERVER", "server"],
  ["OBJECT_LANGUAGE", "language"],
  ["OBJECT_PARAMETER_ACL", "parameter"],
  ["OBJECT_PUBLICATION", "publication"],
  ["OBJECT_SCHEMA", "schema"],
  ["OBJECT_SUBSCRIPTION", "subscription"],
  ["OBJECT_TABLESPACE", "tablespace"],
]);

const ON_TABLE: ReadonlyMap<string, string> = new Map([
  ["OBJECT_POLICY", "policy"],
  ["OBJECT_RULE", "rule"],
  ["OBJECT_TRIGGER", "trigger"],
]);

/**
 * Finds the object that a statement names.
 *
 * @param objectType e.g. `OBJECT_COLUMN`
 * @param object the node that names it: a list of names, a type, a function with its arguments
 * @returns undefined for a kind of object that is not known here
 */
export function addressOf(objectType: string, object: unknown): Place | undefined {
  const [nodeType, fields] = unwrap(object);
  const items = Array.isArray(fields.items) ? fields.items : [];
  const names = nodeType === "String" ? [stringAt(fields, "sval") ?? ""] : namesIn(items);
  const whole = (of: Address): Place => ({ of, within: "" });

  const relationType = RELATIONS.get(objectType);
  if (relationType !== undefined) {
    return whole(
      nodeType === "RangeVar" ? relation(fields, relationType) : named("relation", relationType, names),
    );
  }
  if (objectType === "OBJECT_INDEX") {
    return whole(
      nodeType === "RangeVar" ? relation(fields, "index", "index") : named("index", "index", names),
    );
  }
  const routine = ROUTINES.get(objectType);
  if (routine !== undefined) return whole(routineAddress(routine, fields));
  const inSchema = IN_SCHEMA.get(objectType);
  if (inSchema !== undefined) return whole(named("object", inSchema, names));
  const inNoSchema = IN_NO_SCHEMA.get(objectType);
  if (inNoSchema !== undefined) return whole(unqualified(inNoSchema, readable(names[0] ?? "")));
  const onItsTable = ON_TABLE.get(objectType);
  if (onItsTable !== undefined) {
    return whole(onTable(onItsTable, named("relation", "table", names.slice(0, -1)), names.at(-1) ?? ""));
  }
  return specialAddress(objectType, object, names, items);
}

function routineAddress(type: string, fields: unknown): Address {
  const of = named("routine", type, namesIn(listAt(fields, "objname")));
  const parameters = listAt(fields, "objfuncargs");
  const types = listAt(fields, "objargs").map(typeText).join(", ");
  // Aggregates are named with their types alone.
  return { ...of, name: of.name + (parameters.length > 0 ? signatureOf(parameters) : `(${types})`) };
}

function specialAddress(
  objectType: string,
  object: unknown,
  names: readonly string[],
  items: readonly unknown[],
): Place | undefined {
  const last = readable(names.at(-1) ?? "");
  const owner = names.slice(0, -1);
  switch (objectType) {
    case "OBJECT_COLUMN":
      return { of: named("relation", "table", owner), within: `column ${last}` };
    case "OBJECT_TABCONSTRAINT":
      return { of: named("relation", "table", owner), within: `constraint ${last}` };
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN": {
      const [, typeName] = unwrap(object);
      const parts = "names" in typeName ? namesIn(listAt(typeName, "names")) : names;
      return { of: named("type", objectType === "OBJECT_TYPE" ? "type" : "domain", parts), within: "" };
    }
    case "OBJECT_DOMCONSTRAINT": {
      const [, typeName] = unwrap(items[0]);
      return {
        of: named("type", "domain", namesIn(listAt(typeName, "names"))),
        within: `constraint ${last}`,
      };
    }
    case "OBJECT_OPERATOR": {
      const [, fields] = unwrap(object);
      const operator = namesIn(listAt(fields, "objname"));
      const sides = listAt(fields, "objargs").map((side) => typeText(side) || "NONE");
      const of = named("object", "operator", operator);
      return { of: { ...of, name: `${operator.at(-1)}(${sides.join(", ")})` }, within: "" };
    }
    case "OBJECT_OPCLASS":
    case "OBJECT_OPFAMILY": {
      const [method = "", ...rest] = names;
      const of = named(
        "object",
        objectType === "OBJECT_OPCLASS" ? "operator class" : "operator family",
        rest,
      );
      return { of: { ...of, name: `${of.name} using ${readable(method)}` }, within: "" };
    }
    case "OBJECT_CAST":
      return { of: unqualified("cast", `(${typeText(items[0])} AS ${typeText(items[1])})`), within: "" };
    case "OBJECT_TRANSFORM": {
      const language = readable(names[1] ?? "");
      return { of: unqualified("transform", `for ${typeText(items[0])} language ${language}`), within: "" };
    }
    default:
      return undefined;
  }
}

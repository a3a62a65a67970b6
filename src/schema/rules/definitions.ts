/** Definitions whose defaults PostgreSQL spells out, or not. */
import { listAt, namesIn, numberAt, objectAt, stringAt, type TreeObject, unwrap, without } from "../tree.js";
import type { Rule } from "./context.js";

/**
 * The name of a NOT NULL constraint: 18 stores and prints it, earlier servers have none. It stands with its column
 * or with the table; the parser says `is_enforced` of the former alone, though PostgreSQL enforces both.
 * Bridges 17 and earlier, and 18.
 */
export const notNullName: Rule = (constraint) => {
  if (stringAt(constraint, "contype") !== "CONSTR_NOTNULL") return undefined;
  if (!("conname" in constraint || "is_enforced" in constraint)) return undefined;
  return { Constraint: without(without(constraint, "conname"), "is_enforced") };
};

/** What `CREATE SEQUENCE` does for an ascending sequence unless told otherwise. pg_dump always spells all of it. */
function isSequenceDefault(option: TreeObject): boolean {
  const name = stringAt(option, "defname");
  const argument = option.arg;
  if (name === "minvalue" || name === "maxvalue") return argument === undefined;
  if (name === "start" || name === "increment" || name === "cache")
    return numberAt(objectAt(argument, "Integer"), "ival") === 1;
  if (name === "cycle") return objectAt(argument, "Boolean").boolval !== true;
  if (name === "as") return namesIn(listAt(objectAt(argument, "TypeName"), "names")).at(-1) === "int8";
  return false;
}

/**
 * `START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1` says what would be so anyway.
 * Bridges pg_dump, which spells it out, and SQL that does not.
 *
 * @param options the `DefElem` nodes of a sequence or an identity column
 */
export function sequenceOptions(options: readonly unknown[]): unknown[] {
  return options.filter((node) => !isSequenceDefault(objectAt(node, "DefElem")));
}

export const sequenceDefaults: Rule = (sequence) => {
  const options = listAt(sequence, "options");
  const told = sequenceOptions(options);
  return told.length === options.length ? undefined : { CreateSeqStmt: { ...sequence, options: told } };
};

/** The same for the sequence of an identity column. */
export const identityDefaults: Rule = (constraint) => {
  if (stringAt(constraint, "contype") !== "CONSTR_IDENTITY") return undefined;
  const options = listAt(constraint, "options");
  const told = sequenceOptions(options);
  return told.length === options.length ? undefined : { Constraint: { ...constraint, options: told } };
};

/**
 * The multirange type that comes with a range type, when its name is the one PostgreSQL makes up
 * (https://www.postgresql.org/docs/current/sql-createtype.html, MULTIRANGE_TYPE_NAME).
 * Bridges 13, which has no multiranges, and 14 and later.
 */
export const multirangeName: Rule = (range) => {
  const names = namesIn(listAt(range, "typeName"));
  const own = names.at(-1) ?? "";
  const derived = own.includes("range") ? own.replace("range", "multirange") : `${own}_multirange`;
  const expected = [...names.slice(0, -1), derived].join("\0");
  const params = listAt(range, "params");
  const told = params.filter((node) => {
    const option = objectAt(node, "DefElem");
    if (stringAt(option, "defname") !== "multirange_type_name") return true;
    return namesIn(listAt(objectAt(option.arg, "TypeName"), "names")).join("\0") !== expected;
  });
  return told.length === params.length ? undefined : { CreateRangeStmt: { ...range, params: told } };
};

/**
 * `IN` before a parameter says what would be so anyway.
 * Bridges 13 (`PROCEDURE p(a integer)`) and 14 and later (`PROCEDURE p(IN a integer)`).
 */
export const parameterMode: Rule = (parameter) =>
  stringAt(parameter, "mode") === "FUNC_PARAM_IN"
    ? { FunctionParameter: { ...parameter, mode: "FUNC_PARAM_DEFAULT" } }
    : undefined;

/**
 * The roles of a policy are a set, printed in the order in which the catalogue happens to hold the roles.
 * Bridges two servers of any version.
 */
export const policyRoles: Rule = (policy) => {
  const roles = listAt(policy, "roles");
  const sorted = roles.toSorted((a, b) => compare(roleKey(a), roleKey(b)));
  return sorted.some((role, index) => role !== roles[index])
    ? { CreatePolicyStmt: { ...policy, roles: sorted } }
    : undefined;
};

function roleKey(node: unknown): string {
  const [, role] = unwrap(node);
  return `${stringAt(role, "roletype")} ${stringAt(role, "rolename") ?? ""}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

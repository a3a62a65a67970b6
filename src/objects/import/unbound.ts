/** Functions whose bodies name tables that are not there, or that only the search path of the caller finds. */
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, objectAt, stringAt, type TreeObject } from "../../schema/tree.js";
import { visitBody } from "../bodies.js";
import { creating, type Unit } from "./gather.js";
import { nameKey } from "./table.js";

/** Has the server make functions without a look at their bodies, as it does when a dump is loaded. */
export const UNCHECKED = "SET check_function_bodies = off";

/**
 * Whether the server might refuse a function for its body: one in SQL that names a table which the dump does not make,
 * where a name without a schema is one in `public`. PL/pgSQL looks at names when it runs.
 *
 * @param relations the tables and views of the dump, as {@link relationsOf} gives them
 */
export function isUnbound(parser: Parser, unit: Unit, relations: ReadonlySet<string>): boolean {
  const create = creating(unit);
  if (create?.kind !== "CreateFunctionStmt" || hasPath(create.tree) || languageOf(create) !== "sql")
    return false;
  let isFree = false;
  const unread = visitBody(parser, { CreateFunctionStmt: create.tree }, create.sql, (use) => {
    if (use.of !== "name" || use.reference.space !== "relation") return;
    const { schema, name } = use.reference;
    const isBuiltIn = schema === null ? name.startsWith("pg_") : BUILT_IN.has(schema);
    isFree ||= !isBuiltIn && !relations.has(nameKey([schema ?? "public", name]));
  });
  return isFree || unread !== undefined;
}

function optionsOf(tree: TreeObject): TreeObject[] {
  return listAt(tree, "options").map((node) => objectAt(node, "DefElem"));
}

function languageOf({ tree }: DumpStatement): string | undefined {
  const option = optionsOf(tree).find((one) => stringAt(one, "defname") === "language");
  return stringAt(objectAt(objectAt(option, "arg"), "String"), "sval");
}

/** Whether a function brings its own search path; the server looks at its body by that. */
function hasPath(tree: TreeObject): boolean {
  return optionsOf(tree).some(
    (option) =>
      stringAt(option, "defname") === "set" &&
      stringAt(objectAt(objectAt(option, "arg"), "VariableSetStmt"), "name") === "search_path",
  );
}

const BUILT_IN: ReadonlySet<string> = new Set(["pg_catalog", "information_schema"]);

const RELATIONS: ReadonlySet<string | undefined> = new Set([
  "table",
  "view",
  "materialized-view",
  "sequence",
]);

/** The names of what a query may be about. */
export function relationsOf(units: readonly Unit[]): ReadonlySet<string> {
  return new Set(
    units.flatMap(({ name }) => (RELATIONS.has(name?.type) ? [nameKey(name?.parts ?? [])] : [])),
  );
}

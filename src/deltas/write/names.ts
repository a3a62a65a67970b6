/** Names from parse trees, as SQL. */
import type { FunctionParameter, Node, RangeVar, RoleSpec, TypeName } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import { storedName, typeText } from "../../schema/names.js";

/** A qualified name from its parts. */
export function sqlName(parts: readonly string[]): string {
  return parts.map(quoteIdentifier).join(".");
}

/** The strings of a list of names. */
export function partsOf(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ("String" in node ? [node.String.sval ?? ""] : []));
}

export function listName(nodes: readonly Node[] | undefined): string {
  return sqlName(partsOf(nodes));
}

export function relationSql(relation: RangeVar | undefined): string {
  const { schemaname, relname = "" } = relation ?? {};
  return sqlName(schemaname === undefined ? [relname] : [schemaname, relname]);
}

/** A type without its modifiers: enough to tell it from others. */
export function typeSql(type: TypeName | undefined): string {
  if (type === undefined) return "NONE";
  const parts = partsOf(type.names);
  if (parts[0] === "pg_catalog") return typeText({ TypeName: type });
  return `${sqlName(parts)}${"[]".repeat(type.arrayBounds?.length ?? 0)}`;
}

export function typeOfNode(node: Node | undefined): string {
  return node !== undefined && "TypeName" in node ? typeSql(node.TypeName) : "NONE";
}

/** The input parameters' types, by which a function is told from its namesakes. */
export function signatureSql(parameters: readonly Node[] | undefined): string {
  const types = parametersIn(parameters)
    .filter(({ mode }) => mode !== "FUNC_PARAM_OUT" && mode !== "FUNC_PARAM_TABLE")
    .map(({ argType }) => typeSql(argType));
  return `(${types.join(", ")})`;
}

/** An aggregate's, whose ordered arguments stand behind ORDER BY; the list's second element tells how many are direct. */
export function aggregateSignature(args: readonly Node[] | undefined): string {
  const [list, direct] = args ?? [];
  const parameters = list !== undefined && "List" in list ? parametersIn(list.List.items) : [];
  if (parameters.length === 0) return "(*)";
  const types = parameters.map(
    ({ mode, argType }) => `${mode === "FUNC_PARAM_VARIADIC" ? "VARIADIC " : ""}${typeSql(argType)}`,
  );
  const count = direct !== undefined && "Integer" in direct ? (direct.Integer.ival ?? 0) : -1;
  if (count < 0) return `(${types.join(", ")})`;
  const before = types.slice(0, count).join(", ");
  const ordered = types.slice(count === types.length ? -1 : count).join(", ");
  return `(${before === "" ? "" : `${before} `}ORDER BY ${ordered})`;
}

function parametersIn(nodes: readonly Node[] | undefined): FunctionParameter[] {
  return (nodes ?? []).flatMap((node) => ("FunctionParameter" in node ? [node.FunctionParameter] : []));
}

export function roleSql({ roletype, rolename = "" }: RoleSpec): string {
  switch (roletype) {
    case "ROLESPEC_PUBLIC":
      return "PUBLIC";
    case "ROLESPEC_CURRENT_USER":
      return "CURRENT_USER";
    case "ROLESPEC_SESSION_USER":
      return "SESSION_USER";
    default:
      return quoteIdentifier(rolename);
  }
}

/** A readable name, such as a part or an id has it, as SQL. */
export function nameSql(readable: string): string {
  return quoteIdentifier(storedName(readable));
}

/** The name of an object that has no arguments, as SQL. */
export function objectSql({
  schema,
  name,
}: {
  readonly schema: string | null;
  readonly name: string;
}): string {
  return schema === null ? nameSql(name) : `${quoteIdentifier(schema)}.${nameSql(name)}`;
}

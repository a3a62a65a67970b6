/** Tables: their columns and constraints, one fragment each. */
import { canonicalForm } from "../canonical.js";
import { readable } from "../names.js";
import { listAt, namesIn, numberAt, objectAt, stringAt, type TreeObject, unwrap, without } from "../tree.js";
import { type Address, type Fragment, type Reader, relation, type Statement } from "./fragment.js";

/** The columns in their order, which a row's layout and `SELECT *` depend on. */
export const COLUMN_ORDER = "column order";

export const createTable: Reader = (statement) => tableFragments(statement, statement.tree, "table");

export const createForeignTable: Reader = (statement) => {
  const { tree } = statement;
  const options = { servername: tree.servername, options: tree.options };
  const fragments = tableFragments(statement, objectAt(tree, "base"), "foreign table");
  const of = relation(objectAt(objectAt(tree, "base"), "relation"), "foreign table");
  return [...fragments, part(statement, of, "server", options, statement.text)];
};

function part(statement: Statement, of: Address, name: string, tree: unknown, text: string): Fragment {
  return { of, part: name, canonical: canonicalForm(tree, statement.context), text };
}

function tableFragments(statement: Statement, tree: TreeObject, type: string): Fragment[] {
  const rangeVar = objectAt(tree, "relation");
  const of = relation(rangeVar, type);
  const elements = listAt(tree, "tableElts");
  const texts = elementTexts(statement, elements);
  const parents = listAt(tree, "inhRelations").map((node) => relation(unwrap(node)[1], "table"));
  const { relpersistence } = rangeVar;
  const { options, tableElts: _, relation: __, ...rest } = tree;
  const fragments: Fragment[] = [
    {
      ...part(statement, of, "definition", { relpersistence, ...rest }, statement.text),
      creates: true,
      ...(parents.length > 0 ? { parents } : {}),
    },
  ];
  if (options !== undefined)
    fragments.push(part(statement, of, "storage parameters", options, statement.text));
  const columns: string[] = [];
  for (const [index, element] of elements.entries()) {
    const [kind, fields] = unwrap(element);
    const text = texts[index] ?? "";
    if (kind === "ColumnDef") {
      columns.push(stringAt(fields, "colname") ?? "");
      fragments.push(...columnFragments(statement, of, fields, text));
    } else if (kind === "Constraint") fragments.push(constraintFragment(statement, of, fields, text));
    else fragments.push(part(statement, of, "definition", element, text));
  }
  if (!statement.settings.columnOrder) return fragments;
  const order = columns.map(readable).join(", ");
  return [...fragments, { of, part: COLUMN_ORDER, canonical: JSON.stringify(columns), text: order }];
}

/** The text of each element between a table's parentheses. */
function elementTexts(statement: Statement, elements: readonly unknown[]): string[] {
  const starts = elements.map((element) => numberAt(unwrap(element)[1], "location"));
  return starts.map((start, index) => {
    const next = starts[index + 1];
    if (next !== undefined) return statement.slice(start, next).replace(/,\s*$/, "");
    const rest = statement.slice(start, Number.POSITIVE_INFINITY);
    const end = rest.indexOf("\n)");
    return (end < 0 ? rest : rest.slice(0, end)).trim();
  });
}

/**
 * A column and what its constraints say, one fragment each under the column's name: pg_dump writes a default or a
 * NOT NULL with the column in one schema and as a statement of its own in another, as dependencies want it.
 */
function columnFragments(statement: Statement, of: Address, column: TreeObject, text: string): Fragment[] {
  const name = columnPart(stringAt(column, "colname") ?? "");
  const fragments = [part(statement, of, name, without(column, "constraints"), text)];
  for (const node of listAt(column, "constraints")) {
    const [, constraint] = unwrap(node);
    const contype = stringAt(constraint, "contype");
    const { canonical } = part(statement, of, name, node, "");
    if (contype === "CONSTR_DEFAULT")
      fragments.push(defaultFragment(statement, of, name, constraint.raw_expr, ""));
    else if ("conname" in constraint && contype !== "CONSTR_NOTNULL") {
      fragments.push(constraintFragment(statement, of, constraint, text));
    } else fragments.push({ of, part: name, canonical, text: "" });
  }
  return fragments;
}

function columnPart(name: string): string {
  return `column ${readable(name)}`;
}

function defaultFragment(
  statement: Statement,
  of: Address,
  name: string,
  value: unknown,
  text: string,
): Fragment {
  return { of, part: name, canonical: `["default",${canonicalForm(value, statement.context)}]`, text };
}

/** A constraint of a table; one that says NOT NULL belongs to its column. */
function constraintFragment(
  statement: Statement,
  of: Address,
  constraint: TreeObject,
  text: string,
): Fragment {
  const name = stringAt(constraint, "conname");
  const columns = namesIn(listAt(constraint, "keys"));
  if (stringAt(constraint, "contype") === "CONSTR_NOTNULL") {
    const tree = { Constraint: without(constraint, "keys") };
    return part(statement, of, columnPart(columns[0] ?? ""), tree, text);
  }
  const kind = (stringAt(constraint, "contype") ?? "").replace("CONSTR_", "").toLowerCase();
  const label =
    name === undefined ? `constraint ${kind} ${columns.join(", ")}` : `constraint ${readable(name)}`;
  const fragment = part(statement, of, label, { Constraint: constraint }, text);
  // A key is an index too, and is spoken of as one.
  return name === undefined
    ? fragment
    : { ...fragment, alias: { space: "index", type: "index", schema: of.schema, name: readable(name) } };
}

/** `ALTER TABLE`, and what pg_dump writes with the same words about views, indexes and sequences. */
export const alterTable: Reader = (statement) => {
  const isIndex = stringAt(statement.tree, "objtype") === "OBJECT_INDEX";
  const type = (stringAt(statement.tree, "objtype") ?? "").replace("OBJECT_", "").toLowerCase();
  const of = relation(objectAt(statement.tree, "relation"), type, isIndex ? "index" : "relation");
  return listAt(statement.tree, "cmds").flatMap((node) => commandFragments(statement, of, unwrap(node)[1]));
};

/** What of a table an ALTER TABLE is about when its command names no column. */
const PARTS: ReadonlyMap<string, string> = new Map([
  ["AT_EnableRowSecurity", "row security"],
  ["AT_ForceRowSecurity", "row security"],
  ["AT_NoForceRowSecurity", "row security"],
  ["AT_ReplicaIdentity", "replica identity"],
  ["AT_ClusterOn", "cluster"],
  ["AT_SetRelOptions", "storage parameters"],
  ["AT_SetAccessMethod", "access method"],
  ["AT_AddInherit", "definition"],
  ["AT_AddOf", "definition"],
]);

function commandFragments(statement: Statement, of: Address, command: TreeObject): Fragment[] {
  const { text } = statement;
  const name = stringAt(command, "name");
  const subtype = stringAt(command, "subtype") ?? "";
  const { behavior: _, ...said } = command;
  if (subtype === "AT_ChangeOwner")
    return statement.settings.owners ? [part(statement, of, "owner", said, text)] : [];
  if (subtype === "AT_AttachPartition") return [attachment(statement, of, command)];
  if (subtype === "AT_ColumnDefault") {
    return [defaultFragment(statement, of, columnPart(name ?? ""), command.def, text)];
  }
  if (subtype === "AT_AddConstraint") {
    return [constraintFragment(statement, of, unwrap(command.def)[1], text)];
  }
  if (subtype === "AT_AddIdentity") return [identity(statement, of, command)];
  const switched = /^AT_(?:Enable|Disable)(?:Always|Replica)?(Trig|Rule)$/.exec(subtype);
  if (switched !== null && name !== undefined) {
    const type = switched[1] === "Trig" ? "trigger" : "rule";
    const table = { schema: of.schema ?? "public", name: of.name };
    const target: Address = {
      space: "object",
      type,
      schema: of.schema,
      name: `${of.name}.${readable(name)}`,
      table,
    };
    return [part(statement, target, "state", said, text)];
  }
  const known = PARTS.get(subtype);
  if (known !== undefined) return [part(statement, of, known, said, text)];
  return [part(statement, of, name === undefined ? "settings" : columnPart(name), said, text)];
}

/** `ATTACH PARTITION` stands at the table above, and is about the one below. */
function attachment(statement: Statement, above: Address, command: TreeObject): Fragment {
  const [, partition] = unwrap(command.def);
  const below = relation(
    objectAt(partition, "name"),
    above.type,
    above.space === "index" ? "index" : "relation",
  );
  const said = { of: [above.schema, above.name], bound: partition.bound };
  return part(statement, below, "partition", said, statement.text);
}

function identity(statement: Statement, of: Address, command: TreeObject): Fragment {
  const [, constraint] = unwrap(command.def);
  const option = listAt(constraint, "options").find(
    (node) => stringAt(objectAt(node, "DefElem"), "defname") === "sequence_name",
  );
  const names = namesIn(listAt(objectAt(objectAt(objectAt(option, "DefElem"), "arg"), "List"), "items"));
  const fragment = part(
    statement,
    of,
    columnPart(stringAt(command, "name") ?? ""),
    command.def,
    statement.text,
  );
  if (names.length < 2) return fragment;
  const [schema = "", name = ""] = names;
  return { ...fragment, alias: { space: "relation", type: "sequence", schema, name: readable(name) } };
}

export const createIndex: Reader = (statement) => {
  const { tree } = statement;
  const of = relation(objectAt(tree, "relation"), "table");
  const name = readable(stringAt(tree, "idxname") ?? "");
  const alias: Address = { space: "index", type: "index", schema: of.schema, name };
  return [{ ...part(statement, of, `index ${name}`, tree, statement.text), alias }];
};

/** Whether a fragment says that a column takes no NULL. */
export function isNotNull(fragment: Fragment): boolean {
  return fragment.part.startsWith("column ") && fragment.canonical.includes('"contype":"CONSTR_NOTNULL"');
}

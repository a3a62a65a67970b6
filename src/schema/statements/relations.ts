/** Views, materialized views, sequences, and what stands beside tables. */
import { canonicalForm } from "../canonical.js";
import { readable } from "../names.js";
import { unqualifiedColumns } from "../rules/views.js";
import { listAt, namesIn, objectAt, stringAt, unwrap, without } from "../tree.js";
import {
  type Address,
  creation,
  type Fragment,
  named,
  onTable,
  type Reader,
  relation,
  whole,
} from "./fragment.js";

/** `OR REPLACE` is how pg_dump says that it made a placeholder of the view before. */
export const createView: Reader = (statement) => {
  const { view, replace: _, options, query, ...rest } = statement.tree;
  const of = relation(view, "view");
  const tree = { ...rest, query: unqualifiedColumns(query) };
  const isPlaceholder = isDummy(query);
  const made: Fragment = { ...creation(statement, of, tree), isPlaceholder };
  return options === undefined
    ? [made]
    : [made, { ...whole(statement, of, "options", options), isPlaceholder }];
};

/** `SELECT NULL::integer AS id, …` from nowhere: the columns of a view that cannot be made yet. */
function isDummy(query: unknown): boolean {
  const [, select] = unwrap(query);
  return (
    listAt(select, "fromClause").length === 0 &&
    listAt(select, "targetList").every((node) => {
      const value = objectAt(unwrap(node)[1], "val");
      return objectAt(objectAt(objectAt(value, "TypeCast"), "arg"), "A_Const").isnull === true;
    })
  );
}

export const createTableAs: Reader = (statement) => {
  const into = objectAt(statement.tree, "into");
  const of = relation(objectAt(into, "rel"), "materialized view");
  const { rel: _, skipData: __, options, ...rest } = into;
  const made = creation(statement, of, { ...rest, query: unqualifiedColumns(statement.tree.query) });
  return options === undefined ? [made] : [made, whole(statement, of, "storage parameters", options)];
};

/** The part that tells a sequence which is not logged; of one that a column owns it says nothing. */
export const PERSISTENCE = "persistence";

export const createSequence: Reader = (statement) => {
  const sequence = objectAt(statement.tree, "sequence");
  const tree = {
    relpersistence: sequence.relpersistence,
    CreateSeqStmt: without(statement.tree, "sequence"),
  };
  const of = relation(sequence, "sequence");
  const isUnlogged = sequence.relpersistence === "u";
  return [creation(statement, of, tree), ...(isUnlogged ? [whole(statement, of, PERSISTENCE, "u")] : [])];
};

export const OWNED_BY = "owned by";

/** `ALTER SEQUENCE … OWNED BY`: the sequence goes with the table from then on. */
export const alterSequence: Reader = (statement) => {
  const sequence = objectAt(statement.tree, "sequence");
  const options = listAt(statement.tree, "options");
  const owner = options.find((node) => stringAt(objectAt(node, "DefElem"), "defname") === "owned_by");
  const column = namesIn(listAt(objectAt(objectAt(objectAt(owner, "DefElem"), "arg"), "List"), "items"));
  const [schema = "", table = ""] = column;
  const of = relation(sequence, "sequence");
  if (column.length < 3) return [whole(statement, of, "options", options)];
  const owned: Address = { ...of, table: { schema, name: readable(table) } };
  return [whole(statement, owned, OWNED_BY, options)];
};

/** Triggers, policies and rules are objects of their own that go with their table. */
function tableBound(type: string, nameKey: string, relationKey: string): Reader {
  return (statement) => {
    const { tree } = statement;
    const table = relation(objectAt(tree, relationKey), "table");
    return [creation(statement, onTable(type, table, stringAt(tree, nameKey) ?? ""), tree)];
  };
}

export const createTrigger = tableBound("trigger", "trigname", "relation");
export const createRule = tableBound("rule", "rulename", "relation");

export const createPolicy: Reader = (statement) => {
  const table = relation(objectAt(statement.tree, "table"), "table");
  const of = onTable("policy", table, stringAt(statement.tree, "policy_name") ?? "");
  return [creation(statement, of, { CreatePolicyStmt: statement.tree })];
};

export const createStatistics: Reader = (statement) => {
  const of = named("object", "statistics", namesIn(listAt(statement.tree, "defnames")));
  const table = relation(unwrap(listAt(statement.tree, "relations")[0])[1], "table");
  return [creation(statement, { ...of, table: { schema: table.schema ?? "public", name: table.name } })];
};

export const alterStatistics: Reader = (statement) => {
  const of = named("object", "statistics", namesIn(listAt(statement.tree, "defnames")));
  return [whole(statement, of, "target")];
};

/** A value of an enum is a part of it, and their order is another: comparisons go by it. */
export const createEnum: Reader = (statement) => {
  const of = named("type", "type", namesIn(listAt(statement.tree, "typeName")));
  const values = namesIn(listAt(statement.tree, "vals"));
  return [
    { ...creation(statement, of, "ENUM"), text: statement.text },
    ...values.map((value) => ({ of, part: `value '${value}'`, canonical: JSON.stringify(value), text: "" })),
    { of, part: "order of values", canonical: JSON.stringify(values), text: values.join(", ") },
  ];
};

export const createComposite: Reader = (statement) => {
  const of = relation(objectAt(statement.tree, "typevar"), "type");
  const columns = listAt(statement.tree, "coldeflist").map((node) => unwrap(node)[1]);
  const names = columns.map((column) => stringAt(column, "colname") ?? "");
  return [
    creation(statement, of, "COMPOSITE"),
    ...columns.map((column, index) => ({
      of,
      part: `attribute ${readable(names[index] ?? "")}`,
      canonical: canonicalForm(column, statement.context),
      text: "",
    })),
    { of, part: "order of attributes", canonical: JSON.stringify(names), text: names.join(", ") },
  ];
};

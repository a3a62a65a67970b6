/** Statements that make an object in one piece, or change one that was made so. */
import { canonicalForm } from "../canonical.js";
import { readable, signatureOf, typeText } from "../names.js";
import { roleName } from "../rules/privileges.js";
import { listAt, namesIn, objectAt, stringAt, type TreeObject, unwrap } from "../tree.js";
import { addressOf } from "./address.js";
import { type Address, creation, named, type Reader, relation, unqualified, whole } from "./fragment.js";

export const createFunction: Reader = (statement) => {
  const { tree } = statement;
  const type = tree.is_procedure === true ? "procedure" : "function";
  const of = named("routine", type, namesIn(listAt(tree, "funcname")));
  return [creation(statement, { ...of, name: of.name + signatureOf(listAt(tree, "parameters")) })];
};

const DEFINED: ReadonlyMap<string, string> = new Map([
  ["OBJECT_COLLATION", "collation"],
  ["OBJECT_TSCONFIGURATION", "text search configuration"],
  ["OBJECT_TSDICTIONARY", "text search dictionary"],
  ["OBJECT_TSPARSER", "text search parser"],
  ["OBJECT_TSTEMPLATE", "text search template"],
]);

/** `CREATE AGGREGATE`, `OPERATOR`, `TYPE`, `COLLATION` and `TEXT SEARCH …` are one node. */
export const define: Reader = (statement) => {
  const { tree } = statement;
  const kind = stringAt(tree, "kind") ?? "";
  const names = namesIn(listAt(tree, "defnames"));
  if (kind === "OBJECT_AGGREGATE") {
    const [, { items }] = unwrap(listAt(tree, "args")[0]);
    const of = named("routine", "aggregate", names);
    return [creation(statement, { ...of, name: of.name + signatureOf(Array.isArray(items) ? items : []) })];
  }
  if (kind === "OBJECT_OPERATOR") {
    const sides = ["leftarg", "rightarg"].map((side) => typeText(option(tree, side)) || "NONE");
    const of = named("object", "operator", names);
    return [creation(statement, { ...of, name: `${names.at(-1)}(${sides.join(", ")})` })];
  }
  if (kind === "OBJECT_TYPE") {
    // Without a definition it is a shell, which the functions of a type need before the type can be made.
    const isPlaceholder = listAt(tree, "definition").length === 0;
    return [{ ...creation(statement, named("type", "type", names)), isPlaceholder }];
  }
  return [creation(statement, named("object", DEFINED.get(kind) ?? kind, names))];
};

function option(tree: TreeObject, name: string): unknown {
  const found = listAt(tree, "definition").find(
    (node) => stringAt(objectAt(node, "DefElem"), "defname") === name,
  );
  return objectAt(found, "DefElem").arg;
}

export const createRange: Reader = (statement) => {
  const of = named("type", "type", namesIn(listAt(statement.tree, "typeName")));
  return [creation(statement, of, { CreateRangeStmt: statement.tree })];
};

export const createDomain: Reader = (statement) => {
  const { constraints, ...rest } = statement.tree;
  const of = named("type", "domain", namesIn(listAt(statement.tree, "domainname")));
  return [
    creation(statement, of, rest),
    ...(Array.isArray(constraints) ? constraints : []).map((node) => domainConstraint(of, node, statement)),
  ];
};

export const alterDomain: Reader = (statement) => {
  const of = named("type", "domain", namesIn(listAt(statement.tree, "typeName")));
  const { def } = statement.tree;
  return unwrap(def)[0] === "Constraint"
    ? [domainConstraint(of, def, statement)]
    : [whole(statement, of, "definition")];
};

function domainConstraint(of: Address, node: unknown, statement: Parameters<Reader>[0]) {
  const name = stringAt(unwrap(node)[1], "conname");
  const part = name === undefined ? "definition" : `constraint ${readable(name)}`;
  return { of, part, canonical: canonicalForm(node, statement.context), text: statement.text };
}

/** `CREATE EXTENSION IF NOT EXISTS` and `OR REPLACE` are how a dump may be loaded, not what it holds. */
const LOADING: ReadonlySet<string> = new Set(["if_not_exists", "replace"]);

function plain(tree: TreeObject): TreeObject {
  return Object.fromEntries(Object.entries(tree).filter(([key]) => !LOADING.has(key)));
}

/** For what lies in no schema: the whole statement, under the name at a key. */
export function globalObject(type: string, nameKey: string): Reader {
  return (statement) => {
    const name = readable(stringAt(statement.tree, nameKey) ?? "");
    return [creation(statement, unqualified(type, name), plain(statement.tree))];
  };
}

/** For a statement that changes what lies in no schema. */
export function globalChange(type: string, nameKey: string, part: string): Reader {
  return (statement) => [
    whole(statement, unqualified(type, readable(stringAt(statement.tree, nameKey) ?? "")), part),
  ];
}

/** `public` is there in a new database, so that it is made says nothing. */
export const createSchema: Reader = (statement) =>
  stringAt(statement.tree, "schemaname") === "public" ? [] : globalObject("schema", "schemaname")(statement);

export const createSubscription: Reader = (statement) =>
  statement.settings.subscriptions ? globalObject("subscription", "subname")(statement) : [];

export const alterSubscription: Reader = (statement) =>
  statement.settings.subscriptions ? globalChange("subscription", "subname", "options")(statement) : [];

/** For what lies in a schema: the whole statement, under the qualified name at a key. */
export function schemaObject(type: string, namesKey: string): Reader {
  return (statement) => [
    creation(statement, named("object", type, namesIn(listAt(statement.tree, namesKey)))),
  ];
}

/** An operator class or family of one name may exist for each index method. */
export function operatorGroup(type: string, namesKey: string): Reader {
  return (statement) => {
    const of = named("object", type, namesIn(listAt(statement.tree, namesKey)));
    const method = stringAt(statement.tree, "amname") ?? "";
    return [creation(statement, { ...of, name: `${of.name} using ${readable(method)}` })];
  };
}

/** The members that are added to a family one by one, in whatever order. */
export const alterOperatorFamily: Reader = (statement) => {
  const of = named("object", "operator family", namesIn(listAt(statement.tree, "opfamilyname")));
  const method = stringAt(statement.tree, "amname") ?? "";
  return listAt(statement.tree, "items").map((item) => ({
    of: { ...of, name: `${of.name} using ${readable(method)}` },
    part: "members",
    canonical: canonicalForm(item, statement.context),
    text: statement.text,
  }));
};

export const createCast: Reader = (statement) => {
  const name = `(${typeText(statement.tree.sourcetype)} AS ${typeText(statement.tree.targettype)})`;
  return [creation(statement, unqualified("cast", name))];
};

export const createTransform: Reader = (statement) => {
  const language = readable(stringAt(statement.tree, "lang") ?? "");
  const of = unqualified("transform", `for ${typeText(statement.tree.type_name)} language ${language}`);
  return [creation(statement, of, plain(statement.tree))];
};

export const createUserMapping: Reader = (statement) => {
  const { tree } = statement;
  const known = stringAt(tree.user, "rolename");
  const role = known === undefined ? roleName(tree.user) : readable(known);
  const server = readable(stringAt(tree, "servername") ?? "");
  return [creation(statement, unqualified("user mapping", `for ${role} server ${server}`), plain(tree))];
};

export const alterTextSearchConfiguration: Reader = (statement) => {
  const of = named("object", "text search configuration", namesIn(listAt(statement.tree, "cfgname")));
  const tokens = namesIn(listAt(statement.tree, "tokentype")).join(", ");
  return [whole(statement, of, `mapping ${tokens}`)];
};

/** Each table and each schema of a publication is a part of it. */
export const alterPublication: Reader = (statement) => {
  const of = unqualified("publication", readable(stringAt(statement.tree, "pubname") ?? ""));
  const objects = listAt(statement.tree, "pubobjects");
  return objects.map((node) => {
    const [, object] = unwrap(node);
    const table = objectAt(object, "pubtable");
    const canonical = canonicalForm(object, statement.context);
    if (stringAt(object, "name") !== undefined) {
      return {
        of,
        part: `tables in schema ${readable(stringAt(object, "name") ?? "")}`,
        canonical,
        text: statement.text,
      };
    }
    const { schema, name } = relation(objectAt(table, "relation"), "table");
    const about = { schema: schema ?? "public", name };
    return { of, part: `table ${readable(about.schema)}.${name}`, canonical, text: statement.text, about };
  });
};

/** `ALTER … DEPENDS ON EXTENSION`. */
export const dependsOnExtension: Reader = (statement) => {
  const { tree } = statement;
  const address = addressOf(stringAt(tree, "objectType") ?? "", tree.object ?? { RangeVar: tree.relation });
  return address === undefined ? [] : [whole(statement, address.of, "extension", tree.extname)];
};

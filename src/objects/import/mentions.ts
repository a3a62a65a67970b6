/** Which names a statement says, whatever for: enough to tell what may need what, and never too few. */
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { isTreeObject, namesIn, stringAt } from "../../schema/tree.js";
import { identifiersIn, type Unit } from "./gather.js";

/** A name among others: its schema, empty for what lies in none, and itself. */
export function handle(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

/** Nobody names a cast to use it, or a trigger. */
const UNNAMED: ReadonlySet<string> = new Set([
  "cast",
  "transform",
  "user mapping",
  "trigger",
  "rule",
  "policy",
]);

/** The handle that an object is mentioned by; null for what is used without being named. */
export function handleOf({ address: { type, schema, name } }: Unit): string | null {
  if (UNNAMED.has(type)) return null;
  const raw = type === "operator" ? name.slice(0, name.indexOf("(")) : (identifiersIn(name)[0] ?? name);
  return handle(schema ?? "", raw);
}

/** Fields that hold the name of something that lies in no schema. */
const ALONE: ReadonlySet<string> = new Set(["servername", "fdwname", "lang", "accessMethod", "amname"]);

/** Built-in languages and access methods. */
const BUILT_IN: ReadonlySet<string> = new Set(
  ["plpgsql", "sql", "c", "internal", "btree", "hash", "gist", "gin", "spgist", "brin", "heap"].map((name) =>
    handle("", name),
  ),
);

/** The handles of everything that statements name, built-ins aside. */
export function mentionsOf(statements: readonly DumpStatement[]): Set<string> {
  const found = new Set<string>();
  for (const { tree, entry } of statements) {
    visit(tree, found);
    if (entry.type === "TABLE" || entry.type === "MATERIALIZED VIEW")
      found.add(handle("", entry.accessMethod));
  }
  for (const name of found)
    if (BUILT_IN.has(name) || name.startsWith(handle("pg_catalog", ""))) found.delete(name);
  return found;
}

function visit(node: unknown, found: Set<string>): void {
  if (Array.isArray(node)) {
    addQualified(namesIn(node), found);
    for (const item of node) visit(item, found);
    return;
  }
  if (!isTreeObject(node)) return;
  const [relation, schema] = [stringAt(node, "relname"), stringAt(node, "schemaname")];
  if (relation !== undefined && schema !== undefined) found.add(handle(schema, relation));
  // `'shop.search'::regconfig` names an object in a string.
  const text = stringAt(node, "sval");
  if (text !== undefined) addQualified(identifiersIn(text), found);
  if (stringAt(node, "defname") === "language") found.add(handle("", languageOf(node.arg)));
  for (const [key, value] of Object.entries(node)) {
    if (ALONE.has(key) && typeof value === "string") found.add(handle("", value));
    else visit(value, found);
  }
}

function addQualified(names: readonly string[], found: Set<string>): void {
  const [schema = "", name = ""] = names;
  if (names.length === 2 && schema !== "" && name !== "") found.add(handle(schema, name));
}

function languageOf(argument: unknown): string {
  const string = isTreeObject(argument) ? argument.String : undefined;
  return stringAt(string, "sval") ?? "";
}

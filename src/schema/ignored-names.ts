import { loadParser } from "./parser.js";
import { ignoredBy, type SchemaSettings } from "./settings.js";
import { isTreeObject, listAt, objectAt, stringAt } from "./tree.js";

/**
 * Tables and schemas that a statement names and that do not count as schema.
 *
 * @param sql one statement that parses
 * @returns each once, as SQL would call it without quotes
 * @example await ignoredNamesIn("DROP TABLE log_2024", { ...settings, ignoreTables: ["log_*"] }) // → ["log_2024"]
 */
export async function ignoredNamesIn(
  sql: string,
  settings: Pick<SchemaSettings, "ignoreSchemas" | "ignoreTables">,
): Promise<string[]> {
  if (settings.ignoreSchemas.length + settings.ignoreTables.length === 0) return [];
  const { parse } = await loadParser();
  const ignored = ignoredBy(settings);
  const found = new Set<string>();
  const add = (parts: readonly string[]) => {
    const [name = "", schema] = parts.toReversed();
    if (ignored.table(schema ?? "public", name)) found.add(parts.join("."));
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    if (!isTreeObject(node)) return;
    const [schema, relation] = [stringAt(node, "schemaname"), stringAt(node, "relname")];
    if (relation !== undefined) add(schema ? [schema, relation] : [relation]);
    for (const name of droppedNames(objectAt(node, "DropStmt"))) add(name);
    for (const name of schemaNames(node)) if (ignored.schema(name)) found.add(name);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parse(sql).stmts);
  return [...found];
}

/** DROP gives the names of tables and the like as lists of their parts. */
function droppedNames(drop: unknown): string[][] {
  return listAt(drop, "objects").flatMap((object) => {
    const parts = listAt(objectAt(object, "List"), "items").flatMap(textOf);
    return parts.length === 0 ? [] : [parts];
  });
}

function schemaNames(node: unknown): string[] {
  const drop = objectAt(node, "DropStmt");
  const dropped =
    stringAt(drop, "removeType") === "OBJECT_SCHEMA" ? listAt(drop, "objects").flatMap(textOf) : [];
  const made = stringAt(objectAt(node, "CreateSchemaStmt"), "schemaname");
  return made === undefined ? dropped : [...dropped, made];
}

function textOf(node: unknown): string[] {
  const text = stringAt(objectAt(node, "String"), "sval");
  return text === undefined ? [] : [text];
}

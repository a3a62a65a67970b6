/** What SQL needs of the server that it is run on. */
import { readDump } from "./dump.js";
import { loadParser, type Parser } from "./parser.js";
import { listAt, objectAt, stringAt } from "./tree.js";

export interface Needs {
  /** Roles that it names, in grants, policies, owners, and does not make itself; each once. */
  readonly roles: readonly string[];
  /** Extensions that it makes; each once. */
  readonly extensions: readonly string[];
}

/** A word of each statement that can name a role or make an extension: an entry of a dump that has none is not parsed. */
const NEEDY = /\b(?:grant|revoke|role|user|group|owner|owned|authorization|policy|extension)\b/i;

/**
 * Reads off SQL what a server must have that is to run it, beside PostgreSQL itself.
 *
 * @param sql a dump, or any other SQL
 * @returns nothing of what cannot be parsed, so that whoever runs it gets the server's own message
 * @example await neededBy("GRANT SELECT ON t TO reader") // → { roles: ["reader"], extensions: [] }
 */
export async function neededBy(sql: string): Promise<Needs> {
  const needy = NEEDY.test(sql) ? readDump(sql).entries.filter((entry) => NEEDY.test(entry.sql)) : [];
  if (needy.length === 0) return { roles: [], extensions: [] };
  const parser = await loadParser();
  const [named, made, extensions] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const add = (set: Set<string>, name: string | undefined) => void (name !== undefined && set.add(name));
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    add(named, stringAt(node, "rolename"));
    add(made, stringAt(objectAt(node, "CreateRoleStmt"), "role"));
    add(extensions, stringAt(objectAt(node, "CreateExtensionStmt"), "extname"));
    // GRANT a TO b names the role that is given as a privilege.
    for (const given of listAt(objectAt(node, "GrantRoleStmt"), "granted_roles"))
      add(named, stringAt(objectAt(given, "AccessPriv"), "priv_name"));
    for (const child of Object.values(node)) visit(child);
  };
  for (const entry of needy) visit(treeOf(entry.sql, parser));
  return { roles: [...named].filter((role) => !made.has(role)), extensions: [...extensions] };
}

function treeOf(sql: string, { parse }: Parser): unknown {
  try {
    return parse(sql);
  } catch {
    return null;
  }
}

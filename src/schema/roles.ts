import { loadParser } from "./parser.js";

/**
 * The roles that SQL names: in grants, policies, owners. For a server that has none of them.
 *
 * @returns each once; nothing where the SQL cannot be parsed, so that whoever runs it gets the server's own message
 */
export async function rolesIn(sql: string): Promise<string[]> {
  const { parse } = await loadParser();
  const roles = new Set<string>();
  let tree: unknown;
  try {
    tree = parse(sql);
  } catch {
    return [];
  }
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("rolename" in node && typeof node.rolename === "string") roles.add(node.rolename);
    for (const child of Object.values(node)) visit(child);
  };
  visit(tree);
  return [...roles];
}

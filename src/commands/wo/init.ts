/** `wo init`: makes an empty tree. */
import { mkdir } from "node:fs/promises";
import { exists, writeAtomic } from "../../files.js";
import { KINDS } from "../../objects/kinds.js";
import { PLAIN_FOLDERS } from "../../objects/tree.js";
import type { WoInitResult } from "../results.js";
import { readSettings, type WoOptions } from "./settings.js";

/** Kinds that wo 2.2.1 has too; a folder for the others is made by whoever needs it. */
const FOLDERS = [
  "functions",
  "roles",
  "tables",
  "schemas",
  "constraints",
  "triggers",
  "policies",
  "extensions",
  "types",
  "views",
];

const PARAMETERS = `-- Stand in braces for what WO_CONNECTION_STRING says: database_name, role_name, password.
-- They may have letters, digits and underscores only.
`;

/** What an empty tree holds, by path inside it. */
export const BASE_FILES: Readonly<Record<string, string>> = {
  "create/00-create-role.sql": `${PARAMETERS}CREATE ROLE "{role_name}" LOGIN SUPERUSER PASSWORD '{password}';\n`,
  "create/01-create-database.sql": `${PARAMETERS}CREATE DATABASE "{database_name}"
  OWNER "{role_name}"
  TEMPLATE template0
  ENCODING 'UTF8';\n`,
  "drop/00-drop-database.sql": `${PARAMETERS}-- FORCE ends the sessions that are in it; PostgreSQL 13 and later have it.
DROP DATABASE IF EXISTS "{database_name}" WITH (FORCE);\n`,
  "drop/01-drop-role.sql": `${PARAMETERS}DROP ROLE IF EXISTS "{role_name}";\n`,
  "schemas/public.sql": "CREATE SCHEMA public;\n",
};

/**
 * Makes the tree at `WO_DIR`. One that is there is left as it is.
 *
 * @throws ConfigError for the variables
 */
export async function woInit(options: WoOptions = {}): Promise<WoInitResult> {
  const { dir } = await readSettings(options);
  if (await exists(dir)) return { dir, created: [] };
  const known = KINDS.map(({ directory }) => directory).filter((folder) => FOLDERS.includes(folder));
  const plain = PLAIN_FOLDERS.filter((folder) => folder !== "initial" && folder !== "final");
  for (const folder of [...plain, ...known]) await mkdir(`${dir}/${folder}`, { recursive: true });
  for (const [path, content] of Object.entries(BASE_FILES)) await writeAtomic(`${dir}/${path}`, content);
  return { dir, created: Object.keys(BASE_FILES).map((path) => `${dir}/${path}`) };
}

/**
 * Projects with a database that are made once in a process, as a user makes them, and then copied: to make one takes
 * a second or two, to copy one a tenth of that.
 */
import { rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestProject } from "./project.js";
import { copyOfDatabase, type TestDatabase } from "./server.js";

/** A project whose secrets say how to reach its database `shopdb`. */
export interface ProjectWithDatabase {
  readonly project: TestProject;
  readonly db: TestDatabase;
}

const made = new Map<string, Promise<ProjectWithDatabase>>();

/**
 * A copy of what was made first under a key.
 *
 * @param make makes it; nobody else may use what it returns
 */
export async function copied(
  key: string,
  make: () => Promise<ProjectWithDatabase>,
): Promise<ProjectWithDatabase> {
  let original = made.get(key);
  if (original === undefined) {
    original = make();
    made.set(key, original);
    const { folder } = (await original).project;
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  }
  const from = await original;
  const [project, db] = await Promise.all([from.project.copy(), copyOfDatabase(from.db)]);
  const secrets = join(project.root, "wovtools", "secrets", "shopdb.json");
  await writeFile(secrets, (await readFile(secrets, "utf8")).replaceAll(from.db.name, db.name));
  return { project, db };
}

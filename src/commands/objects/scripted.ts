/** What object scripts say of a database, where it has any. Nothing of theirs is loaded where it has none. */
import type { Version } from "../../archive/versions.js";
import { isFolder } from "../../files.js";
import type { DatabaseState, LiveDatabase } from "../database-state.js";
import type { Session } from "../session.js";
import type { Accounting, Unapplied } from "./accounting.js";

/**
 * What the scripts account for in a schema that differs from a version.
 *
 * @returns null where there is no version, or there are no scripts
 */
export async function accountingOf(
  state: DatabaseState,
  live: LiveDatabase,
  version: Version | null,
  { project, progress }: Session,
): Promise<Accounting | null> {
  if (version === null || !(await isFolder(state.database.paths.objects))) return null;
  const { accountByScripts } = await import("./accounting.js");
  return accountByScripts(project, state, live, version, progress);
}

/** What the scripts would change in a database that has the schema of a version. */
export async function unappliedOf(
  state: DatabaseState,
  live: LiveDatabase,
  version: Version | null,
  { project, progress }: Session,
): Promise<Unapplied> {
  if (version === null || !(await isFolder(state.database.paths.objects)))
    return { changes: [], warnings: [] };
  const { unappliedScripts } = await import("./accounting.js");
  return unappliedScripts(project, state, live, version, progress);
}

/** A file of archived deltas that is run by hand. */
import { readArchive } from "../../archive/read.js";
import { parentOf, type Version } from "../../archive/versions.js";
import type { ProjectDatabase } from "../../config/project.js";
import { isInside } from "../../files.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import { openLedger } from "../../stage/ledger.js";
import { isSchemaOf } from "../database-state.js";
import { readLiveSchema } from "../live-schema.js";

/**
 * Tells the ledger of a version whose archived deltas have just been run: where it had the database at the version
 * before, and the schema is the version's now.
 *
 * @param file what was run; its whole path
 * @returns the version that the database is at now; null where the ledger is left as it is
 */
export async function recordArchivedFile(
  database: ProjectDatabase,
  settings: ConnectionSettings,
  file: string,
): Promise<string | null> {
  // Any other file is none of the archive's business, whatever state that is in.
  if (!isInside(database.paths.folder, file)) return null;
  const archive = await readArchive(database.paths, { verify: "heads" });
  const version = [...archive.versions.values()].find(
    ({ key, deltas }) => deltas !== null && file === database.paths.archivedDeltas(key),
  );
  const ledger = version === undefined ? null : await openLedger(settings);
  if (version === undefined || ledger === null) return null;
  try {
    const name = settings.database ?? database.name;
    const parent = archive.versions.get(parentOf(version) ?? "");
    if ((await ledger.versionOf(name))?.versionId !== parent?.id) return null;
    const live = await readLiveSchema(settings, database);
    if (!(await isSchemaOf({ archive, database }, live, version))) return null;
    await ledger.record(entryOf(version, name, settings));
    return version.key;
  } finally {
    await ledger.close();
  }
}

function entryOf({ key, id }: Version, database: string, { user = "" }: ConnectionSettings) {
  return { database, version: key, versionId: id, event: "instance", by: user, commit: null } as const;
}

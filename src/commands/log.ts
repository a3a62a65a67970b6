import { readArchive } from "../archive/read.js";
import { parentOf } from "../archive/versions.js";
import type { LogResult } from "./results.js";
import { type CommandOptions, chosenDatabases, openSession } from "./session.js";

/** The version history of the chosen databases, oldest first. No server is asked. */
export async function log(
  options: CommandOptions & { readonly databases?: readonly string[] | undefined } = {},
): Promise<LogResult> {
  const session = await openSession(options);
  const databases = await Promise.all(
    chosenDatabases(session, options.databases).map(async ({ name, paths }) => {
      const { versions } = await readArchive(paths);
      return {
        database: name,
        versions: [...versions.values()].map((version) => ({
          version: version.key,
          parent: parentOf(version),
          archived: version.archived,
          checksum: version.checksum,
          id: version.id,
          deltas: version.deltas,
          proven: version.proven,
        })),
      };
    }),
  );
  return { databases };
}

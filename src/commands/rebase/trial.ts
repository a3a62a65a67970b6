/** Trying the two lines on shadows before anything is touched. */
import { type Archive, readSchema } from "../../archive/read.js";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError } from "../../errors.js";
import { type Client, type ConnectionSettings, withClient } from "../../postgres/connection.js";
import {
  embeddedShadowServer,
  ownShadowServer,
  type ShadowServer,
  withLoadedShadow,
} from "../../postgres/shadow.js";
import { rolesIn } from "../../schema/roles.js";
import { isServerWide } from "../deploy/outside-target.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import { readSegments, runSegment, type VersionDeltas } from "./deltas-run.js";

/** Where shadows are made, and of what. */
export interface TrialPlace {
  readonly server: ShadowServer;
  readonly archive: Archive;
  readonly database: ProjectDatabase;
}

/**
 * A server for the shadows: the database's own where the role may make databases and the deltas stay within theirs,
 * otherwise an embedded one.
 */
export async function trialServer(
  settings: ConnectionSettings,
  deltas: readonly VersionDeltas[],
): Promise<ShadowServer> {
  const segments = await readSegments(deltas);
  const reachesOut = segments.some(({ statements }) => statements.some(({ type }) => isServerWide(type)));
  return (reachesOut ? null : await ownShadowServer(settings)) ?? embeddedShadowServer();
}

/**
 * Loads an archived schema into a shadow and runs deltas there.
 *
 * @param from the version whose schema it begins with
 * @returns the schema after each of them
 * @throws BlockedError `LINES_CLASH` with the statement that fails
 */
export async function trySchemas(
  { server, archive, database }: TrialPlace,
  from: string,
  deltas: readonly VersionDeltas[],
): Promise<SchemaText[]> {
  const sql = await readSchema(archive, from);
  const texts = [sql, ...deltas.map(({ content }) => Buffer.from(content).toString())];
  const roles = server.isThrowAway ? (await Promise.all(texts.map(rolesIn))).flat() : [];
  return withLoadedShadow(server, { sql, name: `${from}.schema`, roles }, (shadow) =>
    withClient(shadow, async (client) => {
      const schemas: SchemaText[] = [];
      for (const version of deltas) {
        await runDeltas(client, version);
        schemas.push(await readLiveSchema(shadow, database));
      }
      return schemas;
    }),
  );
}

async function runDeltas(client: Client, version: VersionDeltas): Promise<void> {
  for (const segment of await readSegments([version])) await runSegment(client, segment);
}

/** Says of a clash what it means, and what to do. */
export async function explainClash<T>(
  told: { readonly message: string; readonly hint: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BlockedError) || error.code !== "LINES_CLASH") throw error;
    throw new BlockedError(error.code, `${told.message}\n${error.message}`, {
      where: error.where,
      hint: error.hint === undefined ? told.hint : `${error.hint}\n${told.hint}`,
      cause: error,
    });
  }
}

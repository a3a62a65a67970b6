/** Trying the two lines on shadows before anything is touched. */
import { DatabaseError as ServerError } from "pg";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { ShadowServer, ShadowServers } from "../../postgres/shadow-servers.js";
import { excerpt, StatementFailure } from "../../stage/failures.js";
import { planOfDeltas, reachOut } from "../deploy/planned.js";
import type { SchemaText } from "../live-schema.js";
import { tryOnShadow } from "../shadow-trial.js";
import type { VersionDeltas } from "./deltas-run.js";

/** Where shadows are made, and of which database. */
export interface TrialPlace {
  readonly server: ShadowServer;
  readonly database: ProjectDatabase;
}

/** A schema that a shadow begins with. */
export interface TrialStart {
  /** For messages. */
  readonly name: string;
  readonly schema: SchemaText;
}

/**
 * A server for the shadows: the database's own where the role may make databases and the deltas stay within theirs,
 * otherwise an embedded one.
 */
export async function trialServer(
  servers: ShadowServers,
  settings: ConnectionSettings,
  deltas: readonly VersionDeltas[],
): Promise<ShadowServer> {
  const plans = await Promise.all(deltas.map((version) => planOfDeltas(version.key, version)));
  const own = plans.some(({ statements }) => reachOut(statements)) ? null : await servers.own(settings);
  return own ?? servers.embedded(settings);
}

/**
 * Loads a schema into a shadow and runs deltas there.
 *
 * @param asked of how many of the deltas, the last ones, the schema is asked that they lead to
 * @returns the schema after each of those
 * @throws BlockedError `LINES_CLASH` with the statement that fails
 */
export async function trySchemas(
  { server, database }: TrialPlace,
  { schema, name }: TrialStart,
  deltas: readonly VersionDeltas[],
  asked = deltas.length,
): Promise<SchemaText[]> {
  if (deltas.length === 0) return [];
  const plans = await Promise.all(deltas.map((version) => planOfDeltas(version.key, version)));
  try {
    return await tryOnShadow(server, { from: { sql: schema.text, name }, plans, asked, database });
  } catch (error) {
    throw error instanceof StatementFailure ? clash(error) : error;
  }
}

function clash(failure: StatementFailure): unknown {
  const { place, reason, where } = failure;
  if (!(reason instanceof ServerError)) return reason;
  return new BlockedError(
    "LINES_CLASH",
    `The server refuses a statement of ${place.version.version}: ${reason.message}.\n  ${excerpt(place.statement.text)}`,
    { where, hint: reason.hint, cause: failure },
  );
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

/** Trying a plan on a shadow of the stage before the stage is touched. */
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import { type ShadowServer, ShadowServers } from "../../postgres/shadow.js";
import { deployFailure, StatementFailure } from "../../stage/failures.js";
import type { DeployPlan } from "../../stage/plan.js";
import type { SchemaText } from "../live-schema.js";
import { isLackOf, tryOnShadow } from "../shadow-trial.js";
import { type ReadVersion, reachOut } from "./planned.js";

export interface RehearsalRequest {
  readonly plan: DeployPlan;
  readonly versions: readonly ReadVersion[];
  readonly database: ProjectDatabase;
  /** The stage's schema as it is now. */
  readonly live: SchemaText;
  /** The stage, on whose server the shadow is made where it may be. */
  readonly settings: ConnectionSettings;
  readonly progress: (doing: string) => void;
}

/** What a rehearsal came to. */
export type Rehearsal =
  /** The schema that the plan leads to. */
  | { readonly had: true; readonly schema: SchemaText }
  /** Why there could be none. */
  | { readonly had: false; readonly reason: string };

/**
 * Loads the stage's schema, without its rows, into a shadow and carries out the plan there. Statements that reach
 * beyond their database are tried on a server that is thrown away, never on the stage's own.
 *
 * @throws BlockedError `REHEARSAL_FAILED` with the statement that the shadow refuses
 */
export async function rehearse(request: RehearsalRequest): Promise<Rehearsal> {
  const servers = new ShadowServers();
  try {
    const server = await shadowServer(request, servers);
    return "reason" in server ? { had: false, reason: server.reason } : await rehearseOn(server, request);
  } finally {
    await servers.close();
  }
}

async function rehearseOn(server: ShadowServer, request: RehearsalRequest): Promise<Rehearsal> {
  const { plan, live, database, settings, progress } = request;
  progress(`rehearsing on a shadow of ${database.name}`);
  try {
    const [schema] = await tryOnShadow(server, {
      from: { sql: live.text, name: "the stage's schema" },
      plans: [plan],
      database,
      called: settings.database,
      tell: ({ version }) => progress(`rehearsing ${database.name} ${version.version}`),
    });
    if (schema === undefined) throw new RangeError("there is a schema after each plan");
    return { had: true, schema };
  } catch (error) {
    if (error instanceof StatementFailure) return refused(error, server);
    if (!(error instanceof BlockedError) || error.code !== "SHADOW_REFUSED") throw error;
    return {
      had: false,
      reason: `the stage's schema cannot be loaded into a shadow: ${error.message} (${error.where})`,
    };
  }
}

async function shadowServer(
  { versions, settings }: RehearsalRequest,
  servers: ShadowServers,
): Promise<ShadowServer | { readonly reason: string }> {
  const reachesOut = versions.some(({ statements }) => reachOut(statements));
  const own = reachesOut ? null : await servers.own(settings);
  if (own !== null) return own;
  try {
    return await servers.embedded();
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
    const why = reachesOut ? "some statements reach beyond the database" : "the role may make no databases";
    return { reason: `${why}, and there is no embedded server: ${error.message}` };
  }
}

function refused(failure: StatementFailure, server: ShadowServer): Rehearsal {
  if (isLackOf(server, failure)) {
    return { had: false, reason: `the embedded server cannot do what the stage may: ${failure.message}` };
  }
  const told = deployFailure(failure, { what: "the shadow", partway: false, attempts: 1 });
  if (!(told instanceof BlockedError) && !(told instanceof DatabaseError)) throw told;
  throw new BlockedError(
    "REHEARSAL_FAILED",
    `The rehearsal failed, and the stage is untouched. ${told.message}`,
    {
      where: told.where,
      hint: told.hint,
      cause: failure,
    },
  );
}

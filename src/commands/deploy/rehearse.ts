/** Trying a plan on a shadow of the stage before the stage is touched. */
import { DatabaseError as ServerError } from "pg";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";
import type { ShadowServer } from "../../postgres/shadow.js";
import { rolesIn } from "../../schema/roles.js";
import { deployFailure, StatementFailure } from "../../stage/failures.js";
import type { DeployPlan } from "../../stage/plan.js";
import { tryPlan } from "../../stage/statements.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import { isServerWide } from "./outside-target.js";
import type { ReadVersion } from "./planned.js";

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
  const server = await shadowServer(request);
  if ("reason" in server) return { had: false, reason: server.reason };
  const { withLoadedShadow } = await import("../../postgres/shadow.js");
  const { live, database, progress } = request;
  progress(`rehearsing on a shadow of ${database.name}`);
  try {
    const load = {
      sql: live.text,
      name: "the stage's schema",
      roles: server.isThrowAway ? await rolesOf(request) : [],
    };
    return await withLoadedShadow(server, load, async (shadow) => {
      await withClient(shadow, (client) =>
        tryPlan(request.plan, client, ({ version }) =>
          progress(`rehearsing ${database.name} ${version.version}`),
        ),
      );
      return { had: true, schema: await readLiveSchema(shadow, database) };
    });
  } catch (error) {
    if (error instanceof StatementFailure) return refused(error, server);
    if (!(error instanceof BlockedError) || error.code !== "SHADOW_REFUSED") throw error;
    return {
      had: false,
      reason: `the stage's schema cannot be loaded into a shadow: ${error.message} (${error.where})`,
    };
  } finally {
    await server.close();
  }
}

async function shadowServer({
  versions,
  settings,
}: RehearsalRequest): Promise<ShadowServer | { readonly reason: string }> {
  const { embeddedShadowServer, ownShadowServer } = await import("../../postgres/shadow.js");
  const reachesOut = versions.some(({ statements }) => statements.some(({ type }) => isServerWide(type)));
  const own = reachesOut ? null : await ownShadowServer(settings);
  if (own !== null) return own;
  try {
    return await embeddedShadowServer();
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
    const why = reachesOut ? "some statements reach beyond the database" : "the role may make no databases";
    return { reason: `${why}, and there is no embedded server: ${error.message}` };
  }
}

/** Roles that the schema and the plan name, but for those that the plan makes. */
async function rolesOf({ live, versions }: RehearsalRequest): Promise<string[]> {
  const statements = versions.flatMap((version) => version.statements);
  const texts = [live.text, ...statements.map(({ text }) => text)];
  const named = await Promise.all(texts.map((text) => rolesIn(text)));
  const made = statements.filter(({ type }) => type === "CreateRoleStmt").map(({ text }) => text);
  return [...new Set(named.flat())].filter((role) => !made.some((text) => text.includes(role)));
}

/** feature_not_supported is what a server says to an extension that is not installed on it. */
function refused(failure: StatementFailure, server: ShadowServer): Rehearsal {
  const { reason } = failure;
  if (server.isThrowAway && reason instanceof ServerError && reason.code === "0A000") {
    return { had: false, reason: `the embedded server cannot do what the stage may: ${reason.message}` };
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

/** Trying a plan on a shadow of the stage before the stage is touched. */
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { idOf, nameOfId } from "../../objects/kinds.js";
import type { ObjectsState } from "../../objects/state.js";
import type { Client, ConnectionSettings } from "../../postgres/connection.js";
import { type ShadowServer, ShadowServers } from "../../postgres/shadow-servers.js";
import { deployFailure, StatementFailure } from "../../stage/failures.js";
import type { DeployPlan } from "../../stage/plan.js";
import type { SchemaText } from "../live-schema.js";
import { ObjectsAround } from "../objects/around.js";
import { enterRecorded } from "../objects/expected.js";
import type { ObjectsOutlook } from "../objects/outlook.js";
import { isServerWide, textOf } from "../objects/scripts.js";
import { isLackOf, tryOnShadow, wantOfRows } from "../shadow-trial.js";
import { type ReadVersion, reachOut } from "./planned.js";

export interface RehearsalRequest {
  readonly plan: DeployPlan;
  readonly versions: readonly ReadVersion[];
  /** What is done about the objects; null for nothing. */
  readonly objects: Pick<ObjectsOutlook, "scripts" | "state"> | null;
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
  const { plan, live, database, settings, progress, objects } = request;
  progress(`rehearsing on a shadow of ${database.name}`);
  try {
    const [schema] = await tryOnShadow(server, {
      from: { sql: live.text, name: "the stage's schema" },
      plans: [plan],
      database,
      called: settings.database,
      tell: ({ version }) => progress(`rehearsing ${database.name} ${version.version}`),
      ...(objects && withObjects(objects)),
    });
    if (schema === undefined) throw new RangeError("there is a schema after each plan");
    return { had: true, schema };
  } catch (error) {
    if (error instanceof StatementFailure) return refused(error, server);
    if (isOfScript(error)) return refusedScript(error, server);
    if (!(error instanceof BlockedError) || error.code !== "SHADOW_REFUSED") throw error;
    return {
      had: false,
      reason: `the stage's schema cannot be loaded into a shadow: ${error.message} (${error.where})`,
    };
  }
}

/** The shadow gets the bookkeeping and the roles that the stage has, and what its scripts do around the deltas. */
function withObjects({ scripts, state }: Pick<ObjectsOutlook, "scripts" | "state">) {
  const rows = [...state.recorded.values()].map((row) => ({
    ...row,
    script: state.dependents.scripts.get(row.id) ?? "",
  }));
  const mentioned = [...scripts.tree.objects.keys(), ...state.recorded.keys()].map(nameOfId);
  return {
    around: new ObjectsAround(scripts, { asScripted: state.asScripted }),
    prepare: (client: Client) => enterRecorded(client, state.bookkeeping, rows),
    texts: [textOf(scripts.tree)],
    roles: mentioned.flatMap((name) =>
      name?.type === "role" && state.existing.has(idOf(name)) ? name.parts : [],
    ),
  };
}

async function shadowServer(
  { versions, settings, objects }: RehearsalRequest,
  servers: ShadowServers,
): Promise<ShadowServer | { readonly reason: string }> {
  const reachesOut =
    versions.some(({ statements }) => reachOut(statements)) ||
    (objects !== null && (isServerWide(objects.scripts.tree) || hasRole(objects.state)));
  const own = reachesOut ? null : await servers.own(settings);
  if (own !== null) return own;
  try {
    return await servers.embedded(settings);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
    const why = reachesOut ? "some statements reach beyond the database" : "the role may make no databases";
    return { reason: `${why}, and there is no embedded server: ${error.message}` };
  }
}

function hasRole({ recorded }: ObjectsState): boolean {
  return [...recorded.keys()].some((id) => nameOfId(id)?.type === "role");
}

function refused(failure: StatementFailure, server: ShadowServer): Rehearsal {
  if (isLackOf(server, failure.reason)) return lacking(failure);
  const told = deployFailure(failure, { what: "the shadow", partway: false, attempts: 1 });
  if (!(told instanceof BlockedError) && !(told instanceof DatabaseError)) throw told;
  throw failed(told, failure, rowsOfStage(failure.reason));
}

/** The stage may have the rows that the shadow lacks: then only its own transaction can tell. */
function rowsOfStage(reason: unknown): string | null {
  const wanted = wantOfRows(reason);
  return wanted && `${wanted}\nWhere the stage has them, deploy without a rehearsal:\n  --no-rehearse`;
}

/** Whether a script was refused, by the server or because of what depends on its object. */
function isOfScript(error: unknown): error is BlockedError | DatabaseError {
  if (error instanceof BlockedError) return error.code !== "SHADOW_REFUSED";
  return error instanceof DatabaseError && error.code === "NO_RIGHT_FOR_STATEMENT";
}

function refusedScript(error: BlockedError | DatabaseError, server: ShadowServer): Rehearsal {
  if (isLackOf(server, error.cause)) return lacking(error);
  throw failed(error, error);
}

function lacking({ message }: Error): Rehearsal {
  return { had: false, reason: `the embedded server cannot do what the stage may: ${message}` };
}

function failed(
  { message, where, hint }: BlockedError | DatabaseError,
  cause: Error,
  wanted: string | null = null,
): BlockedError {
  return new BlockedError(
    "REHEARSAL_FAILED",
    `The rehearsal failed, and the stage is untouched. ${message}`,
    {
      where,
      hint: wanted ?? hint,
      cause,
    },
  );
}

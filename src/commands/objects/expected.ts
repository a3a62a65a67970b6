/** What a schema has to be where an archived version and object scripts go together. */
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { sha256 } from "../../files.js";
import { keepBooks, makeBookkeeping } from "../../objects/bookkeeping.js";
import type { BookkeepingPlan } from "../../objects/plan.js";
import type { Client, ConnectionSettings } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import { type ShadowServer, ShadowServers } from "../../postgres/shadow-servers.js";
import { makePlan } from "../../stage/plan.js";
import type { SchemaText } from "../live-schema.js";
import { tryOnShadow } from "../shadow-trial.js";
import { ObjectsAround } from "./around.js";
import { fingerprintOf, isServerWide, type ObjectScripts, textOf } from "./scripts.js";

export interface ExpectedRequest {
  readonly archived: SchemaText;
  readonly scripts: ObjectScripts;
  readonly database: Pick<ProjectDatabase, "pgDump" | "schema" | "name">;
  /** The database on whose server the shadow is made where it may be. */
  readonly near?: ConnectionSettings | undefined;
  readonly progress: (doing: string) => void;
}

export type Expected =
  | { readonly schema: SchemaText }
  /** Why nobody can say. */
  | { readonly reason: string };

/** Answers of this command, by what was asked. */
export type KnownExpected = Map<string, Promise<Expected>>;

/** What an expectation is made from, as one word. */
export function expectationKey({ archived, scripts }: ExpectedRequest): string {
  return sha256(`${archived.sha256} ${fingerprintOf(scripts)}`);
}

/**
 * The archived schema with the scripts applied to it, as a server prints it: the schema goes into a shadow, and all
 * scripts are run there. Scripts that reach beyond their database are tried on a server that is thrown away.
 *
 * @throws BlockedError and others as `applyObjects`, where the scripts cannot be applied to the schema
 */
export function expectedSchema(
  request: ExpectedRequest,
  known: KnownExpected = new Map(),
): Promise<Expected> {
  const { archived, scripts } = request;
  if (scripts.tree.objects.size + scripts.tree.final.length === 0)
    return Promise.resolve({ schema: archived });
  const key = expectationKey(request);
  const running = known.get(key) ?? onSomeServer(request);
  known.set(key, running);
  return running;
}

async function onSomeServer(request: ExpectedRequest): Promise<Expected> {
  const servers = new ShadowServers();
  try {
    const own = isServerWide(request.scripts.tree) ? null : await servers.own(request.near);
    try {
      if (own !== null) return { schema: await onServer(own, request) };
    } catch (error) {
      // What the role may not do there, and what is not a matter of the scripts.
      if (!(error instanceof DatabaseError) && !isRefusedLoad(error)) throw error;
    }
    return await onEmbedded(servers, request);
  } finally {
    await servers.close();
  }
}

async function onEmbedded(servers: ShadowServers, request: ExpectedRequest): Promise<Expected> {
  let server: ShadowServer;
  try {
    server = await servers.embedded(request.near);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
    return { reason: `there is no embedded server: ${error.message}` };
  }
  try {
    return { schema: await onServer(server, request) };
  } catch (error) {
    if (!isRefusedLoad(error)) throw error;
    return { reason: `the embedded server cannot load ${error.where}: ${error.message}` };
  }
}

function isRefusedLoad(error: unknown): error is BlockedError {
  return error instanceof BlockedError && error.code === "SHADOW_REFUSED";
}

async function onServer(
  server: ShadowServer,
  { archived, scripts, database, near, progress }: ExpectedRequest,
): Promise<SchemaText> {
  progress(`applying the object scripts of ${database.name} to a shadow`);
  const [schema] = await tryOnShadow(server, {
    from: { sql: archived.text, name: "the archived schema" },
    plans: [makePlan({ from: null, to: "", versions: [], partial: null, objects: "all" })],
    database,
    called: near?.database,
    around: new ObjectsAround(scripts),
    texts: [textOf(scripts.tree)],
  });
  if (schema === undefined) throw new RangeError("there is a schema after each plan");
  return schema;
}

/**
 * Makes a bookkeeping with these rows in a shadow.
 *
 * @param schema where it lies on the stage; null for where the session makes tables
 */
export async function enterRecorded(
  client: Client,
  schema: string | null,
  rows: BookkeepingPlan["enter"],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query(schema === null ? "RESET ALL" : `SET search_path = ${quoteIdentifier(schema)}`);
  const home = await makeBookkeeping(client, null);
  await keepBooks(client, home, { enter: rows, requiredBy: [], remove: [] });
  await client.query("RESET ALL");
}

/** Proof: do deltas lead from one schema to another? They are carried out on a shadow, and what comes of it is compared. */
import { DatabaseError as ServerError } from "pg";
import type { ProjectDatabase } from "../config/project.js";
import { BlockedError, ConfigError, DatabaseError } from "../errors.js";
import { type ConnectionSettings, withClient } from "../postgres/connection.js";
import type { ShadowServer, ShadowServers } from "../postgres/shadow.js";
import { ignoredNamesIn } from "../schema/ignored-names.js";
import { neededBy } from "../schema/needs.js";
import { deployFailure, excerpt, isLost, StatementFailure } from "../stage/failures.js";
import { compareSchemas } from "./compare.js";
import { type DeltasFile, type DeltasPlan, planOfDeltas, reachOut } from "./deploy/planned.js";
import { type SchemaText, schemaText } from "./live-schema.js";
import { type Account, account } from "./proof/account.js";
import { isLackOf, tryOnShadow } from "./shadow-trial.js";

export { ShadowServers } from "../postgres/shadow.js";

export interface ProofRequest {
  /** The schema that the deltas begin with; null for an empty database. */
  readonly from: SchemaText | null;
  /** The file that it stands in, for messages. */
  readonly fromFile?: string | undefined;
  readonly deltas: DeltasFile;
  /** The schema that they should lead to. */
  readonly to: SchemaText;
  readonly database: Pick<ProjectDatabase, "pgDump" | "schema">;
  /** A database on whose server the shadow is made where it may be; an embedded server serves otherwise. */
  readonly near?: ConnectionSettings | undefined;
  readonly progress: (doing: string) => void;
}

/** A statement that the shadow refuses. */
export interface RefusedStatement {
  /** File and line. */
  readonly where: string;
  /** Its beginning, in one line. */
  readonly statement: string;
  /** The server's own words. */
  readonly message: string;
  readonly hint: string | null;
}

export type Proof =
  | { readonly verdict: "proven" }
  | (Account & {
      readonly verdict: "refuted";
      /** The statement that ended it; then nothing is known of what is missed. */
      readonly failure: RefusedStatement | null;
      /** What the deltas lead to; null after a failure. */
      readonly result: SchemaText | null;
    })
  /** Nobody can say. Never to be taken for proven. */
  | { readonly verdict: "uncovered"; readonly reasons: readonly string[] };

/**
 * Finds out whether deltas lead from one schema to another: the one goes into a shadow, the deltas are carried out
 * there, and what comes of it must be the other. Rows are no part of it.
 *
 * The database's own server is asked first; statements that reach beyond the database are never run there. What it
 * may not do for want of a right, an embedded server is asked, which has no other extensions than PostgreSQL's own.
 *
 * @param servers closed by whoever opened them; one set serves any number of proofs, one after the other
 * @throws BlockedError for deltas that cannot be applied anywhere; DatabaseError where the server goes away
 * @example
 * const servers = new ShadowServers();
 * try {
 *   const { verdict } = await prove(servers, { from, deltas: { file, content }, to, database, near, progress });
 * } finally {
 *   await servers.close();
 * }
 */
export async function prove(servers: ShadowServers, request: ProofRequest): Promise<Proof> {
  const { deltas, near } = request;
  const plan = await planOfDeltas("the deltas", deltas);
  const reachesOut = reachOut(plan.statements);
  const places = [
    ...(near === undefined ? [] : [() => ownPlace(servers, near, reachesOut)]),
    () => embeddedPlace(servers, request),
  ];
  const reasons: string[] = [];
  for (const find of places) {
    const place = await find();
    const tried = typeof place === "string" ? { reason: place } : await attempt(place, plan, request);
    if ("reason" in tried) reasons.push(tried.reason);
    else if ("failure" in tried) {
      return { verdict: "refuted", failure: tried.failure, result: null, missed: [], surplus: [] };
    } else return judge(servers, tried.schema, request);
  }
  return { verdict: "uncovered", reasons };
}

/** @returns why not, where there is none */
async function ownPlace(
  servers: ShadowServers,
  near: ConnectionSettings,
  reachesOut: boolean,
): Promise<ShadowServer | string> {
  if (reachesOut) return "some statements reach beyond the database, and are not run on its own server";
  return (await servers.own(near)) ?? "the role may not make databases on the database's own server";
}

async function embeddedPlace(servers: ShadowServers, request: ProofRequest): Promise<ShadowServer | string> {
  let server: ShadowServer;
  try {
    server = await servers.embedded(request.near);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof DatabaseError)) throw error;
    return `there is no embedded server: ${error.message}`;
  }
  const { from, deltas, to } = request;
  const texts = [from?.text ?? "", Buffer.from(deltas.content).toString(), to.text];
  const needed = new Set((await Promise.all(texts.map(neededBy))).flatMap(({ extensions }) => extensions));
  const lacking = await withClient(server.connection, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT name FROM unnest($1::text[]) name
       WHERE name NOT IN (SELECT a.name FROM pg_catalog.pg_available_extensions a)`,
      [[...needed]],
    );
    return rows.map(({ name }) => name);
  });
  if (lacking.length === 0) return server;
  return `the embedded server lacks the ${lacking.length === 1 ? "extension" : "extensions"} ${lacking.join(", ")}`;
}

type Attempt =
  | { readonly schema: SchemaText }
  | { readonly failure: RefusedStatement }
  /** Why it says nothing about the deltas. */
  | { readonly reason: string };

/** Object scripts belong behind the deltas: whatever reconciles them becomes a part of the trial. */
async function attempt(
  server: ShadowServer,
  plan: DeltasPlan,
  { from, fromFile, to, database, near, progress }: ProofRequest,
): Promise<Attempt> {
  const on = server.isThrowAway ? "the embedded server" : "the database's own server";
  progress(`proving ${plan.versions[0]?.file} on a shadow`);
  try {
    const [schema] = await tryOnShadow(server, {
      from: { sql: from?.text ?? "", name: fromFile ?? "the schema before the deltas" },
      plans: [plan],
      database,
      called: near?.database,
    });
    if (schema === undefined) throw new RangeError("there is a schema after each plan");
    return { schema };
  } catch (error) {
    if (error instanceof StatementFailure && !isLost(error))
      return (await overIgnored(error, to)) ?? refusal(error, server, on);
    if (error instanceof BlockedError && error.code === "SHADOW_REFUSED")
      return { reason: `${on} cannot load ${error.where}: ${error.message}` };
    // Nobody is let into the shadow, say; the embedded server's go to nobody else.
    if (error instanceof DatabaseError && !server.isThrowAway) return { reason: `${on}: ${error.message}` };
    throw deployFailure(error, { what: "the shadow", partway: false, attempts: 1 });
  }
}

/** What does not count as schema may have come and gone since the parent was archived, so the shadow may lack it. */
async function overIgnored(failure: StatementFailure, { settings }: SchemaText): Promise<Attempt | null> {
  const names = await ignoredNamesIn(failure.place.statement.text, settings);
  if (names.length === 0) return null;
  return {
    reason: `${failure.where} is about ${names.join(", ")}, which the configuration ignores: ${failure.message}`,
  };
}

const INSUFFICIENT_PRIVILEGE = "42501";

function refusal(failure: StatementFailure, server: ShadowServer, on: string): Attempt {
  const { reason, where, place } = failure;
  if (!(reason instanceof ServerError)) throw reason;
  const mayNot = !server.isThrowAway && reason.code === INSUFFICIENT_PRIVILEGE;
  if (mayNot || isLackOf(server, failure.reason))
    return { reason: `${on} refuses ${where}: ${reason.message}` };
  const statement = excerpt(place.statement.text);
  return { failure: { where, statement, message: reason.message, hint: reason.hint ?? null } };
}

async function judge(
  servers: ShadowServers,
  result: SchemaText,
  { from, to, near, progress }: ProofRequest,
): Promise<Proof> {
  if (result.sha256 === to.sha256) return { verdict: "proven" };
  const compared = await compareSchemas(result, to, { near, servers, progress });
  if (!compared.differs) return { verdict: "proven" };
  if (compared.undecided !== null) return { verdict: "uncovered", reasons: [compared.undecided] };
  const parent = await (from ?? schemaText("", to.settings)).canonical();
  return { verdict: "refuted", failure: null, result, ...account(parent, compared.from, compared.to) };
}

/** Carrying deltas out on a shadow, and what that says of them. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError } from "../../errors.js";
import type { ShadowServer } from "../../postgres/shadow-servers.js";
import { ignoredNamesIn } from "../../schema/ignored-names.js";
import { deployFailure, excerpt, isLost, StatementFailure } from "../../stage/failures.js";
import type { DeltasPlan } from "../deploy/planned.js";
import type { SchemaText } from "../live-schema.js";
import { ObjectsAround } from "../objects/around.js";
import { textOf } from "../objects/scripts.js";
import { isLackOf, tryOnShadow, wantOfRows } from "../shadow-trial.js";
import type { ProofRequest, RefusedStatement } from "./types.js";

export type Attempt =
  /** What the deltas lead to, and the server that says so. */
  | { readonly result: SchemaText; readonly server: ShadowServer }
  | { readonly failure: RefusedStatement }
  /** Why it says nothing about the deltas. */
  | { readonly reason: string };

/** Carries deltas out on a shadow of one server, with what the object scripts do around them. */
export async function attempt(
  server: ShadowServer,
  plan: DeltasPlan,
  { from, fromFile, to, database, near, progress, scripts }: ProofRequest,
): Promise<Attempt> {
  const on = server.isThrowAway ? "the embedded server" : "the database's own server";
  progress(`proving ${plan.versions[0]?.file} on a shadow`);
  try {
    const [schema] = await tryOnShadow(server, {
      from: { sql: from?.text ?? "", name: fromFile ?? "the schema before the deltas" },
      plans: [plan],
      database,
      called: near?.database,
      ...(scripts && { around: new ObjectsAround(scripts), texts: [textOf(scripts.tree)] }),
    });
    if (schema === undefined) throw new RangeError("there is a schema after each plan");
    return { result: schema, server };
  } catch (error) {
    if (error instanceof StatementFailure && !isLost(error))
      return (await overIgnored(error, to)) ?? refusal(error, server, on);
    if (error instanceof BlockedError && error.code === "SHADOW_REFUSED")
      return { reason: `${on} cannot load ${error.where}: ${error.message}` };
    if (error instanceof BlockedError) return refusedScript(error, server, on);
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

/** What is said of an object script: the statement is part of the message. */
function refusedScript(
  { message, where = "", hint, cause }: BlockedError,
  server: ShadowServer,
  on: string,
): Attempt {
  if (isLackOf(server, cause)) return { reason: `${on} refuses ${where}: ${message}` };
  return { failure: { where, statement: "", message, hint: hint ?? null } };
}

const INSUFFICIENT_PRIVILEGE = "42501";

function refusal(failure: StatementFailure, server: ShadowServer, on: string): Attempt {
  const { reason, where, place } = failure;
  if (!(reason instanceof ServerError)) throw reason;
  const mayNot = !server.isThrowAway && reason.code === INSUFFICIENT_PRIVILEGE;
  if (mayNot || isLackOf(server, reason)) return { reason: `${on} refuses ${where}: ${reason.message}` };
  const statement = excerpt(place.statement.text);
  // What depends on what is altered or dropped is named in the detail alone.
  const message = [reason.message, ...(reason.detail?.split("\n") ?? [])].join("; ").replace(/\.$/, "");
  return { failure: { where, statement, message, hint: reason.hint ?? wantOfRows(reason) } };
}

/** Proof: do deltas lead from one schema to another? They are carried out on a shadow, and what comes of it is compared. */
import type { ShadowServers } from "../postgres/shadow-servers.js";
import { planOfDeltas } from "./deploy/planned.js";
import { attempt } from "./proof/attempt.js";
import { judge } from "./proof/judge.js";
import { possiblePlaces } from "./proof/places.js";
import type { Proof, ProofRequest } from "./proof/types.js";

export { ShadowServers } from "../postgres/shadow-servers.js";
export type { Proof, ProofRequest, RefusedStatement } from "./proof/types.js";

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
  const plan = await planOfDeltas("the deltas", request.deltas);
  const reasons: string[] = [];
  for (const find of possiblePlaces(servers, plan, request)) {
    const place = await find();
    const tried = typeof place === "string" ? { reason: place } : await attempt(place, plan, request);
    if ("reason" in tried) reasons.push(tried.reason);
    else if ("failure" in tried) {
      return { verdict: "refuted", failure: tried.failure, result: null, missed: [], surplus: [] };
    } else return judge(tried, request);
  }
  return { verdict: "uncovered", reasons };
}

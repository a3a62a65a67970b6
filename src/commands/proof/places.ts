/** The servers on which a proof can take place. */
import { ConfigError, DatabaseError } from "../../errors.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";
import type { ShadowServer, ShadowServers } from "../../postgres/shadow-servers.js";
import { neededBy } from "../../schema/needs.js";
import { type DeltasPlan, reachOut } from "../deploy/planned.js";
import { isServerWide } from "../objects/scripts.js";
import type { ProofRequest } from "./types.js";

/** A server, or why there is none. */
type Place = ShadowServer | string;

/** The places in the order in which they are tried; each is looked for when it is asked for. */
export function possiblePlaces(
  servers: ShadowServers,
  plan: DeltasPlan,
  request: ProofRequest,
): (() => Promise<Place>)[] {
  const { near, scripts } = request;
  const reachesOut = reachOut(plan.statements) || (scripts ? isServerWide(scripts.tree) : false);
  return [
    ...(near === undefined ? [] : [() => ownPlace(servers, near, reachesOut)]),
    () => embeddedPlace(servers, request),
  ];
}

async function ownPlace(
  servers: ShadowServers,
  near: ConnectionSettings,
  reachesOut: boolean,
): Promise<Place> {
  if (reachesOut) return "some statements reach beyond the database, and are not run on its own server";
  return (await servers.own(near)) ?? "the role may not make databases on the database's own server";
}

async function embeddedPlace(servers: ShadowServers, request: ProofRequest): Promise<Place> {
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

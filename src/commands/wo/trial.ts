/** Where a run is tried before it is made, and what that begins with. */
import { statementFacts } from "../../deltas/facts.js";
import type { ScriptRun } from "../../objects/plan.js";
import { type Client, type ConnectionSettings, withClient } from "../../postgres/connection.js";
import { withLoadedShadow } from "../../postgres/shadow.js";
import type { ShadowServer, ShadowServers } from "../../postgres/shadow-servers.js";
import { neededBy } from "../../schema/needs.js";
import { loadParser } from "../../schema/parser.js";

/** What is tried. */
export interface Trial {
  /** What the shadow begins with: a dump, or nothing. */
  readonly schema: string;
  /** Scripts that run there. */
  readonly runs: readonly ScriptRun[];
}

/**
 * The server for a trial: the one that the run is for, unless some script reaches beyond its database, by making a
 * role say. That would stay when the shadow is dropped.
 *
 * @param near a database whose sessions' settings hold in the shadows
 * @throws ConfigError, DatabaseError where there is none
 */
export async function trialServer(
  servers: ShadowServers,
  near: ConnectionSettings,
  runs: readonly ScriptRun[],
): Promise<ShadowServer> {
  const own = (await reachOut(runs)) ? null : await servers.own(near);
  return own ?? servers.embedded(near);
}

/** What cannot be parsed may do anything. */
async function reachOut(runs: readonly ScriptRun[]): Promise<boolean> {
  const parser = await loadParser();
  return runs.some(
    ({ parsed, statements }) =>
      !parsed || statements.some(({ sql }) => statementFacts({ text: sql }, parser).serverWide),
  );
}

/** Makes a shadow, and hands over a fresh session in it. */
export async function withTrial<T>(
  server: ShadowServer,
  { schema, runs }: Trial,
  work: (client: Client, shadow: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const load = {
    sql: schema,
    name: "the database's schema",
    roles: server.isThrowAway ? await rolesIn(schema, runs) : [],
  };
  // The session that loaded the dump has taken settings from it.
  return withLoadedShadow(server, load, (shadow) => withClient(shadow, (client) => work(client, shadow)));
}

async function rolesIn(schema: string, runs: readonly ScriptRun[]): Promise<string[]> {
  const scripts = runs.flatMap(({ statements }) => statements.map(({ sql }) => sql)).join("\n;\n");
  const needs = await Promise.all([schema, scripts].map(neededBy));
  return needs.flatMap(({ roles }) => roles);
}

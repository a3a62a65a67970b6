/** Trying statements on a shadow: a schema is loaded, plans are carried out on it, and what they lead to is read. */
import { DatabaseError as ServerError } from "pg";
import type { ProjectDatabase } from "../config/project.js";
import { startDumpWorkerAhead } from "../postgres/bundled-dump.js";
import type { Client } from "../postgres/connection.js";
import { withFilledViews } from "../postgres/materialized-views.js";
import { withLoadedShadow } from "../postgres/shadow.js";
import type { ShadowServer } from "../postgres/shadow-servers.js";
import { neededBy } from "../schema/needs.js";
import type { DeployPlan } from "../stage/plan.js";
import type { Teller } from "../stage/query.js";
import { type AroundStatements, tryPlan } from "../stage/statements.js";
import { readLiveSchema, type SchemaText } from "./live-schema.js";

export interface Trial {
  /** What it begins with; the name is for messages. */
  readonly from: { readonly sql: string; readonly name: string };
  /** Carried out one after the other. */
  readonly plans: readonly DeployPlan[];
  /** Of how many of the plans, the last ones, the schema is asked that they lead to; of all where nothing is said. */
  readonly asked?: number | undefined;
  readonly database: Pick<ProjectDatabase, "pgDump" | "schema">;
  /** The name that the statements may know the database by; the shadow has it where all of the server is thrown away. */
  readonly called?: string | undefined;
  readonly tell?: Teller | undefined;
  /** What is done beside the statements. */
  readonly around?: AroundStatements | undefined;
  /** Makes the shadow ready, when the schema is loaded. */
  readonly prepare?: ((client: Client) => Promise<void>) | undefined;
  /** SQL that is run beside the statements; the server must have the roles that it names. */
  readonly texts?: readonly string[] | undefined;
  /** Roles that the server must have besides. */
  readonly roles?: readonly string[] | undefined;
}

/**
 * Carries out a trial.
 *
 * @returns the schema after each plan that is asked about
 * @throws BlockedError `SHADOW_REFUSED` where the schema cannot be loaded; StatementFailure
 */
export async function tryOnShadow(server: ShadowServer, trial: Trial): Promise<SchemaText[]> {
  const { from, plans, database, tell = () => undefined, around = null } = trial;
  const { asked = plans.length } = trial;
  // pg_dump is loaded while the database is made and filled.
  if (database.pgDump === "bundled") startDumpWorkerAhead();
  const load = {
    ...from,
    sql: withFilledViews(from.sql),
    roles: server.isThrowAway ? await rolesOf(trial) : [],
    called: trial.called,
  };
  return withLoadedShadow(server, load, async (shadow, client) => {
    const schemas: SchemaText[] = [];
    await trial.prepare?.(client);
    for (const [index, plan] of plans.entries()) {
      await tryPlan(plan, client, tell, around);
      if (index >= plans.length - asked) schemas.push(await readLiveSchema(shadow, database));
    }
    return schemas;
  });
}

/** Roles that the schema names, and those that the statements name and do not make. */
async function rolesOf({ from, plans, texts = [], roles: others = [] }: Trial): Promise<string[]> {
  const needed = await Promise.all([from.sql, statementsOf(plans), ...texts].map(neededBy));
  return [...needed.flatMap(({ roles }) => roles), ...others];
}

/** The statements of plans as one text. */
export function statementsOf(plans: readonly DeployPlan[]): string {
  const versions = plans.flatMap((plan) => plan.versions);
  return versions.flatMap(({ statements }) => statements.map(({ text }) => text)).join(";\n");
}

/**
 * What a server says that lacks something which is not in the database: an extension or a library (0A000, 58P01),
 * another database (3D000), a role, a collation or a tablespace (42704), room for so many rows (53100).
 */
const LACKING: ReadonlyMap<string, RegExp> = new Map([
  ["0A000", /extension|language|access method/],
  ["58P01", /./],
  ["3D000", /./],
  ["53100", /./],
  ["42704", /^(?:role|collation|tablespace) /],
]);

/** Whether a server that is thrown away refused something only because it is not the database's own. */
export function isLackOf({ isThrowAway }: ShadowServer, reason: unknown): boolean {
  if (!isThrowAway || !(reason instanceof ServerError)) return false;
  return LACKING.get(reason.code ?? "")?.test(reason.message) === true;
}

/**
 * What a server says of a statement that finds no rows where it needs some: no value (23502) or no row (23503) to
 * refer to, a check of what was summed up (23514), `RAISE` (P0001), `STRICT` (P0002), `ASSERT` (P0004).
 */
const WANTING_ROWS: ReadonlySet<string> = new Set(["23502", "23503", "23514", "P0001", "P0002", "P0004"]);

/** What to do about a statement that a shadow may have refused for want of rows; null where that is not why. */
export function wantOfRows(reason: unknown): string | null {
  if (!(reason instanceof ServerError) || !WANTING_ROWS.has(reason.code ?? "")) return null;
  return "A shadow has no rows but those that the deltas put into it. If the statement needs others, let it do nothing where they are not there, as INSERT … SELECT … FROM the table that it refers to does.";
}

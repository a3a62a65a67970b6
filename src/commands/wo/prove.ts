/**
 * What only a try can tell, on a shadow: how a database is when its migrations have run, and whether the script of a
 * table makes the table that they have left.
 */
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { applyObjects, applyPrelude } from "../../objects/apply.js";
import { closureOf } from "../../objects/closure.js";
import { planObjects } from "../../objects/decide.js";
import { hasPrelude, type ObjectsPlan } from "../../objects/plan.js";
import { withDependents } from "../../objects/read-state.js";
import { plainRuns } from "../../objects/runs.js";
import { NOTHING, type ObjectsState, readBase } from "../../objects/state.js";
import type { Tree } from "../../objects/tree.js";
import type { Client, ConnectionSettings } from "../../postgres/connection.js";
import { ShadowServers } from "../../postgres/shadow-servers.js";
import { DEFAULT_SETTINGS } from "../../schema/index.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import type { WoSettings } from "./settings.js";
import { tableDifference } from "./tables.js";
import { trialServer, withTrial } from "./trial.js";

export interface Foresight {
  readonly settings: WoSettings;
  readonly tree: Tree;
  /** The database that the run begins with; null for one that is to be made from `template0`. */
  readonly from: ConnectionSettings | null;
  /** A database on whose server shadows are made, where that may be. */
  readonly near: ConnectionSettings;
  /** As the database is now, or is going to be made. */
  readonly state: ObjectsState;
  readonly plan: ObjectsPlan;
  /** Whether to plan what comes after the migrations. */
  readonly wantsPlan: boolean;
  readonly progress: (doing: string) => void;
}

export interface Foreseen {
  /** What is planned when the migrations have run; null where none have to, or it could not be tried. */
  readonly plan: ObjectsPlan | null;
  readonly notes: readonly string[];
}

/** Columns in another order than the script has them are no reason to stop: migrations add theirs at the end. */
const SETTINGS = { ...DEFAULT_SETTINGS, columnOrder: false };
const DATABASE = { pgDump: "bundled", schema: SETTINGS } as const;

/**
 * Runs the migrations on a shadow of the database, and makes the tables whose scripts changed by those scripts on
 * another. The database itself is only read.
 *
 * @throws BlockedError `TABLE_DIFFERS` with the difference
 */
export async function foresee(what: Foresight): Promise<Foreseen> {
  const { plan, wantsPlan, progress } = what;
  const servers = new ShadowServers();
  try {
    progress("trying on a shadow");
    const { schema, plan: later } = await afterMigrations(what, servers);
    const notes = plan.prove.length === 0 ? [] : await prove(what, servers, schema);
    return { plan: wantsPlan ? later : null, notes };
  } catch (error) {
    if (!(error instanceof Unproven) && !isNoServer(error)) throw error;
    const tables = plan.prove.length === 0 ? "" : `; unproven: ${plan.prove.join(", ")}`;
    return { plan: null, notes: [`not tried on a shadow: ${error.message}${tables}`] };
  } finally {
    await servers.close();
  }
}

/** Something that says more of the shadow than of the database. */
class Unproven extends Error {}

function isNoServer(error: unknown): error is ConfigError | DatabaseError {
  if (error instanceof ConfigError) return error.code === "NO_EMBEDDED_SERVER";
  return error instanceof DatabaseError && error.code === "SERVER_START";
}

interface After {
  readonly schema: SchemaText;
  readonly plan: ObjectsPlan | null;
}

async function afterMigrations(what: Foresight, servers: ShadowServers): Promise<After> {
  const { plan, from, near } = what;
  const live = from === null ? null : await readLiveSchema(from, DATABASE);
  if (live !== null && !hasPrelude(plan)) return { schema: live, plan: null };
  const runs = [...plan.initial, ...plan.migrations].map(({ run }) => run);
  const server = await trialServer(servers, near, runs);
  try {
    return await withTrial(server, { schema: live?.text ?? "", runs }, async (client, shadow) => {
      await client.query("BEGIN");
      await applyPrelude(client, { ...plan, bookkeeping: null });
      await client.query("COMMIT");
      const later = what.wantsPlan ? await planAfter(what, client) : null;
      return { schema: await readLiveSchema(shadow, DATABASE), plan: later };
    });
  } catch (error) {
    throw error instanceof BlockedError && error.code !== "OBJECT_NEEDED" ? unproven(error) : error;
  }
}

/** The shadow has no rows, so what is recorded is the database's, and roles are what they are there. */
async function planAfter({ tree, state, settings }: Foresight, client: Client): Promise<ObjectsPlan> {
  const base = await readBase(client);
  const isRole = ([id]: readonly [string, unknown]) => id.startsWith("role.");
  const existing = new Map([
    ...[...base.existing].filter((entry) => !isRole(entry)),
    ...[...state.existing].filter(isRole),
  ]);
  const after = await withDependents(client, tree, { ...base, recorded: state.recorded, existing });
  const { scripts, roles } = state.dependents;
  return planObjects(
    tree,
    {
      ...after,
      role: state.role,
      isSuperuser: state.isSuperuser,
      dependents: { ...after.dependents, scripts, roles },
    },
    { searchPath: settings.searchPath, afterPrelude: true },
  );
}

/** @returns notes; @throws BlockedError `TABLE_DIFFERS` */
async function prove(what: Foresight, servers: ShadowServers, left: SchemaText): Promise<string[]> {
  const { tree, state, plan } = what;
  const made = await madeByScripts(what, servers);
  const [was, is] = [await left.canonical(), await made.canonical()];
  const difference = tableDifference(plan.prove, { tree, state }, was, is);
  if (difference === null) return [];
  throw new BlockedError(
    "TABLE_DIFFERS",
    `What is there is not what the changed scripts make:\n${difference}`,
    {
      where: plan.prove.map((id) => tree.objects.get(id)?.path ?? id).join(", "),
      hint: "Write a migration that leads to what the script makes, or correct the script.",
    },
  );
}

/** What the scripts of the tables in question make, with what they need. */
async function madeByScripts(what: Foresight, servers: ShadowServers): Promise<SchemaText> {
  const { tree, plan, near, settings, progress } = what;
  progress("making the changed tables by their scripts, on a shadow");
  const part = await closureOf(tree, plan.prove, settings.searchPath);
  const runs = await plainRuns([...part.objects.values()]).then((all) => all.map(({ run }) => run));
  const server = await trialServer(servers, near, runs);
  return withTrial(server, { schema: "", runs }, async (client, shadow) => {
    await client.query("SET check_function_bodies = off");
    // What template0 has, every script of a schema finds made.
    const { existing } = await readBase(client);
    const steps = await planObjects(part, { ...NOTHING, existing }, settings);
    await client.query("BEGIN");
    await applyObjects(client, steps).catch((error: unknown) => {
      throw isOfTables(error, plan, tree) || !(error instanceof BlockedError) ? error : unproven(error);
    });
    await client.query("COMMIT");
    return readLiveSchema(shadow, DATABASE);
  });
}

function unproven({ message, where }: BlockedError): Unproven {
  return new Unproven(`${message} (${where})`);
}

/** Whether it is a script of the tables in question that failed, and not one of what they need. */
function isOfTables(error: unknown, { prove: ids }: ObjectsPlan, tree: Tree): boolean {
  if (!(error instanceof BlockedError)) return false;
  return ids.some((id) => error.where?.startsWith(`${tree.objects.get(id)?.path}:`));
}

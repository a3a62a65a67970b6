/** Deciding what one database needs. The stage is only read. */

import { Ahead } from "../../ahead.js";
import type { Version } from "../../archive/versions.js";
import { BlockedError } from "../../errors.js";
import { isAsMade } from "../../postgres/empty.js";
import type { StageSession } from "../../stage/connect.js";
import { type DeployPlan, makePlan } from "../../stage/plan.js";
import type { Position } from "../../stage/position.js";
import { readLiveSchema, type SchemaText, schemaText } from "../live-schema.js";
import type { DeployObjects } from "./objects.js";
import type { DeployOrder } from "./order.js";
import { type DeployPath, decidePath, versionsTo } from "./path.js";
import { type ReadVersion, readVersions } from "./planned.js";
import type { Standing } from "./standing.js";

/** The deploy of one database, under way. */
export interface UnderWay {
  readonly order: DeployOrder;
  readonly session: StageSession;
  readonly target: Version;
  /** Where the database is, in words. */
  readonly what: string;
  /** The database as the server calls it. */
  readonly onServer: string;
  readonly standing: Standing;
  /** What is asked where the ledger does not know the database, and before where it looks new. */
  readonly fromEmpty: FromEmpty;
  /** What a person is told beside the result. */
  readonly notes: string[];
}

/** What there is to know of a deploy that begins with nothing. */
export interface FromEmpty {
  readonly isAsMade: Ahead<boolean>;
  readonly versions: Ahead<readonly ReadVersion[]>;
}

/** Prepares to find out; nothing is asked yet. */
export function fromEmpty(order: DeployOrder, session: StageSession, target: Version): FromEmpty {
  const path = { from: null, versions: versionsTo(order.archive.versions, target) };
  return {
    isAsMade: new Ahead(() => isAsMade(session.client)),
    versions: new Ahead(() => versionsOn(order, session, path)),
  };
}

/** What was decided. */
export interface Decision {
  readonly live: SchemaText;
  readonly versions: readonly ReadVersion[];
  readonly from: Version | null;
  /** null where there is nothing to do. */
  readonly plan: DeployPlan | null;
  /** The ids of objects that differed before, and were accepted as they are. */
  readonly drift: ReadonlySet<string>;
  readonly objects: DeployObjects;
}

const NO_OBJECTS: DeployObjects = { outlook: null, accepted: { scripts: null, others: [] }, notes: [] };

/**
 * Decides.
 *
 * @param recorded where the ledger says that the database is; null where it says nothing
 * @throws BlockedError for drift, for a path that there is not, for another plan than was asked for
 */
export async function decide(one: UnderWay, recorded: Position | null): Promise<Decision> {
  const { order, session, target, standing, notes } = one;
  const { terms, scripts } = order;
  order.progress(`reading the schema of ${one.what}`);
  const { position, path, live, versions } = await readStage(one, recorded);
  const drift =
    position?.partial == null && path.from !== null
      ? await standing.drift(path.from, live, terms.acceptDrift)
      : { ids: new Set<string>(), note: null };
  if (drift.note !== null) notes.push(drift.note);
  const way = { live, versions };
  const objects =
    scripts === null
      ? NO_OBJECTS
      : await (await import("./objects.js")).decideObjects(order, scripts, session.client, target, way);
  const decided = { live, versions, from: path.from, drift: drift.ids, objects };
  const { outlook } = objects;
  if (versions.length === 0 && (outlook === null || outlook.isNothing)) return { ...decided, plan: null };
  notes.push(...objects.notes);
  const from = path.from === null ? null : { version: path.from.key, versionId: path.from.id };
  const partial = position?.partial ?? null;
  const plan = makePlan({ from, to: target.key, versions, partial, objects: outlook?.key });
  if (terms.planId !== undefined && terms.planId !== plan.id) throw otherPlan(one, plan);
  return { ...decided, plan };
}

interface ReadStage {
  readonly position: Position | null;
  readonly path: DeployPath;
  readonly live: SchemaText;
  readonly versions: readonly ReadVersion[];
}

/** Reads the schema, and what is on the way from there: the deltas are read while the server tells. */
async function readStage(one: UnderWay, recorded: Position | null): Promise<ReadStage> {
  const { order, session, target, standing } = one;
  const { database, stage, archive, settings, terms } = order;
  const baseline = terms.mode === "apply" ? undefined : terms.baseline;
  const known = baseline === undefined ? null : await readLiveSchema(settings, database);
  const position =
    baseline === undefined || known === null ? recorded : await standing.baseline(baseline, known);
  const about = { database: database.name, stage, versions: archive.versions, target, position };
  // A database that the ledger does not know is empty, or else refused.
  const path = decidePath({ ...about, isEmpty: position === null });
  const [live, versions] = await Promise.all([
    known ?? liveSchema(one, position),
    path.from === null ? one.fromEmpty.versions.outcome() : versionsOn(order, session, path),
  ]);
  if (position === null && !(await live.isEmpty())) decidePath({ ...about, isEmpty: false });
  return { position, path, live, versions };
}

async function versionsOn(
  { archive, root, terms }: DeployOrder,
  { serverVersion }: StageSession,
  path: DeployPath,
): Promise<readonly ReadVersion[]> {
  if (path.versions.length === 0) return [];
  return readVersions(
    archive,
    path,
    { root, serverVersion },
    terms.mode === "apply" ? "to-apply" : "closely",
  );
}

/** A database that the ledger does not know is mostly one that was just made, which is quicker to see than to dump. */
async function liveSchema({ order, fromEmpty }: UnderWay, position: Position | null): Promise<SchemaText> {
  const { settings, database } = order;
  if (position === null && (await fromEmpty.isAsMade.outcome())) return schemaText("", database.schema);
  return readLiveSchema(settings, database);
}

function otherPlan({ order, what }: UnderWay, plan: DeployPlan): BlockedError {
  const { terms, database, stage } = order;
  return new BlockedError(
    "OTHER_PLAN",
    `${what}: what would be applied now is not the plan that was asked for.`,
    {
      where: `asked for ${terms.planId}, now ${plan.id}`,
      hint: `The stage or the archive has changed since. Look at the new plan:\n  wov-deploy ${database.name} --stage ${stage} --plan`,
    },
  );
}

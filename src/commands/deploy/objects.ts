/** What a deploy does about the objects: which scripts count, and whether they may be applied. */
import { heads, type Version } from "../../archive/versions.js";
import { BlockedError } from "../../errors.js";
import { describeName } from "../../objects/kinds.js";
import type { Client } from "../../postgres/connection.js";
import { archivedSchemaText } from "../database-state.js";
import type { SchemaText } from "../live-schema.js";
import { ObjectsAround } from "../objects/around.js";
import { type ObjectsOutlook, outlookOf, shownOutcome } from "../objects/outlook.js";
import { scriptOf } from "../objects/script-of.js";
import { isEmptyTree, type ObjectScripts, readRecordedScripts } from "../objects/scripts.js";
import type { WoStep } from "../results.js";
import type { DeployOrder } from "./order.js";
import type { ReadVersion } from "./planned.js";
import type { AcceptedObjects } from "./standing.js";

export interface DeployObjects {
  /** null where the objects are left alone. */
  readonly outlook: ObjectsOutlook | null;
  /** What may make the result another than the archived schema. */
  readonly accepted: Omit<AcceptedObjects, "drift">;
  readonly notes: readonly string[];
}

/** What a deploy begins with, and what it applies. */
export interface DeployWay {
  readonly live: SchemaText;
  readonly versions: readonly ReadVersion[];
}

/** The scripts that a database was given, where its bookkeeping has any, and those of the working tree. */
export async function scriptsGivenTo(client: Client, scripts: ObjectScripts): Promise<ObjectScripts[]> {
  const given = await readRecordedScripts(client, scripts);
  return given === null ? [scripts] : [given, scripts];
}

/**
 * Decides about the objects. The scripts of the working tree go with the newest version; on the way to an older one
 * a database keeps the scripts that it has.
 *
 * @throws BlockedError `OBJECT_ARCHIVED`, and what forbids to apply the scripts where no deltas come before them
 */
export async function decideObjects(
  order: Pick<DeployOrder, "archive" | "database">,
  scripts: ObjectScripts,
  client: Client,
  target: Version,
  way: DeployWay,
): Promise<DeployObjects> {
  const isNewest = heads(order.archive.versions).includes(target.key);
  if (!isNewest) return keepScripts(scripts, client, target, way);
  const { live, versions } = way;
  const schemas = versions.length === 0 ? [live] : [live, await archivedSchemaText(order, target.key)];
  const outlook = await outlookOf(client, scripts, versions, schemas);
  const isIdle = outlook.plan.bookkeeping === null && isEmptyTree(scripts.tree);
  if (isIdle) return { outlook: null, accepted: { scripts: null, others: [] }, notes: [] };
  await refuseArchived(order, target, outlook);
  const [blocker] = outlook.plan.blockers;
  if (blocker !== undefined && versions.length === 0) throw blocker;
  const notes = [...outlook.plan.notes, ...acrossSegments(versions, outlook)];
  return { outlook, accepted: { scripts, others: [] }, notes };
}

async function keepScripts(
  scripts: ObjectScripts,
  client: Client,
  { key }: Version,
  { live, versions }: DeployWay,
): Promise<DeployObjects> {
  const given = await readRecordedScripts(client, scripts);
  const notes = [`the object scripts go with the newest version: on the way to ${key} the objects stay`];
  if (given === null || versions.length === 0)
    return { outlook: null, accepted: { scripts: null, others: [scripts] }, notes };
  const own = { ...given, tree: { ...given.tree, initial: [], final: [] } };
  const accepted = { scripts: own, others: [scripts, own] };
  return { outlook: await outlookOf(client, own, versions, [live]), accepted, notes };
}

/** An object whose script is gone goes; one that the archive has as well needs deltas for that. */
async function refuseArchived(
  order: Pick<DeployOrder, "archive" | "database">,
  target: Version,
  { plan, state }: ObjectsOutlook,
): Promise<void> {
  const going = plan.steps.filter(({ op, name }) => op === "drop" && name.type !== "role");
  if (going.length === 0) return;
  const { objects } = await (await archivedSchemaText(order, target.key)).canonical();
  const ids = new Map(going.map((step) => [step.id, { ...step, path: "", text: "", md5: "" }]));
  const kept = [...objects.values()].flatMap((object) => scriptOf(object, { objects: ids }) ?? []);
  const [first] = kept;
  if (first === undefined) return;
  const names = kept.map(({ name }) => `  ${describeName(name)}`).join("\n");
  throw new BlockedError(
    "OBJECT_ARCHIVED",
    `The scripts of these are gone, and version ${target.key} has them:\n${names}`,
    {
      where: state.recorded.get(first.id)?.path,
      hint: "Bring the scripts back, or archive deltas that drop the objects, with IF EXISTS.",
    },
  );
}

/** Where one transaction cannot hold all, what falls is missing until the last one. */
function acrossSegments(versions: readonly ReadVersion[], { around }: ObjectsOutlook): string[] {
  const isCut = versions.some(({ statements }) =>
    statements.some(({ outside, afterCommit }) => outside !== null || afterCommit),
  );
  if (!isCut || around.length === 0) return [];
  return [
    `the deltas take more than one transaction: these are dropped in the one that needs it, and made again in the last: ${around.join(", ")}`,
  ];
}

/** What is done beside the deltas, and what of it was done when they are applied. */
export function aroundDeltas(
  outlook: ObjectsOutlook,
  progress: (id: string) => void,
): { readonly around: ObjectsAround; shown(): WoStep[] } {
  const { asScripted } = outlook.state;
  const around = new ObjectsAround(outlook.scripts, { progress, asScripted });
  const shown = () => (around.outcome === null ? [] : shownOutcome(around.outcome, outlook));
  return { around, shown };
}

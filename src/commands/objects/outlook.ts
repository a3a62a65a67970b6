/** What a deploy is going to do about the objects, as far as that can be told before it begins. */
import { sha256 } from "../../files.js";
import { planObjects } from "../../objects/decide.js";
import { droppedBy, planDrops } from "../../objects/migrations.js";
import { isNothing, type ObjectsPlan } from "../../objects/plan.js";
import { readState } from "../../objects/read-state.js";
import type { ObjectsState } from "../../objects/state.js";
import type { Script, Tree } from "../../objects/tree.js";
import { judge } from "../../objects/verdicts.js";
import type { Client } from "../../postgres/connection.js";
import type { PlannedVersion } from "../../stage/plan.js";
import type { SchemaText } from "../live-schema.js";
import type { WoStep } from "../results.js";
import type { ObjectsOutcome } from "./around.js";
import { fingerprintOf, type ObjectScripts } from "./scripts.js";
import { doneSteps, plannedSteps } from "./shown-steps.js";

export interface ObjectsOutlook {
  readonly scripts: ObjectScripts;
  /** The database before the deploy. */
  readonly state: ObjectsState;
  /** Made from that, as if the deltas changed nothing that the scripts are about. */
  readonly plan: ObjectsPlan;
  /** Ids of what is dropped so that deltas can run, and made again after them. */
  readonly around: readonly string[];
  /** Those, and what the deltas drop themselves. */
  readonly fallen: readonly string[];
  /** Whether the scripts ask for nothing, the deltas aside. */
  readonly isNothing: boolean;
  /** All of it as one word: the same word is the same work. */
  readonly key: string;
}

/**
 * @param versions whose deltas come first
 * @param schemas those of the database before and after them
 */
export async function outlookOf(
  client: Client,
  scripts: ObjectScripts,
  versions: readonly PlannedVersion[],
  schemas: readonly SchemaText[],
): Promise<ObjectsOutlook> {
  const { tree, searchPath } = scripts;
  const deltas = versions
    .filter(({ how }) => how === "applied")
    .flatMap(({ file, version, statements }) =>
      statements.map(({ text, line }): Script => ({ id: version, path: `${file}:${line}`, text })),
    );
  const read = await readState(client, tree, { scripts: deltas, searchPath });
  const state = { ...read, asScripted: await takenOver(client, tree, read, schemas) };
  const drops = deltas.length === 0 ? [] : await planDrops(tree, state, deltas, searchPath);
  const around = [...new Set(drops.map(({ id }) => id))];
  const fallen = [...around, ...(await droppedBy(tree, state, deltas, searchPath))];
  const plan = await planObjects(tree, state, { searchPath, dropped: fallen });
  const steps = plan.steps.map(({ op, id }) => [op, id]);
  const key = sha256(JSON.stringify([fingerprintOf(scripts), steps, around]));
  return { scripts, state, plan, around, fallen, isNothing: isNothing(plan), key };
}

/** Of what is not recorded, what an import of every one of the schemas would write the same scripts for. */
async function takenOver(
  client: Client,
  tree: Tree,
  state: ObjectsState,
  schemas: readonly SchemaText[],
): Promise<ReadonlySet<string>> {
  const unrecorded = [...judge(tree, state).values()].filter(
    ({ id, verdict }) => verdict === "remake" && !state.recorded.has(id),
  );
  if (unrecorded.length === 0) return new Set();
  const [{ asImported }, { readServerRoles }] = await Promise.all([
    import("../../objects/as-imported.js"),
    import("../../objects/import/server-roles.js"),
  ]);
  const roles = await readServerRoles(client);
  const known = await Promise.all(
    schemas.map(({ text, settings }) => asImported(tree, text, { roles, settings })),
  );
  const isSame = (id: string) => known.every((ids) => ids.has(id));
  return new Set(unrecorded.map(({ id }) => id).filter(isSame));
}

const FALLEN = "dropped for the deltas";

/** What was done, for a person; what fell before the deltas, or by them, is made again and not new. */
export function shownOutcome(
  { plan, done, dropped }: ObjectsOutcome,
  { fallen, scripts: { tree } }: Pick<ObjectsOutlook, "fallen" | "scripts">,
): WoStep[] {
  return doneSteps(plan, done, tree, { ids: [...dropped, ...fallen], why: FALLEN });
}

/** The steps for a person; what falls before the deltas is made again. */
export function shownSteps({ plan, fallen, scripts: { tree } }: ObjectsOutlook): WoStep[] {
  return plannedSteps(plan, tree, { ids: fallen, why: FALLEN }).filter(({ certain }) => certain);
}

/** What of a difference from the archive the object scripts of the working tree account for, and what they ask for beyond. */
import { heads, type Version } from "../../archive/versions.js";
import type { Project } from "../../config/project.js";
import { WovError } from "../../errors.js";
import { compareSchemas } from "../compare.js";
import { archivedSchemaText, type DatabaseState, type LiveDatabase } from "../database-state.js";
import { changesOf } from "../object-changes.js";
import type { ObjectChange } from "../results.js";
import { type ExpectedRequest, expectationKey, expectedSchema } from "./expected.js";
import { placeOf, scriptOf } from "./script-of.js";
import { type ObjectScripts, readProjectScripts } from "./scripts.js";

export interface Accounting {
  /** What differs from the archived schema because of scripts. */
  readonly byScripts: readonly ObjectChange[];
  /** What differs beyond that; none where the scripts account for all. */
  readonly remaining: readonly ObjectChange[];
  /** Of the remaining, what a script should say, with the file's path relative to the project; `null`: a new file. */
  readonly places: readonly ScriptPlace[];
  readonly warnings: readonly string[];
}

export interface ScriptPlace {
  readonly change: ObjectChange;
  readonly path: string;
  readonly exists: boolean;
}

/**
 * Holds a live schema that differs from a version against what the version becomes with the scripts applied.
 *
 * @returns null where the database has no scripts
 */
export async function accountByScripts(
  project: Pick<Project, "root">,
  state: DatabaseState,
  live: LiveDatabase,
  version: Version,
  progress: (doing: string) => void,
): Promise<Accounting | null> {
  const { known } = state;
  const request = await requestFor(project, state, live, version, progress);
  if (request === null) return null;
  const { archived, scripts } = request;
  const key = expectationKey(request);
  const told = await compareSchemas(archived, live.schema, {
    near: live.connection,
    known,
    verdictOnly: true,
    progress,
  });
  if (await known.has(key, live.schema.sha256)) return accounted(changesOf(told.diff));
  const expected = await expectedSchema(request).catch(reasonOf);
  if ("reason" in expected) {
    const changes = changesOf(told.diff);
    const warnings = [inapplicable(version, expected.reason)];
    return { byScripts: [], remaining: changes, places: placesOf(changes, scripts), warnings };
  }
  const compared = await compareSchemas(expected.schema, live.schema, {
    near: live.connection,
    known,
    progress,
  });
  if (!compared.differs) {
    await known.add(key, live.schema.sha256);
    return accounted(changesOf(told.diff));
  }
  const remaining = changesOf(compared.diff);
  const names = new Set(remaining.map(({ type, name }) => `${type} ${name}`));
  const byScripts = changesOf(told.diff).filter(({ type, name }) => !names.has(`${type} ${name}`));
  return { byScripts, remaining, places: placesOf(remaining, scripts), warnings: [...compared.warnings] };
}

/** What the scripts make of a version is asked for so; null where there are none. */
async function requestFor(
  project: Pick<Project, "root">,
  state: DatabaseState,
  { connection: near }: LiveDatabase,
  { key }: Version,
  progress: (doing: string) => void,
): Promise<ExpectedRequest | null> {
  const { database } = state;
  const scripts = await readProjectScripts(project, database);
  if (scripts === null || scripts.tree.objects.size === 0) return null;
  return { archived: await archivedSchemaText(state, key), scripts, database, near, progress };
}

export interface Unapplied {
  readonly changes: readonly ObjectChange[];
  readonly warnings: readonly string[];
}

/**
 * What the scripts would change in a database that has the schema of a version. Scripts go with the newest one.
 *
 * @returns no changes where there are no scripts
 */
export async function unappliedScripts(
  project: Pick<Project, "root">,
  state: DatabaseState,
  live: LiveDatabase,
  version: Version,
  progress: (doing: string) => void,
): Promise<Unapplied> {
  const { known, archive } = state;
  const isNewest = heads(archive.versions).includes(version.key);
  const request = isNewest ? await requestFor(project, state, live, version, progress) : null;
  if (request === null) return { changes: [], warnings: [] };
  const key = expectationKey(request);
  if (await known.has(key, live.schema.sha256)) return { changes: [], warnings: [] };
  const expected = await expectedSchema(request).catch(reasonOf);
  if ("reason" in expected) return { changes: [], warnings: [inapplicable(version, expected.reason)] };
  const compared = await compareSchemas(live.schema, expected.schema, {
    near: live.connection,
    known,
    progress,
  });
  if (!compared.differs) await known.add(key, live.schema.sha256);
  const changes = compared.differs ? changesOf(compared.diff) : [];
  return { changes, warnings: compared.warnings };
}

function inapplicable({ key }: Version, reason: string): string {
  return `The object scripts cannot be applied to ${key}, so nothing is put down to them: ${reason}`;
}

function accounted(byScripts: readonly ObjectChange[]): Accounting {
  return { byScripts, remaining: [], places: [], warnings: [] };
}

/** A script that fails is no reason not to check the rest. */
function reasonOf(error: unknown): { readonly reason: string } {
  if (!(error instanceof WovError)) throw error;
  return { reason: error.where === undefined ? error.message : `${error.message} (${error.where})` };
}

function placesOf(changes: readonly ObjectChange[], { tree }: ObjectScripts): ScriptPlace[] {
  return changes.flatMap((change): ScriptPlace[] => {
    const object = { type: change.type, id: `${change.type} ${change.name}` };
    const script = scriptOf(object, tree);
    if (script !== undefined) return [{ change, path: script.path, exists: true }];
    const place = change.change === "added" ? placeOf(object) : null;
    return place === null ? [] : [{ change, path: `${tree.root}/${place}`, exists: false }];
  });
}

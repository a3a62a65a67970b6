/** Filling an empty database with an archived schema, and with the objects of a tree where there is one. */
import type { Client } from "../../postgres/connection.js";
import { deployFailure } from "../../stage/failures.js";
import { makePlan } from "../../stage/plan.js";
import { tryPlan } from "../../stage/statements.js";
import { ObjectsAround } from "./around.js";
import type { ObjectScripts } from "./scripts.js";

export interface InstanceContent {
  /** The database in words. */
  readonly what: string;
  /** The archived schema. */
  readonly schema: { readonly sql: string; readonly file: string };
  /** null for none. */
  readonly scripts: ObjectScripts | null;
}

/**
 * Loads a schema and brings its objects to their scripts, in one transaction.
 *
 * @throws BlockedError `STATEMENT_FAILED`, `OBJECT_SCRIPT_FAILED` and others as a deploy; DatabaseError
 */
export async function loadInstance(
  client: Client,
  { what, schema: { sql, file }, scripts }: InstanceContent,
): Promise<void> {
  const statement = { text: sql, line: 1, outside: null, afterCommit: false, setsSession: false };
  const version = {
    version: "",
    versionId: "",
    deltas: null,
    file,
    how: "loaded",
    statements: [statement],
    includes: [],
  } as const;
  const plan = makePlan({ from: null, to: "", versions: [version], partial: null });
  try {
    await tryPlan(plan, client, () => undefined, scripts === null ? null : new ObjectsAround(scripts));
  } catch (error) {
    throw deployFailure(error, { what, partway: false, attempts: 1 });
  }
}

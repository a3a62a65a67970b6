/** Filling an empty database with an archived schema and the objects of a tree. */
import type { Client } from "../../postgres/connection.js";
import { makePlan } from "../../stage/plan.js";
import { tryPlan } from "../../stage/statements.js";
import { ObjectsAround } from "./around.js";
import type { ObjectScripts } from "./scripts.js";

/**
 * Loads a schema and brings its objects to their scripts, in one transaction.
 *
 * @throws BlockedError `OBJECT_SCRIPT_FAILED` and others as a deploy; StatementFailure
 */
export async function loadInstance(client: Client, sql: string, scripts: ObjectScripts): Promise<void> {
  const statement = { text: sql, line: 1, outside: null, afterCommit: false, setsSession: false };
  const version = {
    version: "",
    versionId: "",
    deltas: null,
    file: "the archived schema",
    how: "loaded",
    statements: [statement],
    includes: [],
  } as const;
  const plan = makePlan({ from: null, to: "", versions: [version], partial: null });
  await tryPlan(plan, client, () => undefined, new ObjectsAround(scripts));
}

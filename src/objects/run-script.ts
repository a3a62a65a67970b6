/** Running scripts, and statements that drop. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../errors.js";
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { scriptFailure } from "./failures.js";
import type { DropRun, ScriptRun } from "./plan.js";
import { needed } from "./steps.js";

/**
 * Runs a script, and puts back what it changed of the session.
 *
 * @throws BlockedError `OBJECT_SCRIPT_FAILED`; DatabaseError
 */
export async function runScript(
  client: Client,
  { path, statements, settings, unchecked }: ScriptRun,
): Promise<void> {
  if (unchecked) await client.query("SET LOCAL check_function_bodies = off");
  for (const statement of statements) {
    try {
      await client.query(statement.sql);
    } catch (error) {
      throw scriptFailure(error, path, statement);
    }
  }
  if (unchecked) await client.query("SET LOCAL check_function_bodies = on");
  for (const name of settings) await client.query(resetOf(name));
}

function resetOf(name: string): string {
  if (name === "session_authorization") return "RESET SESSION AUTHORIZATION";
  return `RESET ${name.split(".").map(quoteIdentifier).join(".")}`;
}

const DEPENDENT_OBJECTS = "2BP01";

/** Drops something. @throws as `runScript`; BlockedError `OBJECT_NEEDED` where the server says what depends on it */
export async function runDrop(client: Client, { id, sql, path }: DropRun): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (path === null && error instanceof ServerError && error.code === DEPENDENT_OBJECTS) {
      const { message, where, hint } = needed(id, id, (error.detail ?? error.message).split("\n"));
      throw new BlockedError("OBJECT_NEEDED", message, { where, hint, cause: error });
    }
    throw scriptFailure(error, path ?? id, { sql, line: 1 });
  }
}

/** Running scripts, and statements that drop. */
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { scriptFailure } from "./failures.js";
import type { DropRun, ScriptRun } from "./plan.js";

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

/** Drops something. @throws as `runScript` */
export async function runDrop(client: Client, { id, sql, path }: DropRun): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw scriptFailure(error, path ?? id, { sql, line: 1 });
  }
}

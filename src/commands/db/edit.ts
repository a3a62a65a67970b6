import { spawn } from "node:child_process";
import { once } from "node:events";
import { relative } from "node:path";
import { deltasError } from "../../deltas/error.js";
import { ConfigError } from "../../errors.js";
import { readText, writeAtomic } from "../../files.js";
import { changeLines } from "../change-text.js";
import { check } from "../check.js";
import { readPending } from "../database-state.js";
import type { EditResult } from "../results.js";
import { onlyDatabase, openSession, type Session } from "../session.js";
import type { DatabaseOptions } from "./ledger.js";

/**
 * Opens the pending deltas in the user's editor, `$VISUAL` or `$EDITOR`. A new file begins with a comment that
 * says what differs. What comes back is checked.
 *
 * @throws ConfigError `NO_EDITOR`, `EDITOR_FAILED`; BlockedError where the deltas cannot be applied as they are;
 *   the file stays as it was written
 */
export async function editDeltas(options: DatabaseOptions = {}): Promise<EditResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const file = database.paths.pendingDeltas;
  if ((await readText(file, ConfigError)) === null)
    await writeAtomic(file, await heading(options, session, database.name));
  await openEditor(session, file);
  const pending = await readPending(session, database);
  const problem = pending === null ? undefined : deltasError(pending.report);
  if (problem) throw problem;
  return {
    database: database.name,
    file: relative(session.project.root, file),
    statements: pending?.report.statements.length ?? 0,
  };
}

/** What the file is for, and what differs now, as comments. */
async function heading(options: DatabaseOptions, session: Session, database: string): Promise<string> {
  const result = await check({ ...options, databases: [database], skipGitChecks: true });
  const [checked] = result.databases;
  const lines = [
    `Pending deltas of ${database}: the SQL that makes version ${checked?.expected ?? "?"} what the database is now.`,
  ];
  const unreachable = checked?.blockers.find(({ state }) => state === "unreachable");
  if (unreachable) lines.push(unreachable.message);
  if (checked && checked.changes.length > 0)
    lines.push(`On ${session.stage} there differs:`, ...changeLines(checked.changes));
  return `${lines
    .flatMap((line) => line.split("\n"))
    .map((line) => `-- ${line}`)
    .join("\n")}\n\n`;
}

async function openEditor(session: Session, file: string): Promise<void> {
  const editor = session.env.VISUAL || session.env.EDITOR;
  if (!editor) {
    throw new ConfigError("NO_EDITOR", "No editor is set.", {
      where: file,
      hint: "Set VISUAL or EDITOR, or edit the file by hand.",
    });
  }
  // As git has it, the variable may hold arguments, e.g. "code --wait".
  const [program = "", ...args] = editor.split(/\s+/).filter((word) => word !== "");
  const child = spawn(program, [...args, file], { stdio: "inherit" });
  const [status] = await once(child, "exit").catch((cause: unknown) => {
    throw new ConfigError("EDITOR_FAILED", "The editor could not be started.", { where: editor, cause });
  });
  if (status !== 0)
    throw new ConfigError("EDITOR_FAILED", "The editor ended with an error, so nothing was checked.", {
      where: editor,
    });
}

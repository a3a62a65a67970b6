import { relative } from "node:path";
import type { ProjectDatabase } from "../../config/project.js";
import { deltasError } from "../../deltas/error.js";
import { WovError } from "../../errors.js";
import { exists, writeAtomic } from "../../files.js";
import { changeLines } from "../change-text.js";
import { check } from "../check.js";
import { readPending } from "../database-state.js";
import { notesOn } from "../deltas/notes.js";
import type { WritingOptions } from "../deltas.js";
import type { EditResult } from "../results.js";
import { onlyDatabase, openSession, type Session } from "../session.js";
import { suggestPending } from "./deltas.js";
import { editorOf, openEditor } from "./editor.js";
import type { DatabaseOptions } from "./ledger.js";

export interface EditOptions extends DatabaseOptions, WritingOptions {
  /** What the editor prints goes to standard error, since standard output is for something else. */
  readonly apart?: boolean | undefined;
}

/**
 * Opens the pending deltas in the user's editor, `$VISUAL` or `$EDITOR`, with what they lack written at their end as
 * a suggestion. Where that cannot be written, a new file begins with a comment that says what differs. What comes
 * back is checked.
 *
 * @throws ConfigError `NO_EDITOR`, `EDITOR_FAILED`; BlockedError where the deltas cannot be applied as they are;
 *   the file stays as it was written
 */
export async function editDeltas(options: EditOptions = {}): Promise<EditResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const file = database.paths.pendingDeltas;
  const editor = editorOf(session.env, file);
  const { suggested, notes } = await writeSuggestion(options, session, database);
  await openEditor(editor, file, options.apart === true);
  const pending = await readPending(session, database);
  const problem = pending === null ? undefined : deltasError(pending.report);
  if (problem) throw problem;
  return {
    database: database.name,
    file: relative(session.project.root, file),
    statements: pending?.report.statements.length ?? 0,
    suggested,
    notes,
  };
}

/** The editor is to open whatever is the matter with the database: it may be what mends it. */
async function writeSuggestion(
  options: EditOptions,
  session: Session,
  database: ProjectDatabase,
): Promise<Pick<EditResult, "suggested" | "notes">> {
  const file = database.paths.pendingDeltas;
  let notes: string[] = [];
  try {
    const { content, written } = await suggestPending(session, database, options);
    if (written.sql !== "") await writeAtomic(file, content);
    if (written.sql !== "" || (await exists(file)))
      return { suggested: written.statements.length, notes: notesOn(written) };
  } catch (error) {
    if (!(error instanceof WovError)) throw error;
    notes = [`No suggestion: ${error.message}`];
  }
  if (!(await exists(file))) await writeAtomic(file, await heading(options, session, database.name));
  return { suggested: 0, notes };
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

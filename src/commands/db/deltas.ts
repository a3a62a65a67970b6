import { relative } from "node:path";
import { nextParent } from "../../archive/plan.js";
import type { ProjectDatabase } from "../../config/project.js";
import { checkDeltas } from "../../deltas/check.js";
import { deltasError } from "../../deltas/error.js";
import { withoutPlaces } from "../../deltas/write/places.js";
import { ConfigError, WovError } from "../../errors.js";
import { readText, writeAtomic } from "../../files.js";
import { archivedSchemaText, readDatabaseState } from "../database-state.js";
import { type DeltasWritten, type WritingOptions, type WritingRequest, writeAndProve } from "../deltas.js";
import { bringingToNewest } from "../lagging.js";
import { expectedSchema } from "../objects/expected.js";
import { isEmptyTree, readProjectScripts } from "../objects/scripts.js";
import { compareWithArchive } from "../position.js";
import { archivingPlace, openRepositories } from "../repositories.js";
import type { PendingResult } from "../results.js";
import { onlyDatabase, openSession, pverOf, type Session } from "../session.js";
import type { DatabaseOptions } from "./ledger.js";

export interface PendingOptions extends DatabaseOptions, WritingOptions {}

/**
 * Writes what the pending deltas lack: the SQL that leads from the version that the database is at to the database
 * as it is, behind what the file holds already.
 *
 * @throws BlockedError where the pending deltas cannot be applied, and as archiving does where nothing could be
 *   archived: `ARCHIVE_FORKED`, `NO_ROOT`, `DATABASE_ELSEWHERE`
 * @example (await writePending({ database: "shopdb" })).outcome // → "proven"
 */
export async function writePending(options: PendingOptions = {}): Promise<PendingResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const { written, ...result } = await suggestPending(session, database, options);
  if (written.sql !== "") await writeAtomic(database.paths.pendingDeltas, result.content);
  const { content: _, ...told } = result;
  return { ...told, ...written };
}

/** What the pending deltas would be with what they lack. */
export interface Suggestion extends Pick<PendingResult, "database" | "stage" | "from" | "file" | "before"> {
  readonly written: DeltasWritten;
  /** The whole file. */
  readonly content: string;
}

/** As {@link writePending}, without writing the file. */
export async function suggestPending(
  session: Session,
  database: ProjectDatabase,
  options: WritingOptions,
): Promise<Suggestion> {
  const file = database.paths.pendingDeltas;
  const shown = relative(session.project.root, file);
  const pending = withoutPlaces((await readText(file, ConfigError)) ?? "");
  const report = await checkDeltas(Buffer.from(pending), shown);
  const problem = deltasError(report);
  if (problem) throw problem;
  const repositories = await openRepositories(session);
  const { journal } = archivingPlace(repositories, database);
  const state = await readDatabaseState(session, database, { verify: "heads", journal });
  if (state.live instanceof WovError) throw state.live;
  const pver = await pverOf(session, repositories.project);
  const { at } = await compareWithArchive(state, state.live, pver, session.progress);
  const bringing = await bringingToNewest(state, state.live, at, session);
  const parent = nextParent({ archive: state.archive, databaseVersion: at, bringing });
  const from = await archivedSchemaText(state, parent.key);
  const { schema: to, connection: near } = state.live;
  const scripts = await readProjectScripts(session.project, database);
  const request = { from, to, near, rows: near, pending, database, scripts };
  const written = (await besideScripts(session, request, options)) ?? (await writeAndProve(request, options));
  const paragraphs = [pending.trim(), written.sql.trim()].filter((part) => part !== "");
  return {
    database: database.name,
    stage: session.stage,
    from: parent.key,
    file: shown,
    before: report.statements.length,
    written,
    content: `${paragraphs.join("\n\n")}\n`,
  };
}

/**
 * What scripts make needs no deltas, so that first the difference is written from where the scripts lead.
 *
 * @returns null where they lead nowhere without the deltas, or where the deltas need what the scripts make
 */
async function besideScripts(
  { progress }: Session,
  request: WritingRequest & { readonly database: ProjectDatabase },
  options: WritingOptions,
): Promise<DeltasWritten | null> {
  const { from: archived, database, near, scripts } = request;
  if (scripts == null || isEmptyTree(scripts.tree)) return null;
  const expected = await expectedSchema({ archived, scripts, database, near, progress }).catch(noScripts);
  if (expected === null || "reason" in expected) return null;
  const written = await writeAndProve({ ...request, drawnFrom: expected.schema }, options).catch(noScripts);
  return written?.outcome === "proven" || written?.outcome === "nothing" ? written : null;
}

/** Scripts may need what only the deltas make. */
function noScripts(error: unknown): null {
  if (error instanceof WovError) return null;
  throw error;
}

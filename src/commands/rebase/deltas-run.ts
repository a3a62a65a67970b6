/** Running archived deltas on a database, version by version. */
import { DatabaseError as ServerError } from "pg";
import { checkDeltas } from "../../deltas/check.js";
import { deltasError } from "../../deltas/error.js";
import { type Segment, segmentsOf } from "../../deltas/facts/segments.js";
import { statementFacts } from "../../deltas/facts.js";
import type { Statement } from "../../deltas/report.js";
import { BlockedError } from "../../errors.js";
import type { Client } from "../../postgres/connection.js";
import { loadParser } from "../../schema/parser.js";
import { checkPutOff, mayPutOff } from "../../stage/put-off.js";

/** The deltas of one version. */
export interface VersionDeltas {
  /** The version's id, which tells it from others of its key. */
  readonly id: string;
  readonly key: string;
  /** For messages: relative to the project. */
  readonly file: string;
  readonly content: Uint8Array;
}

/** A statement of a version, and what has to be set before it where a session begins at it. */
export interface DeltasStatement extends Statement {
  readonly of: VersionDeltas;
  /** Settings that earlier statements of its version have made. */
  readonly settings: readonly string[];
}

export type DeltasSegment = Segment<DeltasStatement>;

/** Reads deltas and cuts them into transactions, as few as can be. @throws BlockedError for deltas that cannot be applied */
export async function readSegments(versions: readonly VersionDeltas[]): Promise<DeltasSegment[]> {
  const parser = await loadParser();
  const all: DeltasStatement[] = [];
  for (const of of versions) {
    const report = await checkDeltas(of.content, of.file);
    const error = deltasError(report);
    if (error) throw error;
    const settings: string[] = [];
    for (const statement of report.statements) {
      all.push({ ...statement, of, settings: [...settings] });
      if (statementFacts(statement, parser).setting === "session") settings.push(statement.text);
    }
  }
  return segmentsOf(all, parser);
}

const FRESH = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL";

/**
 * Runs a segment.
 *
 * @param watcher.end called after the last statement; for one in a transaction, before it is committed
 * @throws BlockedError `LINES_CLASH` with the statement that the server refuses; what its transaction did is taken back
 */
export async function runSegment(
  client: Client,
  { transaction, statements }: DeltasSegment,
  watcher: { readonly end?: () => Promise<void> } = {},
): Promise<void> {
  const checksEach = transaction && (await mayPutOff(statements, client));
  if (transaction) await client.query("BEGIN");
  try {
    let last: DeltasStatement | undefined;
    for (const statement of statements) {
      if (statement.of !== last?.of) {
        if (checksEach && last !== undefined) await asStatement(last, checkPutOff(client));
        for (const sql of [FRESH, ...statement.settings]) await client.query(sql);
      }
      last = statement;
      await asStatement(statement, client.query(statement.text));
    }
    await watcher.end?.();
    if (transaction) await client.query("COMMIT");
  } catch (error) {
    if (transaction) await client.query("ROLLBACK");
    throw error;
  }
}

/** Waits for a statement, or what is checked after it. @throws BlockedError `LINES_CLASH` that names it */
async function asStatement(statement: DeltasStatement, running: Promise<unknown>): Promise<void> {
  try {
    await running;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const before = [...statement.text].slice(0, Number(error.position ?? 1) - 1);
    const line = statement.line + before.filter((char) => char === "\n").length;
    throw new BlockedError(
      "LINES_CLASH",
      `The server refuses a statement of ${statement.of.key}: ${error.message}.\n  ${firstLine(statement.text)}`,
      { where: `${statement.of.file}:${line}`, hint: error.hint, cause: error },
    );
  }
}

function firstLine(sql: string): string {
  const [line = "", ...more] = sql.trim().split(/\r?\n/);
  return more.length > 0 ? `${line} …` : line;
}

/** The part of the ledger that deploys write: what was meant, what was done, and what came of it. */
import * as v from "valibot";
import type { Client, ConnectionSettings } from "../postgres/connection.js";
import { connectToRecord } from "./ledger.js";
import { LEDGER_SCHEMA as SCHEMA } from "./ledger-tables.js";
import { OutsideWork } from "./outside-work.js";
import { Partial, type Position, readPosition } from "./position.js";

const CompletedVersion = v.object({
  version: v.string(),
  versionId: v.string(),
  /** SHA-256 of the deltas; null for a root. */
  deltas: v.nullable(v.string()),
  /** `loaded`: by an archived schema of it or of a later version. */
  how: v.picklist(["applied", "loaded"]),
  tookMs: v.number(),
});
export type CompletedVersion = v.InferOutput<typeof CompletedVersion>;

const Progress = v.object({
  completed: v.array(CompletedVersion),
  partial: v.nullable(Partial),
  /** Whether the deploy has reached its target with it. */
  finishes: v.boolean(),
});
/** What a transaction, or a statement outside of any, brings a database when it is done. */
export type Progress = v.InferOutput<typeof Progress>;

/** A deploy as the ledger notes it. */
export interface DeployRecord {
  /** As the server calls it. */
  readonly database: string;
  readonly stage: string;
  /** The plan's id. */
  readonly plan: string;
  readonly from: string | null;
  readonly to: string;
  readonly by: string;
  /** The commit that the archive was taken from. */
  readonly commit: string | null;
}

/** A transaction that was about to be committed. */
export interface Intent {
  readonly number: string;
  /** null where the server does not tell. */
  readonly systemIdentifier: string | null;
  /** As `pg_current_xact_id` gave it. */
  readonly xid: string;
  readonly progress: Progress;
}

/** A statement outside a transaction that was begun and is not known to have ended. */
export interface Step {
  readonly number: string;
  readonly statement: string;
  readonly work: OutsideWork;
}

/**
 * Opens the deploy's part of the ledger, which is made where it is missing.
 *
 * @param logIn as `logInToLedger`; for whoever has logged in before
 * @throws as `createLedger`
 */
export async function openDeployLedger(
  server: ConnectionSettings,
  logIn?: () => Promise<Client>,
): Promise<DeployLedger> {
  return new DeployLedger((await connectToRecord(server, logIn)).client);
}

/** Every method is one statement, so the ledger is never found between two states. */
export class DeployLedger {
  constructor(private readonly client: Client) {}

  /** @returns null for a database that the ledger does not know */
  positionOf(database: string): Promise<Position | null> {
    return readPosition(this.client, database);
  }

  async openIntents(database: string): Promise<Intent[]> {
    const { rows } = await this.client.query<Omit<Intent, "progress"> & { progress: unknown }>(
      `SELECT number, system_identifier AS "systemIdentifier", xid, progress
       FROM ${SCHEMA}.intent WHERE database = $1 AND state = 'open' ORDER BY number`,
      [database],
    );
    return rows.map((row) => ({ ...row, progress: v.parse(Progress, row.progress) }));
  }

  async openSteps(database: string): Promise<Step[]> {
    const { rows } = await this.client.query<Omit<Step, "work"> & { work: unknown }>(
      `SELECT number, statement, work FROM ${SCHEMA}.step WHERE database = $1 AND state = 'open' ORDER BY number`,
      [database],
    );
    return rows.map((row) => ({ ...row, work: v.parse(OutsideWork, row.work) }));
  }

  /** What nobody could decide is given up: a person has said which version the database is at. */
  async giveUpOpen(database: string): Promise<void> {
    await this.client.query(
      `WITH intents AS (
         UPDATE ${SCHEMA}.intent SET state = 'aborted', ended = now() WHERE database = $1 AND state = 'open'
       )
       UPDATE ${SCHEMA}.step SET state = 'undone', ended = now() WHERE database = $1 AND state = 'open'`,
      [database],
    );
  }

  /** Notes that a deploy begins. One that was left running was stopped: only the holder of the lock calls this. */
  async begin({ database, stage, plan, from, to, by, commit }: DeployRecord): Promise<string> {
    const { rows } = await this.client.query<{ number: string }>(
      `WITH stopped AS (${stopLeft("$1")})
       INSERT INTO ${SCHEMA}.deploy (database, stage, plan, from_version, to_version, by, commit)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number`,
      [database, stage, plan, from, to, by, commit],
    );
    return rows[0]?.number ?? "";
  }

  /** Deploys that a killed process left running have stopped. */
  async stopLeft(database: string): Promise<void> {
    await this.client.query(stopLeft("$1"), [database]);
  }

  /** Notes that a transaction is about to be committed. */
  async intend(
    deploy: string,
    intent: { systemIdentifier: string | null; xid: string; progress: Progress },
  ): Promise<string> {
    const { rows } = await this.client.query<{ number: string }>(
      `INSERT INTO ${SCHEMA}.intent (deploy, database, system_identifier, xid, progress)
       SELECT number, database, $2, $3, $4 FROM ${SCHEMA}.deploy WHERE number = $1 RETURNING number`,
      [deploy, intent.systemIdentifier, intent.xid, intent.progress],
    );
    return rows[0]?.number ?? "";
  }

  /** Notes what became of the transaction; where it was committed, the database is as far as it brought it. */
  async settleIntent(number: string, state: "committed" | "aborted"): Promise<void> {
    await this.client.query(advance("intent", state === "committed"), [number, state]);
  }

  /** Notes that a statement outside a transaction begins. */
  async beginStep(
    deploy: string,
    step: { statement: string; work: OutsideWork; progress: Progress },
  ): Promise<string> {
    const { rows } = await this.client.query<{ number: string }>(
      `INSERT INTO ${SCHEMA}.step (deploy, database, statement, work, progress)
       SELECT number, database, $2, $3, $4 FROM ${SCHEMA}.deploy WHERE number = $1 RETURNING number`,
      [deploy, step.statement, step.work, step.progress],
    );
    return rows[0]?.number ?? "";
  }

  /** Notes what became of the statement; where it is done, the database is as far as it brought it. */
  async settleStep(number: string, state: "done" | "undone"): Promise<void> {
    await this.client.query(advance("step", state === "done"), [number, state]);
  }

  /** Notes how a deploy ended that did not reach its target. */
  async end(deploy: string, outcome: "failed" | "stopped", message: string): Promise<void> {
    await this.client.query(
      `UPDATE ${SCHEMA}.deploy SET outcome = $2, message = $3, ended = now() WHERE number = $1 AND outcome = 'running'`,
      [deploy, outcome, message],
    );
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

function stopLeft(database: string): string {
  return `UPDATE ${SCHEMA}.deploy SET outcome = 'stopped', ended = now() WHERE database = ${database} AND outcome = 'running'`;
}

/** Settles an open intent or step, and, where it was carried out, writes down what it brought. */
function advance(table: "intent" | "step", carriedOut: boolean): string {
  const settle = `UPDATE ${SCHEMA}.${table} SET state = $2, ended = now() WHERE number = $1 AND state = 'open'`;
  if (!carriedOut) return settle;
  return `
    WITH settled AS (${settle} RETURNING deploy, database, progress),
    completed AS (
      SELECT d.number AS deploy, d.database, d.by, d.commit, c ->> 'version' AS version,
        c ->> 'versionId' AS version_id, c ->> 'deltas' AS deltas, c ->> 'how' AS how,
        (c ->> 'tookMs')::numeric::integer AS took_ms, place
      FROM settled s JOIN ${SCHEMA}.deploy d ON d.number = s.deploy,
        jsonb_array_elements(s.progress -> 'completed') WITH ORDINALITY AS list (c, place)
    ),
    applied AS (
      INSERT INTO ${SCHEMA}.applied (deploy, database, version, version_id, deltas, how, by, commit, took_ms)
      SELECT deploy, database, version, version_id, deltas, how, by, commit, took_ms FROM completed ORDER BY place
    ),
    logged AS (
      INSERT INTO ${SCHEMA}.log (database, version, version_id, event, by, commit)
      SELECT database, version, version_id, 'deployed', by, commit FROM completed ORDER BY place
    ),
    newest AS (SELECT database, version, version_id FROM completed ORDER BY place DESC LIMIT 1),
    finished AS (
      UPDATE ${SCHEMA}.deploy d SET outcome = 'applied', ended = now() FROM settled s
      WHERE d.number = s.deploy AND (s.progress ->> 'finishes')::boolean
    )
    INSERT INTO ${SCHEMA}.database AS d (name, version, version_id, partial_version, partial_id, partial_statements)
    SELECT s.database, coalesce(n.version, known.version), coalesce(n.version_id, known.version_id),
      s.progress #>> '{partial,version}', s.progress #>> '{partial,versionId}',
      (s.progress #>> '{partial,statements}')::integer
    FROM settled s LEFT JOIN newest n ON true LEFT JOIN ${SCHEMA}.database known ON known.name = s.database
    ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version, version_id = EXCLUDED.version_id,
      since = CASE WHEN d.version_id = EXCLUDED.version_id THEN d.since ELSE now() END,
      partial_version = EXCLUDED.partial_version, partial_id = EXCLUDED.partial_id,
      partial_statements = EXCLUDED.partial_statements`;
}

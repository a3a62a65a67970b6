/** Carrying out a plan so that each of its deltas is applied exactly once, whatever stops it on the way. */
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError as ServerError } from "pg";
import { StoppedError } from "../errors.js";
import { type DumpOptions, type PreparedDump, prepareDump } from "../postgres/dump.js";
import type { StageSession } from "./connect.js";
import type { DeployLedger } from "./deploy-ledger.js";
import { deployFailure, isLost, isWorthAnotherTry } from "./failures.js";
import { lockHolders } from "./lock-holders.js";
import { judge, observe } from "./outside-work.js";
import { type DeployPlan, type Part, progressOf, type Segment } from "./plan.js";
import type { Teller } from "./query.js";
import { type AroundStatements, asStatement, prepareOutside, runSegment } from "./statements.js";

/** Where a plan is carried out. */
export interface ApplyPlace {
  readonly session: StageSession;
  readonly ledger: DeployLedger;
  /** The deploy's number in the ledger. */
  readonly deploy: string;
  /** In words, e.g. `shopdb on prod`. */
  readonly what: string;
  /** How often a transaction is tried that cannot get a lock. */
  readonly attempts: number;
}

/** What carrying out a plan asks of the caller. */
export interface ApplyEffects {
  readonly dump: Omit<DumpOptions, "program">;
  /** What is done beside the statements. */
  readonly around?: AroundStatements | null;
  /** Holds the schema that the plan led to against the target's; throws where it is another. */
  verify(dump: string): Promise<void>;
  /** Told before each statement, and before another attempt. */
  progress(doing: ApplyProgress): void;
}

export interface ApplyProgress {
  /** The version's number on the path, from 1, and how many there are. */
  readonly number: number;
  readonly count: number;
  readonly version: string;
  /** File and line of the statement; null where the schema is verified. */
  readonly where: string | null;
  readonly sql: string;
  /** 1 unless a lock could not be had before. */
  readonly attempt: number;
}

/** The first pause before another attempt, in milliseconds; each one is twice as long, less a part by chance. */
const PAUSE_MS = 250;

/**
 * Carries out a plan, with the lock held.
 *
 * A transaction's number is in the ledger before it is committed, and is marked there afterwards: whoever finds it
 * unmarked asks the server what became of it. The last transaction is committed only if the schema in it is the
 * target's.
 *
 * @throws BlockedError `STATEMENT_FAILED`, `STATEMENT_TIMEOUT`, `LOCK_NOT_AVAILABLE`, DatabaseError `SERVER_LOST`,
 *   `NO_RIGHT_FOR_STATEMENT`, and what `verify` throws, where nothing has changed; StoppedError, mostly of the same
 *   codes, where something has, or where that is not known before the next run
 */
export async function applyPlan(plan: DeployPlan, place: ApplyPlace, effects: ApplyEffects): Promise<void> {
  let partway = false;
  for (const segment of plan.segments) {
    try {
      await withAttempts(place.attempts, (attempt) =>
        segment.kind === "outside"
          ? runOutside(plan, segment, place, tellerOf(plan, attempt, effects))
          : runTransaction(plan, segment, place, effects, attempt),
      );
    } catch (error) {
      const holders = isWorthAnotherTry(error) ? await lockHolders(place.session.client) : [];
      throw deployFailure(error, { what: place.what, partway, attempts: place.attempts, holders });
    }
    partway = true;
  }
}

async function withAttempts(limit: number, run: (attempt: number) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (attempt >= limit || !isWorthAnotherTry(error)) throw error;
      await sleep(PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }
}

function tellerOf({ versions }: DeployPlan, attempt: number, { progress }: ApplyEffects): Teller {
  return ({ version }, number) => {
    const statement = number === null ? undefined : version.statements[number];
    progress({
      number: versions.indexOf(version) + 1,
      count: versions.length,
      version: version.version,
      where: statement === undefined ? null : `${version.file}:${statement.line}`,
      sql: statement?.text ?? "",
      attempt,
    });
  };
}

async function runTransaction(
  plan: DeployPlan,
  segment: Segment,
  place: ApplyPlace,
  effects: ApplyEffects,
  attempt: number,
): Promise<void> {
  const { client } = place.session;
  const tell = tellerOf(plan, attempt, effects);
  const isLast = segment === plan.segments.at(-1);
  // It starts while the statements run.
  const dump = isLast ? await prepareDump(client, { ...effects.dump, becomesLarge: isLong(segment) }) : null;
  let took: ReadonlyMap<Part, number>;
  try {
    await client.query("BEGIN");
    took = await runSegment(plan, segment, place.session, tell, effects.around ?? null);
    if (dump !== null) await verify(dump, segment, effects, tell);
  } catch (error) {
    if (!isLost(error)) await client.query("ROLLBACK");
    throw error;
  } finally {
    await dump?.end();
  }
  await commit(plan, segment, place, took);
}

/** Statements of so many characters make more than a thousand tables. */
const LONG_SQL = 1_000_000;

function isLong({ parts }: Segment): boolean {
  const texts = parts.flatMap(({ version, from, to }) => version.statements.slice(from, to));
  return texts.reduce((sum, { text }) => sum + text.length, 0) >= LONG_SQL;
}

async function verify(
  dump: PreparedDump,
  { parts }: Segment,
  effects: ApplyEffects,
  tell: Teller,
): Promise<void> {
  const last = parts.at(-1);
  if (last !== undefined) tell(last, null);
  await effects.verify(await dump.run());
}

async function commit(
  plan: DeployPlan,
  segment: Segment,
  { session, ledger, deploy, what }: ApplyPlace,
  took: ReadonlyMap<Part, number>,
): Promise<void> {
  const { client, systemIdentifier } = session;
  let intent: string;
  try {
    const { rows } = await client.query<{ xid: string }>("SELECT pg_current_xact_id()::text AS xid");
    const xid = rows[0]?.xid ?? "";
    const progress = progressOf(plan, segment, took);
    intent = await ledger.intend(deploy, { systemIdentifier, xid, progress });
  } catch (error) {
    if (!isLost(error)) await client.query("ROLLBACK");
    throw error;
  }
  await commitAs(intent, session, ledger, what);
  try {
    await ledger.settleIntent(intent, "committed");
  } catch (cause) {
    throw unknownEnd(`${what}: the transaction is committed, and the ledger could not be told.`, cause);
  }
}

async function commitAs(
  intent: string,
  { client }: StageSession,
  ledger: DeployLedger,
  what: string,
): Promise<void> {
  try {
    const { command } = await client.query("COMMIT");
    if (command !== "COMMIT") throw new ServerError("the transaction was rolled back", 0, "error");
  } catch (error) {
    if (isLost(error))
      throw unknownEnd(`${what}: the connection was lost while the transaction was committed.`, error);
    await ledger.settleIntent(intent, "aborted");
    throw error;
  }
}

function unknownEnd(message: string, cause: unknown): StoppedError {
  return new StoppedError("DEPLOY_INTERRUPTED", message, {
    hint: "Run this again: it asks the server what became of the transaction, and goes on from there.",
    cause,
  });
}

async function runOutside(
  plan: DeployPlan,
  segment: Segment,
  { session, ledger, deploy, what }: ApplyPlace,
  tell: Teller,
): Promise<void> {
  const { client } = session;
  const { part, statement, target } = await prepareOutside(segment, session);
  const work = await observe(client, target);
  tell(part, part.from);
  const progress = progressOf(plan, segment, new Map());
  const step = await ledger.beginStep(deploy, {
    statement: `${part.version.file}:${statement.line}`,
    work,
    progress,
  });
  try {
    await asStatement({ version: part.version, statement }, client.query(statement.text));
  } catch (error) {
    if (isLost(error))
      throw unknownEnd(`${what}: the connection was lost at ${part.version.file}:${statement.line}.`, error);
    await client.query("SET statement_timeout = 0; SET lock_timeout = 0");
    await ledger.settleStep(step, await judge(client, work));
    throw error;
  }
  try {
    await ledger.settleStep(step, "done");
  } catch (cause) {
    throw unknownEnd(`${what}: a statement is done, and the ledger could not be told.`, cause);
  }
}

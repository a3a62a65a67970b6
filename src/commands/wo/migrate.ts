/** `wo plan` and `wo migrate`: what brings a database to its tree, and doing it. */
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError as ServerError } from "pg";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { applyObjects, applyPrelude, type Done } from "../../objects/apply.js";
import { planObjects } from "../../objects/decide.js";
import { isWorthAnotherTry } from "../../objects/failures.js";
import { hasPrelude, isNothing, type ObjectsPlan, planIdOf } from "../../objects/plan.js";
import { readState, withDependents } from "../../objects/read-state.js";
import { type ObjectsState, readBase } from "../../objects/state.js";
import { readTree, type Tree } from "../../objects/tree.js";
import { type Client, connect } from "../../postgres/connection.js";
import { noticeLostClient } from "../../stage/connect.js";
import { isLost } from "../../stage/failures.js";
import { lockDatabase } from "../../stage/lock.js";
import type { WoMigrateResult } from "../results.js";
import { createDatabase, openDatabase } from "./database.js";
import type { Foreseen, Foresight } from "./prove.js";
import { resultOf } from "./result.js";
import { readSettings, type WoOptions, type WoSettings } from "./settings.js";

export interface WoMigrateOptions extends WoOptions {
  /** Only say what would be done. */
  readonly plan?: boolean | undefined;
  /** The id that a plan has to have, as one said it that was only asked for. */
  readonly planId?: string | undefined;
  /** How long a statement may wait for a lock, in seconds; 5 unless given, 0: for ever. */
  readonly lockTimeout?: number | undefined;
  /** How long to wait for another run on the same database, in seconds; 60 unless given. */
  readonly wait?: number | undefined;
}

const LOCK_TIMEOUT_S = 5;
const WAIT_S = 60;
const ATTEMPTS = 5;
/** The pause before the second attempt, in milliseconds; each one after it is twice as long. */
const PAUSE_MS = 100;

/**
 * Brings a database to its tree: makes it where it is missing, runs the migrations that it lacks, then makes, makes
 * again and drops objects until all are as their scripts say. One transaction, the bookkeeping included.
 *
 * @throws ConfigError for the variables and the tree; BlockedError; DatabaseError
 * @example
 * const { steps } = await woMigrate({ plan: true });
 */
export async function woMigrate(options: WoMigrateOptions = {}): Promise<WoMigrateResult> {
  const settings = await readSettings(options);
  const progress = options.progress ?? (() => undefined);
  const lockTimeout = milliseconds(options.lockTimeout ?? LOCK_TIMEOUT_S, "--lock-timeout");
  const patience = milliseconds(options.wait ?? WAIT_S, "--wait");
  const { tree, opened } = await readBoth(settings);
  const created = opened === null;
  let { planId } = options;
  let client = opened?.client;
  if (client === undefined) {
    const planned = await planNew(tree, settings, progress);
    if (options.plan === true) return planned.result();
    refuseOther(planned.id, planId);
    // A plan for no database is not one for an empty one, though the same is done.
    planId = undefined;
    progress(`making the database ${settings.connection.database}`);
    await createDatabase(tree, settings, progress);
    client = await connect(settings.connection);
  }
  try {
    const run = new Run(client, { settings, tree, progress, lockTimeout, patience, created, planId });
    return await run.migrate(options.plan === true, opened?.base ?? (await readBase(client)));
  } catch (error) {
    throw inWords(error);
  } finally {
    await client.end();
  }
}

/** What is going to be done in a database that is not there yet. */
async function planNew(tree: Tree, settings: WoSettings, progress: (doing: string) => void) {
  const { foreseeDatabase } = await import("./new-database.js");
  const { state, template } = await foreseeDatabase(tree, settings);
  const plan = await planObjects(tree, state, settings);
  const id = planIdOf(plan);
  const result = async () => {
    const near = { ...settings.admin, options: settings.connection.options };
    const what = { settings, tree, from: template, near, state, plan, wantsPlan: true, progress };
    const foreseen = await foreseeWhereDue(what);
    return resultOf(settings, tree, {
      ...{ plan: withForeseen(plan, foreseen), id, created: true, applied: false, done: null },
      foreseen: !hasPrelude(plan) || foreseen.plan !== null,
    });
  };
  return { id, result };
}

interface Opened {
  readonly client: Client;
  readonly base: ObjectsState;
}

/** Reads the tree while the server is at work. */
async function readBoth(settings: WoSettings): Promise<{ tree: Tree; opened: Opened | null }> {
  const [opening, reading] = await Promise.allSettled([
    open(settings),
    readTree(settings.dir, settings.rolePrefix),
  ]);
  if (opening.status === "rejected") throw reading.status === "rejected" ? reading.reason : opening.reason;
  if (reading.status === "fulfilled") return { tree: reading.value, opened: opening.value };
  await opening.value?.client.end();
  throw reading.reason;
}

async function open(settings: WoSettings): Promise<Opened | null> {
  const client = await openDatabase(settings);
  if (client === null) return null;
  try {
    return { client, base: await readBase(client) };
  } catch (error) {
    await client.end();
    throw inWords(error);
  }
}

function milliseconds(seconds: number, name: string): number {
  if (Number.isFinite(seconds) && seconds >= 0 && seconds * 1000 <= 2 ** 31 - 1)
    return Math.round(seconds * 1000);
  throw new ConfigError("WO_USAGE", `${name} takes a number of seconds from 0 up.`, {});
}

interface RunTerms {
  readonly settings: WoSettings;
  readonly tree: Tree;
  readonly progress: (doing: string) => void;
  readonly lockTimeout: number;
  readonly patience: number;
  readonly created: boolean;
  readonly planId: string | undefined;
}

/** A run on an open connection. */
class Run {
  constructor(
    private readonly client: Client,
    private readonly terms: RunTerms,
  ) {}

  async migrate(planOnly: boolean, base: ObjectsState): Promise<WoMigrateResult> {
    const { settings, tree, created } = this.terms;
    const state = await withDependents(this.client, tree, base);
    const first = await this.#decide(state);
    const id = isNothing(first) ? null : planIdOf(first);
    const told = (plan: ObjectsPlan, done: readonly Done[] | null, foreseen = done !== null) =>
      resultOf(settings, tree, { plan, id, created, applied: done !== null, done, foreseen });
    if (id === null) return told(first, null);
    const { progress, planId } = this.terms;
    refuseOther(id, planId);
    const { connection: near } = settings;
    const what = { settings, tree, from: near, near, state, plan: first, wantsPlan: planOnly, progress };
    const foreseen = await foreseeWhereDue(what);
    if (planOnly) return told(withForeseen(first, foreseen), null, foreseen.plan !== null);
    if (!hasPrelude(first)) refuse(first);
    await lockDatabase(this.client, this.terms.patience, (holder) =>
      this.terms.progress(`waiting for ${holder}`),
    );
    await noticeLostClient(this.client);
    for (let attempt = 1; ; attempt++) {
      try {
        const { plan, done } = await this.#transaction();
        // Whoever held the lock has done it all.
        if (done === null) return told(plan, null);
        return told({ ...plan, ...preludeOf(first), notes: [...plan.notes, ...foreseen.notes] }, done);
      } catch (error) {
        if (attempt >= ATTEMPTS || !isWorthAnotherTry(error)) throw error;
        await sleep(PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
      }
    }
  }

  #decide(state: ObjectsState, afterPrelude = false): Promise<ObjectsPlan> {
    const { tree, settings } = this.terms;
    return planObjects(tree, state, { searchPath: settings.searchPath, afterPrelude });
  }

  async #plan(afterPrelude = false): Promise<ObjectsPlan> {
    return this.#decide(await readState(this.client, this.terms.tree), afterPrelude);
  }

  async #transaction(): Promise<{ plan: ObjectsPlan; done: readonly Done[] | null }> {
    const { client } = this;
    const { progress, lockTimeout, planId } = this.terms;
    await client.query(`SET lock_timeout = ${lockTimeout}`);
    await client.query("BEGIN");
    try {
      let plan = await this.#plan();
      if (isNothing(plan)) {
        await client.query("ROLLBACK");
        return { plan, done: null };
      }
      refuseOther(planIdOf(plan), planId);
      if (hasPrelude(plan)) {
        await applyPrelude(client, plan, { progress });
        plan = await this.#plan(true);
      }
      const done = await applyObjects(client, plan, { progress });
      await client.query("COMMIT");
      return { plan, done };
    } catch (error) {
      if (!isLost(error)) await client.query("ROLLBACK");
      throw error;
    }
  }
}

/** Tries on a shadow what the plan cannot say by itself. */
async function foreseeWhereDue(what: Foresight): Promise<Foreseen> {
  const { plan, wantsPlan } = what;
  if (plan.prove.length === 0 && !(wantsPlan && hasPrelude(plan))) return { plan: null, notes: [] };
  const { foresee } = await import("./prove.js");
  return foresee(what);
}

/** A plan with the steps that were found out. */
function withForeseen(plan: ObjectsPlan, { plan: later, notes }: Foreseen): ObjectsPlan {
  return { ...plan, ...later, ...preludeOf(plan), notes: [...(later ?? plan).notes, ...notes] };
}

/** @throws BlockedError `OTHER_PLAN` */
function refuseOther(id: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === id) return;
  throw new BlockedError("OTHER_PLAN", "What would be done now is not the plan that was asked for.", {
    where: `asked for ${wanted}, now ${id}`,
    hint: "The database or the tree has changed since. Look at the new plan:\n  wo plan",
  });
}

/** What runs before the steps are planned for good. */
function preludeOf({ migrations, initial, before }: ObjectsPlan) {
  return { migrations, initial, before };
}

/** @throws the first reason why a plan cannot be applied */
function refuse({ blockers: [blocker] }: ObjectsPlan): void {
  if (blocker !== undefined) throw blocker;
}

/** What the server says outside of any script, as when deferred constraints are checked at the end. */
function inWords(error: unknown): unknown {
  if (isLost(error)) {
    const reason = error instanceof Error ? error.message : String(error);
    return new DatabaseError("SERVER_LOST", `The connection to the server was lost: ${reason}.`, {
      hint: "What was not committed is taken back. Run this again when the server is there.",
      cause: error,
    });
  }
  if (!(error instanceof ServerError)) return error;
  const details = { hint: error.hint ?? "Nothing of this run is kept.", cause: error };
  const detail = error.detail === undefined ? "" : `\n  ${error.detail}`;
  if (error.code === "42501")
    return new DatabaseError(
      "NO_RIGHT_FOR_STATEMENT",
      `The role may not do this: ${error.message}.`,
      details,
    );
  return new BlockedError("OBJECTS_REFUSED", `The server refuses: ${error.message}.${detail}`, details);
}

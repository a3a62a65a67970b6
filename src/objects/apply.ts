/** Carrying a plan out, inside a transaction of the caller's. Decides nothing. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../errors.js";
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { keepBooks, makeBookkeeping, recordMigration } from "./bookkeeping.js";
import { isWorthAnotherTry, scriptFailure, sqlStateOf } from "./failures.js";
import { nameOfId } from "./kinds.js";
import type { DropRun, ObjectsPlan, Overloads, ScriptRun, Step } from "./plan.js";
import { needed } from "./steps.js";

/** What has become of a step. */
export interface Done {
  readonly id: string;
  /** `remake` also for what the server would not replace, and for what fell with another object. */
  readonly op: Exclude<Step["op"], "again">;
}

export interface ApplyEffects {
  /** Told what is being done, e.g. `view.public.view0`. */
  readonly progress?: ((doing: string) => void) | undefined;
}

/**
 * Runs what comes before the objects: the scripts of a new database, or the migrations, with the drops around them.
 * Afterwards the state is read anew and the rest planned from that.
 *
 * @param client in an open transaction, which is left open
 * @throws BlockedError `OBJECT_SCRIPT_FAILED` with file, line and statement; DatabaseError
 */
export async function applyPrelude(
  client: Client,
  plan: Pick<ObjectsPlan, "bookkeeping" | "initial" | "before" | "migrations">,
  { progress = () => undefined }: ApplyEffects = {},
): Promise<void> {
  const schema = await makeBookkeeping(client, plan.bookkeeping);
  for (const { run } of plan.initial) {
    progress(run.path);
    await runScript(client, run);
  }
  for (const drop of plan.before) await runDrop(client, drop);
  for (const { id, run } of plan.migrations) {
    progress(run.path);
    await runScript(client, run);
    await recordMigration(client, schema, id);
  }
}

/**
 * Applies the steps of a plan and its bookkeeping.
 *
 * @param client in an open transaction, which is left open
 * @returns what was done; a step that turned out to be needless is not among it
 * @throws the plan's first blocker; BlockedError `OBJECT_SCRIPT_FAILED`, `OBJECT_NEEDED`; DatabaseError. The
 *   transaction has to be rolled back then
 */
export async function applyObjects(
  client: Client,
  plan: ObjectsPlan,
  { progress = () => undefined }: ApplyEffects = {},
): Promise<readonly Done[]> {
  const [blocker] = plan.blockers;
  if (blocker !== undefined) throw blocker;
  const schema = await makeBookkeeping(client, plan.bookkeeping);
  const applying = new Applying(client);
  for (const group of groupsOf(plan.steps)) {
    const [first] = group;
    if (first !== undefined) progress(first.id);
    if (group.length > 1 && (await applying.makeTogether(group))) continue;
    for (const step of group) {
      progress(step.id);
      await applying.take(step);
    }
  }
  for (const id of plan.check) await checkFunction(client, id, plan);
  for (const { run } of plan.final) {
    progress(run.path);
    await runScript(client, run);
  }
  await keepBooks(client, schema, plan.bookkeep);
  if (plan.mark !== null) await recordMigration(client, schema, plan.mark);
  return applying.done;
}

/** What the server answers when it cannot replace something as it stands. */
const REFUSALS: ReadonlySet<string> = new Set([
  "42P16", // a view with other columns
  "42P13", // a function with another result, or other names of parameters
  "42809", // something of another kind
  "42710", // a trigger, a rule beside it that is there already
  "42P07", // an index beside it that is there already
  "42723", // a function that is there already
  "0A000", // what OR REPLACE does not reach
  "2BP01", // an overload that is gone from the script, and needed
]);

type Creation = Extract<Step, { op: "create" }>;

const MOST_TOGETHER = 100;

/** The steps, those next to each other that only make something together: a question for each would take its time. */
function groupsOf(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const group = groups.at(-1);
    const isMore = group?.every(goesTogether) === true && goesTogether(step) && group.length < MOST_TOGETHER;
    if (isMore) group.push(step);
    else groups.push([step]);
  }
  return groups;
}

function goesTogether(step: Step): step is Creation {
  return step.op === "create" && step.run.parsed && !step.run.unchecked && step.run.settings.length === 0;
}

/** A run through the steps, and what has become of the objects on the way. */
class Applying {
  /** Statements that dropped something that is not made again yet, by id. */
  readonly #absent = new Map<string, Set<string>>();
  /** What went along with something else, and is not made again yet. */
  readonly #along = new Set<string>();
  /** Made anew in this run. */
  readonly #made = new Set<string>();
  readonly done: Done[] = [];

  constructor(private readonly client: Client) {}

  /**
   * Makes several objects with one question.
   *
   * @returns false where the server refuses something: one by one they tell what
   */
  async makeTogether(steps: readonly Step[]): Promise<boolean> {
    const sql = steps.filter(goesTogether).flatMap(({ run }) => run.statements.map((one) => one.sql));
    await this.client.query("SAVEPOINT wov_together");
    try {
      // A statement may end with a comment, which goes to the end of its line.
      await this.client.query(sql.join("\n;\n"));
    } catch (error) {
      if (!(error instanceof ServerError) || isWorthAnotherTry(error)) throw error;
      await this.client.query("ROLLBACK TO SAVEPOINT wov_together");
      return false;
    }
    await this.client.query("RELEASE SAVEPOINT wov_together");
    for (const step of steps) {
      this.#isMade(step);
      this.done.push({ id: step.id, op: "create" });
    }
    return true;
  }

  async take(step: Step): Promise<void> {
    const op = await this.#carryOut(step);
    if (op !== null) this.done.push({ id: step.id, op });
  }

  /** @returns what was done; null for nothing */
  async #carryOut(step: Step): Promise<Done["op"] | null> {
    switch (step.op) {
      case "create":
        await this.#make(step, step.run);
        return "create";
      case "replace":
        return this.#replace(step);
      case "remake":
        await this.#drop(step.drops, step.along);
        await this.#make(step, step.run);
        return "remake";
      case "again":
        if (!this.#isAbsent(step.id)) return null;
        await this.#make(step, step.run);
        return "remake";
      case "drop":
        await this.#drop(step.drops, step.along);
        return "drop";
      case "grant":
        if (!step.always && !step.needs.some((id) => this.#made.has(id))) return null;
        await this.#make(step, step.run);
        return "grant";
      default:
        return step.op;
    }
  }

  #isAbsent(id: string): boolean {
    return this.#along.has(id) || this.#absent.has(id);
  }

  async #make(step: Step, run: ScriptRun): Promise<void> {
    await runScript(this.client, run);
    this.#isMade(step);
  }

  #isMade({ id, touches = [] }: Step): void {
    this.#absent.delete(id);
    this.#along.delete(id);
    for (const made of [id, ...touches]) this.#made.add(made);
  }

  async #drop(drops: readonly DropRun[], along: readonly string[]): Promise<void> {
    for (const drop of drops) {
      if (this.#along.has(drop.id) || this.#absent.get(drop.id)?.has(drop.sql)) continue;
      await runDrop(this.client, drop);
      this.#absent.set(drop.id, (this.#absent.get(drop.id) ?? new Set()).add(drop.sql));
    }
    for (const id of along) this.#along.add(id);
  }

  async #replace(step: Extract<Step, { op: "replace" }>): Promise<Done["op"]> {
    let op: Done["op"] = "replace";
    if (this.#isAbsent(step.id)) {
      await this.#make(step, step.run);
      return "remake";
    }
    await this.client.query("SAVEPOINT wov_replace");
    try {
      const before = step.overloads === null ? [] : await overloads(this.client, step.overloads);
      await runScript(this.client, step.run);
      if (step.overloads !== null) await dropStale(this.client, step.overloads, before);
    } catch (error) {
      if (!REFUSALS.has(sqlStateOf(error) ?? "")) throw error;
      await this.client.query("ROLLBACK TO SAVEPOINT wov_replace");
      if (step.outside.length > 0) throw refused(step, error);
      await this.#drop(step.drops, step.along);
      await this.#make(step, step.run);
      op = "remake";
    }
    await this.client.query("RELEASE SAVEPOINT wov_replace");
    return op;
  }
}

function refused({ id, run, outside }: Extract<Step, { op: "replace" }>, cause: unknown): BlockedError {
  const { message, where, hint } = needed(id, run.path, outside);
  const said = cause instanceof Error ? `${cause.message}\n` : "";
  return new BlockedError("OBJECT_NEEDED", `${said}${message}`, { where, hint, cause });
}

/** Runs a script, and puts back what it changed of the session. */
async function runScript(
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

async function runDrop(client: Client, { id, sql, path }: DropRun): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw scriptFailure(error, path ?? id, { sql, line: 1 });
  }
}

/** One overload, and the version of its row in the catalogue, which every change makes another. */
interface Overload {
  readonly signature: string;
  readonly row: string;
}

async function overloads(client: Client, { schema, name, kinds }: Overloads): Promise<Overload[]> {
  const { rows } = await client.query<Overload>(
    `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS signature,
       p.oid || ' ' || p.xmin || ' ' || p.ctid AS row
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind = ANY ($3::"char"[]) ORDER BY 1`,
    [schema, name, kinds],
  );
  return rows;
}

/** Drops the overloads that were there and have not been replaced. */
async function dropStale(client: Client, named: Overloads, before: readonly Overload[]): Promise<void> {
  const rows = new Set(before.map(({ row }) => row));
  for (const { signature, row } of await overloads(client, named))
    if (rows.has(row)) await client.query(`DROP ROUTINE ${signature}`);
}

/** Has the language of a function look at its body, as it would have done when the function was made. */
async function checkFunction(client: Client, id: string, plan: ObjectsPlan): Promise<void> {
  const [schema = "", name = ""] = nameOfId(id)?.parts ?? [];
  const { rows } = await client.query<{ function: number; validator: string }>(
    `SELECT p.oid AS function, l.lanvalidator::regproc::text AS validator
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE n.nspname = $1 AND p.proname = $2 AND l.lanvalidator <> 0`,
    [schema, name],
  );
  for (const { function: oid, validator } of rows) {
    try {
      await client.query(`SELECT ${validator}($1::oid)`, [oid]);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      const step = plan.steps.find((one) => one.id === id);
      const path = step !== undefined && "run" in step ? step.run.path : id;
      throw scriptFailure(error, path, { sql: `the body of ${id}`, line: 1 });
    }
  }
}

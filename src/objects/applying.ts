/** A run through the steps of a plan. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../errors.js";
import type { Client } from "../postgres/connection.js";
import { isWorthAnotherTry, sqlStateOf } from "./failures.js";
import { dropStale, overloads } from "./overloads.js";
import type { DropRun, ScriptRun, Step } from "./plan.js";
import { runDrop, runScript } from "./run-script.js";
import { needed } from "./steps.js";

/** What has become of a step. */
export interface Done {
  readonly id: string;
  /** `remake` also for what the server would not replace, and for what fell with another object. */
  readonly op: Exclude<Step["op"], "again">;
}

type Creation = Extract<Step, { op: "create" }>;

const MOST_TOGETHER = 100;

/** The steps, those next to each other that only make something together: a question for each would take its time. */
export function groupsOf(steps: readonly Step[]): Step[][] {
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

/** A run through the steps, and what has become of the objects on the way. */
export class Applying {
  /** Statements that dropped something that is not made again yet, by id. */
  readonly #absent = new Map<string, Set<string>>();
  /** What went along with something else, and is not made again yet. */
  readonly #along = new Set<string>();
  /** Made anew in this run. */
  readonly #made = new Set<string>();
  /** Those, and what was replaced: what they depended on before is another's now. */
  readonly #renewed = new Set<string>();
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
        if (!this.#isAbsent(step.id)) return step.otherwise;
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
    this.#renewed.add(id);
  }

  async #drop(drops: readonly DropRun[], along: readonly string[]): Promise<void> {
    for (const drop of drops) {
      if (this.#renewed.has(drop.id)) continue;
      if (this.#along.has(drop.id) || this.#absent.get(drop.id)?.has(drop.sql)) continue;
      await runDrop(this.client, drop);
      this.#absent.set(drop.id, (this.#absent.get(drop.id) ?? new Set()).add(drop.sql));
    }
    for (const id of along) if (!this.#renewed.has(id)) this.#along.add(id);
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
    this.#renewed.add(step.id);
    return op;
  }
}

function refused({ id, run, outside }: Extract<Step, { op: "replace" }>, cause: unknown): BlockedError {
  const { message, where, hint } = needed(id, run.path, outside);
  const said = cause instanceof Error ? `${cause.message}\n` : "";
  return new BlockedError("OBJECT_NEEDED", `${said}${message}`, { where, hint, cause });
}

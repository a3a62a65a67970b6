/** The steps of a plan, roles aside. Pure. */
import { BlockedError } from "../errors.js";
import type { Decision } from "./decision.js";
import type { Fall } from "./dependents.js";
import { dropRuns } from "./drop-sql.js";
import { describeName, idOf, type KindType, kindOf } from "./kinds.js";
import type { DropRun, Overloads, Step } from "./plan.js";
import { runOf } from "./runs.js";
import type { ScriptFacts } from "./script.js";
import type { ObjectScript } from "./tree.js";
import type { Standing } from "./verdicts.js";

export interface StepsPlan {
  readonly steps: readonly Step[];
  readonly blockers: readonly BlockedError[];
  readonly notes: readonly string[];
}

/**
 * Plans what is made, made again, dropped and recorded. What is dropped is dropped as late as may be: next to what
 * takes its place, or at the end.
 */
export function planSteps(decision: Decision): StepsPlan {
  return new StepsPlanner(decision).run();
}

class StepsPlanner {
  readonly #blockers: BlockedError[] = [];
  #certain: Set<string> | undefined;

  constructor(private readonly decision: Decision) {}

  run(): StepsPlan {
    const steps = this.#steps();
    return { steps, blockers: this.#blockers, notes: this.#notes() };
  }

  #steps(): Step[] {
    const going = this.decision.objects("drop");
    const early = going.filter(({ id }) => this.decision.makesRoom(id));
    const late = going.filter((standing) => !early.includes(standing));
    for (const { id } of this.decision.with("gone")) this.#refuseGone(id);
    for (const { id } of this.decision.objects("prove", "tell", "adopt")) this.decision.read(id);
    return [
      ...this.decision
        .with("forget")
        .map((one): Step => ({ ...one, op: "forget", why: "no script, no object" })),
      ...this.#withoutWork(),
      ...this.#dropAll(early, "its name is needed"),
      ...this.decision.order().ids.map((id) => this.#make(id)),
      ...this.#dropAll(late, "its script is gone"),
    ];
  }

  #withoutWork(): Step[] {
    const step = (op: "adopt" | "record", why: string) => (one: Standing) => ({ ...one, op, why }) as const;
    const fallen = this.decision.fallen();
    const staying = this.decision.objects("adopt").filter(({ id }) => !fallen.has(id));
    return [
      ...staying.map(step("adopt", "is there already, and stays as it is")),
      ...this.decision
        .with("prove")
        .map(step("record", "its script changed; migrations have to have changed it")),
      ...this.decision.with("tell").map(step("record", "its script changed; only a migration changes it")),
    ];
  }

  #make(id: string): Step {
    const { script, facts } = this.decision.read(id);
    const standing = this.decision.standings.get(id);
    const name = script.name;
    const run = runOf(script.path, facts, this.decision.order().early.has(id));
    if (standing === undefined || standing.verdict === "create")
      return { id, name, op: "create", why: "is not there", run };
    if (standing.verdict !== "remake") {
      const certain = this.#certainlyFallen().has(id);
      const otherwise = standing.verdict === "adopt" ? "adopt" : null;
      return { id, name, op: "again", why: "depends on what is made again", run, certain, otherwise };
    }
    const why = this.decision.state.recorded.has(id) ? "its script changed" : "nothing is recorded of it";
    const { along, outside } = this.decision.fallOf(id);
    const drops = this.#dropRuns(this.decision.fallOf(id));
    if (isReplacing(script, facts)) {
      const descriptions = outside.map(({ description }) => description);
      const overloads = this.#overloadsOf(standing);
      return { id, name, op: "replace", why, run, drops, along, outside: descriptions, overloads };
    }
    this.#refuseOutside(id, this.decision.fallOf(id));
    return { id, name, op: "remake", why, run, drops, along };
  }

  /** Routines of one name may be of several kinds; those that have a script of their own are that one's. */
  #overloadsOf({ name: { type }, existing: [first] }: Standing): Overloads | null {
    if (first === undefined || !overloadable(first.name.type)) return null;
    const [schema = "", name = ""] = first.name.parts;
    const isFree = (other: KindType) =>
      !this.decision.tree.objects.has(idOf({ type: other, parts: first.name.parts }));
    const kinds = ROUTINES.filter(([other]) => other === type || (type === "function" && isFree(other)));
    return { schema, name, kinds: kinds.flatMap(([, letters]) => letters) };
  }

  #certainlyFallen(): Set<string> {
    if (this.#certain !== undefined) return this.#certain;
    const { decision } = this;
    const remade = decision.objects("remake").filter(({ id }) => {
      const { script, facts } = decision.read(id);
      return !isReplacing(script, facts);
    });
    const early = decision.objects("drop").filter(({ id }) => decision.makesRoom(id));
    this.#certain = new Set([...remade, ...early].flatMap(({ id }) => decision.fallenWith(id)));
    return this.#certain;
  }

  /** Drops of objects whose scripts are gone; what is not gone and needs them is in the way. */
  #dropAll(going: readonly Standing[], why: string): Step[] {
    const steps: Step[] = [];
    const done = new Set<string>();
    const rank = (id: string) => this.decision.fallOf(id).drops.length;
    for (const { id, name } of going.toSorted((a, b) => rank(a.id) - rank(b.id) || (a.id < b.id ? -1 : 1))) {
      const fall = this.decision.fallOf(id);
      const needing = this.decision.fallenWith(id).filter((other) => this.decision.tree.objects.has(other));
      const isEarly = why !== "its script is gone";
      const stuck = isEarly ? [] : needing.filter((other) => !this.decision.changed.has(other));
      this.#refuseOutside(id, fall, stuck);
      const own = isEarly
        ? fall.drops
        : fall.drops.filter((one) => this.decision.isGoing(this.decision.idOf(one)));
      const drops = this.#dropRuns({ ...fall, drops: own }).filter((run) => !done.has(run.sql));
      for (const run of drops) done.add(run.sql);
      steps.push({ id, name, op: "drop", why, drops, along: fall.along });
    }
    return steps;
  }

  #dropRuns({ drops }: Pick<Fall, "drops">): DropRun[] {
    const { tree, state } = this.decision;
    return dropRuns(drops, (existing) => this.decision.idOf(existing), tree, state);
  }

  #refuseGone(id: string): void {
    const path = this.decision.state.recorded.get(id)?.path ?? id;
    const name = this.decision.standings.get(id)?.name;
    const said = name === undefined ? id : describeName(name);
    this.#blockers.push(
      new BlockedError(
        "TABLE_GONE",
        `The script of ${said} is gone, and the ${name?.type ?? "table"} is there.`,
        {
          where: path,
          hint: "Drop it in a migration, or bring the script back.",
        },
      ),
    );
  }

  #refuseOutside(id: string, { outside }: Fall, stuck: readonly string[] = []): void {
    const needing = [
      ...outside
        .filter((one) => one.id === null || !this.decision.isGoing(one.id))
        .map(({ description }) => description),
      ...stuck.map((other) => {
        const script = this.decision.tree.objects.get(other);
        return script === undefined ? other : `${describeName(script.name)} (${script.path})`;
      }),
    ];
    if (needing.length === 0) return;
    const name = this.decision.standings.get(id)?.name;
    this.#blockers.push(
      needed(name === undefined ? id : describeName(name), this.decision.pathOf(id), needing),
    );
  }

  #notes(): string[] {
    const unread = [...this.decision.readScripts()].flatMap(({ script, facts }) =>
      facts.unread === null
        ? []
        : [
            `${script.path} could not be parsed whole (${facts.unread}); what it needs was looked for by words`,
          ],
    );
    const told = this.decision
      .with("tell")
      .map(
        ({ id, name }) =>
          `${this.decision.pathOf(id)} changed; a ${kindOf(name.type).sql.toLowerCase()} is changed by a migration only`,
      );
    return [...unread, ...told];
  }
}

/** The error for an object that cannot be dropped. */
export function needed(what: string, where: string, needing: readonly string[]): BlockedError {
  const list = needing.map((one) => `  ${one}`).join("\n");
  return new BlockedError(
    "OBJECT_NEEDED",
    `${what} would have to be dropped, and this depends on it:\n${list}`,
    {
      where,
      hint: "Give what depends on it a script of its own, so that it can be made again, or change both in a migration. A script with OR REPLACE needs no drop where PostgreSQL takes it.",
    },
  );
}

/** Whether all that a script makes is made with OR REPLACE. */
function isReplacing({ name }: ObjectScript, { makes }: ScriptFacts): boolean {
  const main = makes.filter(({ type }) => type === name.type || overloadable(type));
  return main.length > 0 && makes.every(({ orReplace }) => orReplace);
}

function overloadable(type: string): boolean {
  return type === "function" || type === "procedure" || type === "aggregate";
}

/** The kinds of routine, and what `pg_proc.prokind` has for them. */
const ROUTINES: readonly (readonly [KindType, readonly string[]])[] = [
  ["function", ["f", "w"]],
  ["procedure", ["p"]],
  ["aggregate", ["a"]],
];

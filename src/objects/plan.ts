/** What a run is going to do, as a value. Everything that applying needs is in it. */
import type { BlockedError } from "../errors.js";
import { sha256 } from "../files.js";
import type { ObjectName } from "./kinds.js";
import type { Recorded } from "./state.js";

/** A statement to run, and where it stands. */
export interface PlannedStatement {
  readonly sql: string;
  /** Line of the file, from 1. */
  readonly line: number;
}

/** A script to run. */
export interface ScriptRun {
  readonly path: string;
  /** The statements; all of the script as one where it could not be parsed. */
  readonly statements: readonly PlannedStatement[];
  /** Whether it could be parsed, so that it is known where its statements end. */
  readonly parsed: boolean;
  /** Settings of the session that it changes, and that are put back after it. */
  readonly settings: readonly string[];
  /** Run without a look into the bodies of functions, which need what comes later; they are checked at the end. */
  readonly unchecked: boolean;
}

/** A statement that drops an object, or the user's own script for it. */
export interface DropRun {
  readonly id: string;
  readonly sql: string;
  /** The file of the user's own script; null where the statement is ours. */
  readonly path: string | null;
}

/** The functions of a name, of which those are dropped that the script has not made again. */
export interface Overloads {
  readonly schema: string;
  readonly name: string;
  /** As `pg_proc.prokind` has them: other kinds may have the same name, and scripts of their own. */
  readonly kinds: readonly string[];
}

interface AnyStep {
  readonly id: string;
  readonly name: ObjectName;
  /** In a few words. */
  readonly why: string;
  /** Policies that a role's script alters: what another role's script says of them has to be said again. */
  readonly touches?: readonly string[] | undefined;
}

export type Step = AnyStep &
  (
    | { readonly op: "create"; readonly run: ScriptRun }
    /** OR REPLACE; where the server refuses that, as `remake`. */
    | {
        readonly op: "replace";
        readonly run: ScriptRun;
        readonly drops: readonly DropRun[];
        readonly along: readonly string[];
        readonly outside: readonly string[];
        readonly overloads: Overloads | null;
      }
    /** Dropped, after what depends on it, and made. */
    | {
        readonly op: "remake";
        readonly run: ScriptRun;
        readonly drops: readonly DropRun[];
        readonly along: readonly string[];
      }
    /** Made again if another step has dropped it; `otherwise` is what is done if none has. */
    | {
        readonly op: "again";
        readonly run: ScriptRun;
        readonly certain: boolean;
        readonly otherwise: "adopt" | null;
      }
    | { readonly op: "drop"; readonly drops: readonly DropRun[]; readonly along: readonly string[] }
    /** A role: its grants are run again; `always`, or if one of the objects that it needs was made in this run. */
    | {
        readonly op: "grant";
        readonly run: ScriptRun;
        readonly needs: readonly string[];
        readonly always: boolean;
      }
    /** Entered in the bookkeeping as it is. */
    | { readonly op: "adopt" }
    /** Its changed script is entered in the bookkeeping; the object stays as it is. */
    | { readonly op: "record" }
    /** Taken out of the bookkeeping. */
    | { readonly op: "forget" }
  );

/** A migration, or another script of the tree that is no object's. */
export interface PlainRun {
  readonly id: string;
  readonly run: ScriptRun;
}

export interface ObjectsPlan {
  /** The schema of the bookkeeping's tables; null where they are to be made. */
  readonly bookkeeping: string | null;
  /** Once, in a new database. */
  readonly initial: readonly PlainRun[];
  /** What the migrations would be refused for, and scripts make again. */
  readonly before: readonly DropRun[];
  readonly migrations: readonly PlainRun[];
  /** A migration that is recorded without being run; null for none. */
  readonly mark: string | null;
  /** In their order. Where there are migrations, they are planned anew when those have run. */
  readonly steps: readonly Step[];
  /** Functions whose bodies are checked at the end. */
  readonly check: readonly string[];
  readonly final: readonly PlainRun[];
  readonly bookkeep: BookkeepingPlan;
  /** Ids of tables and sequences whose changed scripts are to be proven. */
  readonly prove: readonly string[];
  /** Why this cannot be applied. Those of the steps do not count where there are migrations. */
  readonly blockers: readonly BlockedError[];
  readonly notes: readonly string[];
}

export interface BookkeepingPlan {
  readonly enter: readonly (Recorded & { readonly script: string })[];
  /** Rows of which only this column changes. */
  readonly requiredBy: readonly Pick<Recorded, "id" | "requiredBy">[];
  readonly remove: readonly string[];
}

/** A plan as one word: the same word is the same work, statement by statement. 64 hexadecimal digits. */
export function planIdOf({ initial, before, migrations, mark, steps, final, bookkeep }: ObjectsPlan): string {
  const entered = bookkeep.enter.map(({ id, md5 }) => [id, md5]);
  return sha256(JSON.stringify([initial, before, migrations, mark, steps, final, entered, bookkeep.remove]));
}

/** Whether a step does something whatever the others come to. */
export function isCertain(step: Step): boolean {
  if (step.op === "grant") return step.always;
  return step.op !== "again" || step.certain || step.otherwise !== null;
}

/** Whether something has to run before the rest can be decided: migrations, and the scripts of a new database. */
export function hasPrelude({ initial, migrations }: ObjectsPlan): boolean {
  return initial.length + migrations.length > 0;
}

/** Whether there is nothing to do at all. */
export function isNothing(plan: ObjectsPlan): boolean {
  const { bookkeep } = plan;
  return (
    plan.bookkeeping !== null &&
    plan.mark === null &&
    plan.migrations.length === 0 &&
    plan.initial.length === 0 &&
    plan.blockers.length === 0 &&
    !plan.steps.some(isCertain) &&
    bookkeep.enter.length + bookkeep.remove.length + bookkeep.requiredBy.length === 0
  );
}

/** Disturbs a deploy at every question that it asks a server, and holds what a second run makes of it against a run never disturbed. */
import * as assert from "uvu/assert";
import type { Question } from "./fault-proxy.js";
import { FaultProject, type Mode, type PathName } from "./fault-stage.js";

/**
 * Which questions are disturbed. `all`; `applying`: those from the deploy's note in the ledger on, but for what
 * pg_dump asks, which changes nothing; `rest`: the others.
 */
export type FaultPart = "all" | "applying" | "rest";

export interface FaultRun {
  readonly path: PathName;
  readonly mode: Mode;
  readonly part: FaultPart;
  /** Whether one question is disturbed before it is asked, the next one after it, and so on; else each is both ways. */
  readonly inTurn?: boolean;
  readonly tell?: (line: string) => void;
}

const SIDES = ["before", "after"] as const;

/** @returns the questions of an undisturbed run, and how many faults were tried */
export async function tryFaults(run: FaultRun): Promise<{ questions: number; faults: number }> {
  return disturbEach(await FaultProject.create(run.path), run);
}

async function disturbEach(project: FaultProject, { mode, part, inTurn = false, tell }: FaultRun) {
  // The first run counts, the second says what has to come out.
  const counting = await project.newStage();
  const { questions, struck } = await counting.disturbed("cut", Number.POSITIVE_INFINITY, "before");
  assert.not(struck);
  const wanted = await counting.state();
  const undisturbed = await project.newStage();
  await undisturbed.deploy();
  assert.is(await undisturbed.state(), wanted);
  await undisturbed.drop();
  await counting.drop();

  const begun = questions.findIndex(({ label }) => label.includes('INSERT INTO "wovtool".deploy'));
  assert.ok(begun > 0);
  const isIn = ({ dump }: Question, index: number) =>
    part === "all" || (part === "applying") === (index >= begun && !dump);

  let faults = 0;
  for (const [index, question] of questions.entries()) {
    if (!isIn(question, index)) continue;
    for (const when of inTurn ? [SIDES[index % SIDES.length] ?? "before"] : SIDES) {
      const name = `${mode} ${when} ${index + 1} of ${questions.length}: ${question.label.slice(0, 90)}`;
      const stage = await project.newStage();
      try {
        const outcome = await stage.disturbed(mode, index + 1, when);
        assert.ok(outcome.struck, "the question was not asked");
        await stage.deploy();
        assert.is(await stage.state(), wanted);
      } catch (error) {
        throw new Error(`${name}\n${error instanceof Error ? error.stack : String(error)}`, { cause: error });
      }
      await stage.drop();
      faults += 1;
      tell?.(name);
    }
  }
  return { questions: questions.length, faults };
}

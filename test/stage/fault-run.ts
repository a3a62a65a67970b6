/** Disturbs a deploy at every question that it asks a server, and holds what a second run makes of it against a run never disturbed. */
import { availableParallelism } from "node:os";
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

/**
 * Several faults at once, each on a stage of its own.
 *
 * @returns the questions of an undisturbed run, and how many faults were tried
 */
export async function tryFaults(run: FaultRun): Promise<{ questions: number; faults: number }> {
  return disturbEach(await FaultProject.create(run.path), run);
}

async function disturbEach(project: FaultProject, run: FaultRun) {
  const { wanted, questions } = await undisturbed(project);
  const faults = faultsOf(questions, run);
  const failures: string[] = [];
  const queue = faults.values();
  const worker = async () => {
    for (const fault of queue) {
      const failure = await disturbOne(project, fault, run.mode, wanted);
      run.tell?.(fault.name);
      if (failure !== null) failures.push(`${fault.name}\n${failure}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  assert.equal(failures, []);
  return { questions: questions.length, faults: faults.length };
}

/** What a run asks, counted by the first one, and what has to come out, which a second one without a proxy confirms. */
async function undisturbed(project: FaultProject) {
  const counting = await project.newStage();
  const { questions, struck } = await counting.disturbed("cut", Number.POSITIVE_INFINITY, "before");
  assert.not(struck);
  const wanted = await counting.state();
  const plain = await project.newStage();
  await plain.deploy();
  assert.is(await plain.state(), wanted);
  await plain.drop();
  await counting.drop();
  return { wanted, questions };
}

interface OneFault {
  readonly name: string;
  /** The question's number, from 1. */
  readonly at: number;
  readonly when: (typeof SIDES)[number];
}

function faultsOf(questions: readonly Question[], { mode, part, inTurn = false }: FaultRun): OneFault[] {
  const begun = questions.findIndex(({ label }) => label.includes('INSERT INTO "wovtool".deploy'));
  assert.ok(begun > 0);
  const isIn = ({ dump }: Question, index: number) =>
    part === "all" || (part === "applying") === (index >= begun && !dump);
  return questions.flatMap((question, index) => {
    if (!isIn(question, index)) return [];
    const sides = inTurn ? [SIDES[index % SIDES.length] ?? "before"] : SIDES;
    return sides.map((when) => {
      const name = `${mode} ${when} ${index + 1} of ${questions.length}: ${question.label.slice(0, 90)}`;
      return { name, at: index + 1, when };
    });
  });
}

/** @returns what is wrong after a second run; null where nothing is */
async function disturbOne(
  project: FaultProject,
  { at, when }: OneFault,
  mode: Mode,
  wanted: string,
): Promise<string | null> {
  const stage = await project.newStage();
  try {
    const outcome = await stage.disturbed(mode, at, when);
    assert.ok(outcome.struck, "the question was not asked");
    await stage.deploy();
    assert.is(await stage.state(), wanted);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    await stage.drop();
  }
}

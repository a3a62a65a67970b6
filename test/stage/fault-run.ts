/** Disturbs a deploy at every question that it asks a server, and holds what a second run makes of it against a run never disturbed. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { PACKAGE } from "../support/project.js";
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

/** How many questions an undisturbed run asks. */
export interface Questions {
  readonly all: number;
  /** Those from the deploy's note in the ledger on, but for what pg_dump asks. */
  readonly applying: number;
}

/**
 * Several faults at once, each on a stage of its own.
 *
 * @returns the questions of an undisturbed run, and how many faults were tried
 */
export async function tryFaults(run: FaultRun): Promise<{ questions: Questions; faults: number }> {
  return disturbEach(await FaultProject.create(run.path), run);
}

/** Counts the questions on a path. */
export async function questionsOn(path: PathName): Promise<Questions> {
  const counting = await (await FaultProject.create(path)).newStage();
  try {
    const { questions } = await counting.disturbed("cut", Number.POSITIVE_INFINITY, "before");
    return counted(questions);
  } finally {
    await counting.drop();
  }
}

function counted(questions: readonly Question[]): Questions {
  return { all: questions.length, applying: inPart(questions, "applying").length };
}

/** What the documentation says of a path. */
export async function documented(path: PathName): Promise<Questions & { readonly strikes: number }> {
  const page = await readFile(join(PACKAGE, "docs/deploy.md"), "utf8");
  const row = new RegExp(`^\\| ${ROWS[path]} +\\| (\\d+) +\\| (\\d+) +\\| (\\d+) +\\|$`, "m").exec(page);
  const [all = 0, applying = 0, strikes = 0] = (row ?? []).slice(1).map(Number);
  return { all, applying, strikes };
}

/** What the documentation calls the paths. */
export const ROWS: Readonly<Record<PathName, string>> = {
  transactional: "every statement in one transaction",
  mixed: "with statements outside of transactions",
};

/** Each question is struck before it is asked and after it, once by a kill and once by a cut. */
export const STRIKES_AT_EACH = 4;

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
  return { questions: counted(questions), faults: faults.length };
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

/** The numbers of the questions that belong to a part, from 1. */
function inPart(questions: readonly Question[], part: FaultPart): number[] {
  const begun = questions.findIndex(({ label }) => label.includes('INSERT INTO "wovtool".deploy'));
  assert.ok(begun > 0);
  return questions.flatMap(({ dump }, index) => {
    const applies = index >= begun && !dump;
    return part === "all" || (part === "applying") === applies ? [index + 1] : [];
  });
}

function faultsOf(questions: readonly Question[], { mode, part, inTurn = false }: FaultRun): OneFault[] {
  return inPart(questions, part).flatMap((at, turn) => {
    const sides = inTurn ? [SIDES[turn % SIDES.length] ?? "before"] : SIDES;
    return sides.map((when) => {
      const label = questions[at - 1]?.label.slice(0, 90);
      return { name: `${mode} ${when} ${at} of ${questions.length}: ${label}`, at, when };
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

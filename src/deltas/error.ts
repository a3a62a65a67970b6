import { BlockedError } from "../errors.js";
import type { DeltasProblem, DeltasReport } from "./report.js";

const SHOWN = 10;

/**
 * Puts the problems of deltas into one error: the first under its own code and place, up to ten with the
 * line they stand in, and what mends each kind once.
 *
 * @param report what `checkDeltas` returned
 * @returns the error, or undefined where there is no problem
 */
export function deltasError(report: DeltasReport): BlockedError | undefined {
  const [first] = report.problems;
  if (first === undefined) return undefined;
  const shown = report.problems.slice(0, SHOWN);
  const lines = shown.flatMap((problem) => lineOf(report.file, problem));
  const rest = report.problems.length - shown.length;
  if (rest > 0) lines.push(`and ${rest} more`);
  const hints = new Set(shown.map(({ hint }) => hint));
  const count = report.problems.length;
  const what = `The deltas cannot be applied: ${count === 1 ? "one problem" : `${count} problems`}.`;
  return new BlockedError(first.code, [what, ...lines].join("\n"), {
    where: placeOf(report.file, first),
    hint: [...hints].join("\n"),
  });
}

function placeOf(file: string, { line, column }: DeltasProblem): string {
  return `${file}:${line}:${column}`;
}

function lineOf(file: string, problem: DeltasProblem): string[] {
  const message = `${placeOf(file, problem)}: ${problem.message}`;
  if (problem.excerpt === undefined) return [message];
  const { text, indent } = problem.excerpt;
  return [message, `  ${text}`, `  ${indent}^`];
}

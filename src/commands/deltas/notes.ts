import type { DeltasResult } from "../results.js";

/** What whoever uses written deltas has to know, a line each: warnings, possible renames, what was not written or proven. */
export function notesOn({
  open,
  renames,
  reasons,
  warnings,
}: Pick<DeltasResult, "open" | "renames" | "reasons" | "warnings">): string[] {
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...renames.map(
      ({ kind, from, to }) =>
        `${kind} ${from} is dropped and ${to} is added, which are alike. Where it was renamed: --renames always`,
    ),
    ...open.map(
      ({ type, name, change, why }) =>
        `not written: ${type} ${name} ${change}${why === null ? "" : ` (${why})`}`,
    ),
    ...reasons.map((reason) => `not proven: ${reason}`),
  ];
}

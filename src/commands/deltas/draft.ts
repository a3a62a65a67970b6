/** Deltas while they are written: what has run, in the order in which it did, and why the rest has not. */
import { type Attempt, plainly, type Way, type WrittenStatement } from "../../deltas/write/written.js";
import type { TrialShadows } from "./trial-shadows.js";

export class Draft {
  readonly #statements: WrittenStatement[] = [];
  readonly #reasons = new Map<string, string>();

  /** @param prepare changes attempts before they are made */
  constructor(
    private readonly shadows: TrialShadows,
    private readonly prepare: (attempts: readonly Attempt[]) => readonly Attempt[] = (attempts) => attempts,
  ) {}

  get statements(): readonly WrittenStatement[] {
    return this.#statements;
  }

  /** Why an object is not what it should be, as far as the server has said. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  /** Makes attempts; what runs is written. @returns how many statements that was */
  async add(attempts: readonly Attempt[]): Promise<number> {
    const first = await this.shadows.run(this.prepare(attempts));
    const last = first.refused.map(({ attempt }) => attempt);
    const unchecked = last.map(withUncheckedBody);
    const isHopeless = unchecked.every((attempt, index) => attempt === last[index]);
    const second = isHopeless ? { ran: [], refused: first.refused } : await this.shadows.run(unchecked);
    const ran = [...first.ran, ...second.ran];
    this.#statements.push(...ran);
    for (const { attempt, reason } of second.refused) this.#reasons.set(attempt.about, reason);
    return ran.length;
  }

  explain(id: string, reason: string): void {
    this.#reasons.set(id, reason);
  }
}

const ROUTINE = /^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) /;

/** A body may name what only its author's search path finds. Whoever made it had it checked. */
function withUncheckedBody(attempt: Attempt): Attempt {
  const unchecked = attempt.ways.flatMap(([only, ...others]): Way[] => {
    if (only === undefined || others.length > 0 || !ROUTINE.test(only.sql)) return [];
    const note = "Its body names what the default search path does not find, so it is not checked.";
    return [
      [plainly("SET check_function_bodies = false", note), only, plainly("RESET check_function_bodies")],
    ];
  });
  return unchecked.length === 0 ? attempt : { ...attempt, ways: [...attempt.ways, ...unchecked] };
}

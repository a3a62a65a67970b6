/** Deltas while they are written: what has run, in the order in which it did, and why the rest has not. */
import type { Attempt, WrittenStatement } from "../../deltas/write/written.js";
import type { Bench } from "./bench.js";

export class Draft {
  readonly #statements: WrittenStatement[] = [];
  readonly #reasons = new Map<string, string>();

  constructor(private readonly bench: Bench) {}

  get statements(): readonly WrittenStatement[] {
    return this.#statements;
  }

  /** Why an object is not what it should be, as far as the server has said. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  /** Makes attempts; what runs is written. @returns how many statements that was */
  async add(attempts: readonly Attempt[]): Promise<number> {
    const { ran, refused } = await this.bench.run(attempts);
    this.#statements.push(...ran);
    for (const { attempt, reason } of refused) this.#reasons.set(attempt.about, reason);
    return ran.length;
  }

  explain(id: string, reason: string): void {
    this.#reasons.set(id, reason);
  }
}

/** Something that is begun before anybody needs it, at most once. A failure waits for whoever asks for the outcome. */
export class Ahead<T> {
  #settled: Promise<PromiseSettledResult<T>[]> | undefined;
  #isAskedFor = false;

  constructor(private readonly work: () => Promise<T>) {}

  begin(): void {
    this.#settled ??= Promise.allSettled([this.work()]);
  }

  /** Begins it unless that was done. @throws what the work throws */
  async outcome(): Promise<T> {
    this.begin();
    this.#isAskedFor = true;
    const [result] = (await this.#settled) ?? [];
    if (result === undefined) throw new RangeError("what was begun has an outcome");
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }

  /** Frees an outcome that nobody has asked for, when there is one; that is not waited for. */
  discard(free: (outcome: T) => Promise<void>): void {
    if (this.#isAskedFor) return;
    void this.#settled?.then(([result]) => (result?.status === "fulfilled" ? free(result.value) : undefined));
  }
}

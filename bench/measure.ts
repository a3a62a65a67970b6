/** Measures whole processes in turn. */

/** Figures of several runs. Times are in seconds. */
export interface Figures {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  return {
    min: at(0),
    median: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    max: at(sorted.length - 1),
  };
}

export interface Comparison {
  readonly one: Figures;
  readonly other: Figures;
  /** One's time divided by the other's, pair by pair: what slows the machine for a while slows both. */
  readonly ratio: Figures;
}

/**
 * Runs two things in turn, A B A B …, and takes the time of each. A first pair is not counted.
 *
 * @param pairs how many pairs are counted
 */
export async function inTurn(
  pairs: number,
  one: () => Promise<void>,
  other: () => Promise<void>,
): Promise<Comparison> {
  const times: (readonly [number, number])[] = [];
  for (let pair = 0; pair <= pairs; pair++) times.push([await secondsOf(one), await secondsOf(other)]);
  const counted = times.slice(1);
  return {
    one: figuresOf(counted.map(([time]) => time)),
    other: figuresOf(counted.map(([, time]) => time)),
    ratio: figuresOf(counted.map(([time, than]) => time / than)),
  };
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/**
 * Does some work for each of several things, a number of them at once.
 *
 * @param count how many at once, from 1 up
 * @returns what the work handed back, in the order of the things
 * @throws what the work throws; what is under way by then goes on
 */
export async function atOnce<T, R>(
  things: readonly T[],
  count: number,
  work: (thing: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = things.entries();
  const worker = async () => {
    for (const [index, thing] of queue) results[index] = await work(thing, index);
  };
  await Promise.all(Array.from({ length: Math.min(count, things.length) }, worker));
  return results;
}

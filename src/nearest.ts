/**
 * The name that was probably meant.
 *
 * @param word what was written
 * @param names what could have been written
 * @returns the nearest name, or null when none is near: more than a third of the letters would have to change,
 *   and neither word starts with the other
 * @example nearest("objets", ["objects", "pgDump"]) // → "objects"
 */
export function nearest(word: string, names: readonly string[]): string | null {
  const lower = word.toLowerCase();
  let best: { name: string; distance: number } | null = null;
  for (const name of names) {
    const other = name.toLowerCase();
    const begins = lower.length >= 3 && (other.startsWith(lower) || lower.startsWith(other));
    const distance = begins ? 1 : editDistance(lower, other);
    if (distance > Math.max(1, Math.max(lower.length, other.length) / 3)) continue;
    if (best === null || distance < best.distance) best = { name, distance };
  }
  return best?.name ?? null;
}

/** Levenshtein's distance: how many letters to insert, drop or change. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const change = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}

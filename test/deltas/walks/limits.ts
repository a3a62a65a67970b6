/** What the tool is known not to be able to write, and then names. */
import type { PendingResult } from "#src/index.js";

type Open = PendingResult["open"][number];

interface Limit {
  readonly what: string;
  readonly holds: (open: Open) => boolean;
}

export const LIMITS: readonly Limit[] = [];

/** @returns the limit that explains what is open; null where it is none that is known */
export function limitOf(open: Open): string | null {
  return LIMITS.find(({ holds }) => holds(open))?.what ?? null;
}

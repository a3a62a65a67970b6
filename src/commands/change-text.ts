/** Differences of schemas as lines of text. Pure; without colour. */
import type { ObjectChange } from "./results.js";

/**
 * One line an object, in columns, and an indented one for each detail.
 *
 * @example
 * changeLines(changes)
 * // ["  changed  table  shop.orders", "             column note added"]
 */
export function changeLines(changes: readonly ObjectChange[]): string[] {
  const width = Math.max(...changes.map(({ type }) => type.length));
  return changes.flatMap(({ change, type, name, details }) => [
    `  ${change.padEnd(7)}  ${type.padEnd(width)}  ${name}`,
    ...details.map((detail) => `           ${detail}`),
  ]);
}

/** How many objects a message lists before it says how many more there are. */
const LISTED_OBJECTS = 20;

/** `changeLines` for a message: the first objects, and how many more there are. */
export function firstChangeLines(changes: readonly ObjectChange[]): string[] {
  const more = changes.length - LISTED_OBJECTS;
  const lines = changeLines(changes.slice(0, LISTED_OBJECTS));
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}

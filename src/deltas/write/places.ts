/** Places that are held in deltas for what the tool could not write, so that nobody takes them for whole. */
import type { Piece } from "../cut.js";
import type { OpenDifference } from "./written.js";

/** How a held place begins. Deltas with one are not archived. */
export const PLACE = "-- WRITE HERE:";

const PLACES = /(?:^|\n)-- WRITE HERE:[^\n]*(?:\n--[^\n]*)*(?:\n|$)/g;

/** Writes a place for each difference. @returns text that ends with a line end; empty for none */
export function renderPlaces(open: readonly OpenDifference[]): string {
  return open.map(renderPlace).join("\n");
}

export function renderPlace({ id, change, details, why }: OpenDifference): string {
  const lines = [...details.flatMap((detail) => detail.split("\n")), ...(why === null ? [] : [why])];
  return `${PLACE} ${id} ${change}\n${lines.map((line) => `--   ${line}\n`).join("")}`;
}

/** Where places are held: comments between the statements, not what looks like one in a function's body. */
export function placesIn(text: string, pieces: readonly Piece[]): number[] {
  if (!text.includes(PLACE)) return [];
  const found = [...text.matchAll(new RegExp(`^${PLACE}`, "gm"))].map(({ index }) => index);
  return found.filter((offset) => !pieces.some(({ start, end }) => start <= offset && offset < end));
}

/** Takes the places out of a text; a place ends where its comment does. */
export function withoutPlaces(text: string): string {
  return text.replace(PLACES, "\n").replace(/\n{3,}/g, "\n\n");
}

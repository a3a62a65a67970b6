import { codePoints, type Position } from "./position.js";
import type { Excerpt } from "./report.js";

const BEFORE = 60;
const AFTER = 40;
const NO_WIDTH = /^(?:\p{Mn}|\p{Me}|\p{Cf})$/u;
const TWO_WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\uff01-\uff60])$/u;
const CONTROL = /\p{Cc}/gu;

/**
 * Shows a place in a line.
 *
 * @param line the line's text; control characters other than tabs are shown as `\ufffd`
 * @param position where in it; only the column counts
 * @returns at most a hundred characters around the place, and the white space that leads a caret there
 */
export function excerptOf(line: string, { column }: Position): Excerpt {
  const chars = [...line.slice(0, 2 * (column + AFTER))];
  const from = column - 1 > BEFORE ? column - 1 - BEFORE : 0;
  const to = Math.min(chars.length, column - 1 + AFTER);
  const before = (from > 0 ? "…" : "") + shown(chars.slice(from, column - 1));
  const text = before + shown(chars.slice(column - 1, to)) + (to < codePoints(line) ? "…" : "");
  const indent = [...before].map((char) => (char === "\t" ? char : " ".repeat(widthOf(char)))).join("");
  return { text, indent };
}

function shown(chars: readonly string[]): string {
  return chars.join("").replace(CONTROL, (char) => (char === "\t" ? char : "\ufffd"));
}

function widthOf(char: string): number {
  if (NO_WIDTH.test(char)) return 0;
  return TWO_WIDE.test(char) ? 2 : 1;
}

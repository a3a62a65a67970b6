/** Where something stands in a text, as an editor shows it. Both count from 1. */
export interface Position {
  readonly line: number;
  /** In code points, so that an emoji or an umlaut is one column. */
  readonly column: number;
}

/** A text with its lines found once. */
export interface Lines {
  at(offset: number): Position;
  /** The line's text without its line end; an empty string past the last line. */
  line(number: number): string;
}

/**
 * Finds the lines of a text. `\n`, `\r\n` and a lone `\r` end one, as they do for PostgreSQL's lexer.
 *
 * @param text the whole text
 * @returns a value that turns an offset (UTF-16 code units) into line and column
 */
export function linesOf(text: string): Lines {
  const starts = [0];
  for (const end of text.matchAll(/\r\n|\n|\r/g)) starts.push(end.index + end[0].length);
  const lineAt = (offset: number): number => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  };
  return {
    at(offset) {
      const index = lineAt(offset);
      return { line: index + 1, column: codePoints(text.slice(starts[index] ?? 0, offset)) + 1 };
    },
    line(number) {
      const start = starts[number - 1];
      return start === undefined ? "" : text.slice(start, starts[number]).replace(/[\r\n]+$/, "");
    },
  };
}

/** How many code points a text has. */
export function codePoints(text: string): number {
  let pairs = 0;
  for (const _ of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) pairs += 1;
  return text.length - pairs;
}

/**
 * Turns a count of code points, which is how PostgreSQL reports the place of an error, into an offset.
 *
 * @param text the text that was parsed
 * @param count code points from its start
 * @returns the offset in UTF-16 code units, at most the length of the text
 */
export function offsetOfCodePoint(text: string, count: number): number {
  let offset = 0;
  for (let seen = 0; seen < count && offset < text.length; seen += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}

/** Turns an offset in UTF-8 bytes, which is how the parse tree counts, into one in UTF-16 code units. */
export function offsetOfByte(text: string, bytes: number): number {
  return Buffer.from(text).subarray(0, bytes).toString().length;
}

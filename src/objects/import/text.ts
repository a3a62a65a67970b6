/** Changing a statement's text by the tokens that PostgreSQL's own scanner finds in it. */
import type { Parser } from "../../schema/parser.js";

/** One token; places count bytes of UTF-8. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A piece of a text that another takes the place of. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A statement's text as tokens. */
export class SqlText {
  readonly tokens: readonly Token[];
  private readonly bytes: Buffer;

  constructor(
    parser: Parser,
    readonly sql: string,
  ) {
    this.bytes = Buffer.from(sql);
    this.tokens = parser
      .scan(sql)
      .tokens.map(({ start, end }) => ({ start, end, text: this.slice(start, end) }));
  }

  slice(start: number, end: number = this.bytes.length): string {
    return this.bytes.toString("utf8", start, end);
  }

  /** The token that begins at a place; undefined where none does. */
  tokenAt(start: number): Token | undefined {
    return this.tokens.find((token) => token.start === start);
  }

  /** The text with some pieces replaced; the pieces do not overlap. */
  with(edits: readonly Edit[]): string {
    let text = "";
    let at = 0;
    for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
      text += this.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return text + this.slice(at);
  }

  /**
   * The parentheses that open first at or after a token.
   *
   * @returns null where there are none
   */
  parentheses(from = 0): Parentheses | null {
    const open = this.tokens.findIndex(({ text }, index) => index >= from && text === "(");
    if (open < 0) return null;
    const commas: number[] = [];
    let depth = 0;
    for (let index = open; index < this.tokens.length; index++) {
      const { text = "" } = this.tokens[index] ?? {};
      if (text === "(" || text === "[") depth += 1;
      else if (text === ")" || text === "]") depth -= 1;
      else if (text === "," && depth === 1) commas.push(index);
      if (depth === 0) return this.parts(open, commas, index);
    }
    return null;
  }

  private parts(open: number, commas: readonly number[], close: number): Parentheses | null {
    const [first, last] = [this.tokens[open], this.tokens[close]];
    if (first === undefined || last === undefined) return null;
    const ends = [...commas, close].map((index) => this.tokens[index]?.start ?? last.start);
    const starts = [first.end, ...commas.map((index) => this.tokens[index]?.end ?? first.end)];
    const elements = starts.map((start, index) => this.slice(start, ends[index]).trim());
    return {
      start: first.start,
      end: last.end,
      lastToken: close,
      elements: elements.length === 1 && elements[0] === "" ? [] : elements,
    };
  }
}

/** A list in parentheses. */
export interface Parentheses {
  readonly start: number;
  readonly end: number;
  /** The number of the token that closes them. */
  readonly lastToken: number;
  /** What stands between the commas. */
  readonly elements: readonly string[];
}

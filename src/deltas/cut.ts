/**
 * Cuts a script into statements without parsing it, so that each can be given to PostgreSQL's parser on its
 * own: one broken statement then hides no other, and a large file needs no large parse tree.
 *
 * It follows the rules by which psql finds the end of a statement: strings, quoted names, dollar quotes and
 * comments are skipped whole, a semicolon inside the body of a `BEGIN ATOMIC` function or inside the
 * parentheses of a rule ends nothing.
 */

/** One statement with its semicolon. Offsets are UTF-16 code units of the whole text. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  /** The text from `start` to `end`, with lines that are no SQL blanked out: offsets still hold. */
  readonly sql: string;
}

/** A line that psql or old wovtools would understand and a server does not. */
export interface ForeignLine {
  readonly kind: "meta-command" | "hash";
  readonly offset: number;
  readonly text: string;
}

export interface Cut {
  readonly pieces: readonly Piece[];
  readonly foreign: readonly ForeignLine[];
}

const LINE = /[^\r\n]*/y;
const NOT_SPACE = /[^ \t\r\n\f\v]/g;
/**
 * The next thing that may end a statement, or that hides what would; numbers and operators do neither. A byte over
 * 127 may stand in a name, so PostgreSQL's lexer takes every such character for a letter.
 */
const TELLING =
  /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|--|\/\*|['"\\#;()]/g;
/** A string goes on in the next line when only white space with a line end lies between. */
const CONTINUED = /[ \t\f\v]*[\r\n][ \t\r\n\f\v]*'/y;
const COMMENT_MARK = /\/\*|\*\//g;
const END_OF_COPY_DATA = /^\\\.[ \t]*\r?$/gm;

function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}

/** The offset after the next `mark`, or the end of the text: what is never closed runs to the end. */
function after(text: string, mark: string, offset: number): number {
  const found = text.indexOf(mark, offset);
  return found < 0 ? text.length : found + mark.length;
}

function endOfEscapeString(text: string, open: number): number {
  let offset = open + 1;
  while (offset < text.length) {
    const char = text[offset];
    if (char === "\\") offset += 2;
    else if (char !== "'") offset += 1;
    else if (text[offset + 1] === "'") offset += 2;
    else {
      const gap = matchAt(CONTINUED, text, offset + 1);
      if (gap === undefined) return offset + 1;
      offset += 1 + gap.length;
    }
  }
  return text.length;
}

/** @returns the offset after the comment that a token begins, or undefined where it begins none or is never closed */
function endOfComment(text: string, open: number, token: string): number | undefined {
  if (token === "--") return open + (matchAt(LINE, text, open) ?? "").length;
  if (token !== "/*") return undefined;
  let depth = 0;
  COMMENT_MARK.lastIndex = open;
  for (let mark = COMMENT_MARK.exec(text); mark !== null; mark = COMMENT_MARK.exec(text)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return mark.index + 2;
  }
  return undefined;
}

/** What of the statement being read decides where it ends. */
interface Reading {
  /** -1 until its first token is seen. */
  start: number;
  /** Its first four words, in lower case. */
  readonly head: string[];
  previous: string;
  parentheses: number;
  /** How many BEGIN and CASE of a `BEGIN ATOMIC` body are open. */
  blocks: number;
  copiesFromStdin: boolean;
  readonly blanks: { from: number; to: number }[];
}

function beginning(): Reading {
  return {
    start: -1,
    head: [],
    previous: "",
    parentheses: 0,
    blocks: 0,
    copiesFromStdin: false,
    blanks: [],
  };
}

function creates(head: readonly string[], ...kinds: string[]): boolean {
  const [first, second = "", third = "", fourth = ""] = head;
  return first === "create" && kinds.includes(second === "or" && third === "replace" ? fourth : second);
}

function readWord(reading: Reading, text: string): void {
  const word = text.toLowerCase();
  if (reading.blocks > 0) {
    if (word === "begin" || word === "case") reading.blocks += 1;
    else if (word === "end") reading.blocks -= 1;
  } else if (word === "atomic" && reading.previous === "begin") {
    if (creates(reading.head, "function", "procedure")) reading.blocks = 1;
  } else if ((word === "stdin" || word === "stdout") && reading.previous === "from") {
    // PostgreSQL's grammar takes the one for the other.
    reading.copiesFromStdin = reading.head[0] === "copy";
  }
  if (reading.head.length < 4) reading.head.push(word);
  reading.previous = word;
}

function endsHere(reading: Reading): boolean {
  return reading.blocks === 0 && (reading.parentheses <= 0 || !creates(reading.head, "rule"));
}

/** The offset after the data of a `COPY … FROM STDIN`, or `offset` where no `\.` closes any. */
function afterCopyData(text: string, offset: number): number {
  END_OF_COPY_DATA.lastIndex = offset;
  const end = END_OF_COPY_DATA.exec(text);
  return end === null ? offset : end.index + end[0].length;
}

function blanked(text: string, reading: Reading, end: number): string {
  let sql = "";
  let offset = reading.start;
  for (const { from, to } of reading.blanks) {
    sql += text.slice(offset, from) + " ".repeat(to - from);
    offset = to;
  }
  return sql + text.slice(offset, end);
}

/**
 * Cuts a script into statements, and finds the lines in between that are no SQL.
 *
 * @param text a script; what is never closed (a string, a comment) runs to its end
 * @returns the statements and the foreign lines, each in the order of the text
 */
export function cutStatements(text: string): Cut {
  const pieces: Piece[] = [];
  const foreign: ForeignLine[] = [];
  let reading = beginning();
  let offset = 0;

  const finish = (end: number): void => {
    if (reading.start >= 0) pieces.push({ start: reading.start, end, sql: blanked(text, reading, end) });
    const data = reading.copiesFromStdin;
    reading = beginning();
    offset = data ? afterCopyData(text, end) : end;
  };
  const foreignLine = (kind: ForeignLine["kind"]): void => {
    const line = matchAt(LINE, text, offset) ?? "";
    foreign.push({ kind, offset, text: line.trimEnd() });
    if (reading.start >= 0) reading.blanks.push({ from: offset, to: offset + line.length });
    offset += line.length;
    if (kind === "meta-command" && line.startsWith("\\g")) finish(offset);
  };

  while (offset < text.length) {
    TELLING.lastIndex = offset;
    const found = TELLING.exec(text);
    const at = found?.index ?? text.length;
    if (reading.start < 0) reading.start = firstBetween(text, offset, at);
    if (found === null) break;
    const [token] = found;
    const comment = endOfComment(text, at, token);
    offset = at;
    if (comment !== undefined) offset = comment;
    else if (token === "\\") foreignLine("meta-command");
    else if (token === "#" && reading.start < 0) foreignLine("hash");
    else if (token === ";" && endsHere(reading)) finish(at + 1);
    else {
      if (reading.start < 0) reading.start = at;
      offset = readToken(reading, text, at, token);
    }
  }
  finish(text.length);
  return { pieces, foreign };
}

/** The offset of the first character that is no white space, or -1 where there is none before `end`. */
function firstBetween(text: string, start: number, end: number): number {
  NOT_SPACE.lastIndex = start;
  const found = NOT_SPACE.exec(text);
  return found === null || found.index >= end ? -1 : found.index;
}

/** Takes one token into the statement. @returns the offset after it */
function readToken(reading: Reading, text: string, offset: number, token: string): number {
  const end = offset + token.length;
  switch (token.charAt(0)) {
    case "/": // A comment that is never closed; the parser is to say so.
      return text.length;
    case "'":
    case '"':
    case "$":
      return after(text, token, end);
    case "(":
      reading.parentheses += 1;
      return end;
    case ")":
      reading.parentheses -= 1;
      return end;
    case "#":
    case ";":
      return end;
  }
  if ((token === "e" || token === "E") && text[end] === "'") return endOfEscapeString(text, end);
  readWord(reading, token);
  return end;
}

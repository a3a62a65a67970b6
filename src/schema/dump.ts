/**
 * Cuts a dump into its entries, by the headings that pg_dump writes over each of them:
 *
 *     --
 *     -- Name: orders; Type: TABLE; Schema: shop; Owner: postgres
 *     --
 *
 * The same lines inside a function's body or a string are text like any other.
 */

/** One entry of pg_dump's table of contents. */
export interface Entry {
  /** pg_dump's tag, e.g. `orders`, `add(integer, integer)`, `TABLE orders`. Empty for SQL without headings. */
  readonly name: string;
  /** e.g. `TABLE`, `FK CONSTRAINT`, `ACL`. Empty for SQL without headings. */
  readonly type: string;
  readonly schema: string | null;
  readonly owner: string | null;
  /** The SQL under the heading, trimmed. */
  readonly sql: string;
  /** `default_tablespace` at that place; empty is the database's own. */
  readonly tablespace: string;
  /** `default_table_access_method` at that place. */
  readonly accessMethod: string;
}

export interface Dump {
  /** Major version of the server it was read from; null when the text does not say. */
  readonly server: number | null;
  /** Major version of the pg_dump that wrote it; null when the text does not say, as an archived one does not. */
  readonly program: number | null;
  readonly entries: readonly Entry[];
}

const HEADING =
  /\n--\n-- (?:Data for )?Name: ([^\n]*); Type: ([^\n;]*); Schema: ([^\n]*); Owner: ?([^\n;]*)(?:; Tablespace: [^\n]*)?\n--\n/g;
/** Where text begins that is not SQL: strings, quoted names, dollar quotes and comments. */
const OPENING = /'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|--|\/\*/g;
const NAME_CHARACTER = /[\w$\u0080-\uffff]/;
const STATE = `\\nSET (default_tablespace|default_table_access_method) = ('[^']*'|"(?:[^"]|"")+"|[\\w$]*);`;
const STATE_LINE = new RegExp(STATE, "g");
const LAST_STATE = new RegExp(`${STATE}\\s*$`);
const SERVER_VERSION = /^-- Dumped from database version (\d+)/m;
const PROGRAM_VERSION = /^-- Dumped by pg_dump version (\d+)/m;
/** What stands before the first entry: settings of the session and comments, none of it schema. */
const PREAMBLE =
  /^(?:\s+|--[^\n]*(?:\n|$)|\\(?:un)?restrict [^\n]*(?:\n|$)|SET \w+ (?:=|TO) [^\n;]*;|SELECT pg_catalog\.set_config\('search_path', '', false\);)*/;
const EPILOGUE = /\n(?:--\n-- PostgreSQL database dump complete\n--\s*|\\unrestrict [^\n]*\s*)+$/;

/**
 * Cuts a dump into entries.
 *
 * @param text what `pg_dump --schema-only` wrote, or any SQL: what has no headings becomes one entry
 */
export function readDump(text: string): Dump {
  const reader = new DumpReader();
  reader.add(text);
  return reader.end();
}

/** Cuts a dump into entries while it comes. */
export class DumpReader {
  readonly #pieces: string[] = [];
  readonly #entries: Entry[] = [];
  readonly #state: State = { tablespace: "", accessMethod: "heap" };
  /** What stands before the first heading, when that has come. */
  #opening: string | null = null;
  /** The last heading and what has come of the text under it; before there is one, all that has come. */
  #rest = "\n";

  /** @param piece the next part of the text */
  add(piece: string): void {
    this.#pieces.push(piece);
    const text = this.#rest + piece;
    const headings = headingsIn(text);
    for (const [index, heading] of headings.entries()) {
      if (this.#opening === null) this.#open(text.slice(0, heading.index));
      const next = headings[index + 1]?.index;
      if (next !== undefined) this.#addEntry(heading, text.slice(heading.index + heading[0].length, next));
    }
    this.#rest = text.slice(headings.at(-1)?.index ?? 0);
  }

  end(): Dump {
    const unified = withUnixLines(this.#pieces);
    if (unified !== null) return readDump(unified);
    const [last] = headingsIn(this.#rest);
    if (last === undefined) this.#open(this.#rest);
    else this.#addEntry(last, this.#rest.slice(last[0].length).replace(EPILOGUE, "\n"));
    const opening = this.#opening ?? "";
    return {
      server: versionIn(opening, SERVER_VERSION),
      program: versionIn(opening, PROGRAM_VERSION),
      entries: this.#entries,
    };
  }

  #open(opening: string): void {
    this.#opening = opening;
    const preamble = PREAMBLE.exec(opening)?.[0] ?? "";
    const loose = opening.slice(preamble.length).replace(EPILOGUE, "\n").trim();
    if (loose !== "")
      this.#entries.push({ name: "", type: "", schema: null, owner: null, sql: loose, ...this.#state });
    for (const found of preamble.matchAll(STATE_LINE)) applyState(this.#state, found);
  }

  #addEntry([, name = "", type = "", schema = "", owner = ""]: RegExpExecArray, body: string): void {
    const { sql, changes } = withoutState(body);
    this.#entries.push({ name, type, schema: orNull(schema), owner: orNull(owner), sql, ...this.#state });
    for (const found of changes) applyState(this.#state, found);
  }
}

/** Whether a text has headings of pg_dump's; what looks like one inside a string, a body or a comment is none. */
export function isDump(text: string): boolean {
  return headingsIn(`\n${withUnixLines([text]) ?? text}`).length > 0;
}

/** A checkout may have turned every line end of a file into two characters. @returns null where none has */
function withUnixLines(pieces: readonly string[]): string | null {
  if (!pieces.some((piece) => piece.includes("\r"))) return null;
  const text = pieces.join("");
  return text.includes("\r\n--\r\n-- Name: ") ? text.replaceAll("\r\n", "\n") : null;
}

interface State {
  tablespace: string;
  accessMethod: string;
}

function orNull(word: string): string | null {
  return word === "" || word === "-" ? null : word;
}

function applyState(state: State, [, setting, value = ""]: RegExpMatchArray): void {
  if (setting === "default_tablespace") state.tablespace = value === "''" ? "" : value;
  else state.accessMethod = value;
}

/** pg_dump changes these settings above the heading of the entry that they are for, so below the one before it. */
function withoutState(body: string): { sql: string; changes: RegExpMatchArray[] } {
  const changes: RegExpMatchArray[] = [];
  let sql = body;
  for (let found = LAST_STATE.exec(sql); found !== null; found = LAST_STATE.exec(sql)) {
    changes.unshift(found);
    sql = sql.slice(0, found.index);
  }
  return { sql: sql.trim(), changes };
}

function versionIn(opening: string, pattern: RegExp): number | null {
  const found = pattern.exec(opening)?.[1];
  return found === undefined ? null : Number(found);
}

/** The headings that stand in SQL and not in a string, a name or a comment. */
function headingsIn(text: string): RegExpExecArray[] {
  const headings: RegExpExecArray[] = [];
  let offset = 0;
  for (const heading of text.matchAll(HEADING)) {
    if (heading.index < offset) continue;
    offset = endOfQuotes(text, offset, heading.index);
    if (offset > heading.index) continue;
    headings.push(heading);
    offset = heading.index + heading[0].length;
  }
  return headings;
}

/** Skips all quoted text that begins before `limit`; the result is past `limit` when the last of it ends there. */
function endOfQuotes(text: string, from: number, limit: number): number {
  OPENING.lastIndex = from;
  for (let found = OPENING.exec(text); found !== null && found.index < limit; found = OPENING.exec(text)) {
    const end = endOfQuoted(text, found.index, found[0]);
    if (end > limit) return end;
    OPENING.lastIndex = end;
  }
  return limit;
}

function endOfQuoted(text: string, open: number, mark: string): number {
  if (mark === "'") return endOfString(text, open);
  if (mark === '"') return after(text, '"', open + 1);
  if (mark === "--") return after(text, "\n", open) - 1;
  if (mark === "/*") return after(text, "*/", open);
  if (NAME_CHARACTER.test(text[open - 1] ?? "")) return open + 1;
  return after(text, mark, open + mark.length);
}

/** In a plain string a doubled quote needs no care: the second one opens a string again. */
function endOfString(text: string, open: number): number {
  const escapes = /[eE]/.test(text[open - 1] ?? "") && !NAME_CHARACTER.test(text[open - 2] ?? "");
  if (!escapes) return after(text, "'", open + 1);
  let offset = open + 1;
  while (offset < text.length) {
    if (text[offset] === "\\") offset += 2;
    else if (text[offset] !== "'") offset += 1;
    else if (text[offset + 1] === "'") offset += 2;
    else return offset + 1;
  }
  return text.length;
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}

/** What in a statement could be another word: names, and the text of a comment. */
import type { Entry } from "../dump.js";
import { NAMES_WITH_A_MEANING } from "../rules/functions.js";

/** The statements of which a large schema has thousands. */
const FREQUENT =
  /^(?:ALTER SEQUENCE|ALTER TABLE|COMMENT ON|CREATE (?:UNIQUE )?INDEX|CREATE (?:SEQUENCE|TABLE|VIEW)) /;
/** Text that may be something else than what it looks like: quoted names, escapes, bodies of functions. */
const NOT_PLAIN = /["\\$]|__wov|zzwov/;
const QUALIFIED = /(?<![\w.])([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)(?:\.([a-z_][a-z0-9_]*))?(?![\w.])/g;
const INTRODUCED = /\b(?:CONSTRAINT|INDEX) ([a-z_][a-z0-9_]*)(?= )/g;
/** The text of a comment that reads the same in SQL, in JSON and plain. */
const COMMENTED = /(?<= IS ')[^'\p{Cc}\p{Cs}]+(?=';$)/u;
const COMMENT_TEXT = /^[^'\p{Cc}\p{Cs}]+$/u;
const NAME = /[a-z_][a-z0-9_]*(?!\w)/y;
/** What stands before a dot there is the server's own, or no schema: `toast.autovacuum_enabled`. */
const NO_SCHEMA_OF_OURS: ReadonlySet<string> = new Set(["pg_catalog", "toast"]);
/** Names that are replaced nowhere, or not everywhere. */
const IS_IN_DOUBT: ReadonlySet<string> = new Set([...NO_SCHEMA_OF_OURS, ...NAMES_WITH_A_MEANING]);
/** PostgreSQL cuts a name that is longer, and would not cut the one that stands in for it. */
const LONGEST_NAME = 63;

/** A name to stand in for the one of that number. */
export type StandIn = (number: number) => string;
/** These sort before every usual name, in the order of their numbers. */
export const first: StandIn = (number) => `__wov${100_000 + number}_`;
/** These sort after every usual name, in the opposite order. */
export const last: StandIn = (number) => `zzwov${999_999 - number}_`;
const STAND_IN = /((?:__|zz)wov\d+_)/;

/** An entry, and what in it could be something else: names, then the text of a comment. */
export interface Variant {
  readonly entry: Entry;
  /** Where it stands among the entries. */
  readonly place: number;
  readonly words: readonly string[];
}

/** What in a statement could be something else, in the order in which it stands there; nothing where in doubt. */
export function replaceableWords({ type, sql }: Entry): string[] {
  if (!FREQUENT.test(sql) || NOT_PLAIN.test(sql)) return [];
  const comment = type === "COMMENT" ? COMMENTED.exec(sql) : null;
  const text = sql.slice(0, comment?.index);
  const names = new Set<string>();
  for (const [, schema = "", ...others] of text.matchAll(QUALIFIED)) {
    if (NO_SCHEMA_OF_OURS.has(schema)) continue;
    for (const name of [schema, ...others]) if (name !== undefined) names.add(name);
  }
  for (const [, name = ""] of text.matchAll(INTRODUCED)) names.add(name);
  for (const name of NAMES_WITH_A_MEANING) names.delete(name);
  if ([...names].some((name) => name.length > LONGEST_NAME)) return [];
  return names.size === 0 ? [] : [...names, ...(comment ?? [])];
}

/** The entry with other words. */
export function withStandIns(variant: Variant, standIn: StandIn): Entry {
  return { ...variant.entry, sql: sqlWith(variant, standIn) };
}

/** An entry's SQL with other words, each of them wherever it stands. */
export function sqlWith({ entry: { type, sql }, words }: Variant, standIn: StandIn): string {
  const comment = type === "COMMENT" ? COMMENTED.exec(sql) : null;
  if (comment === null) return withNames(sql, words, standIn);
  const names = words.slice(0, -1);
  const behind = sql.slice(comment.index + comment[0].length);
  return withNames(sql.slice(0, comment.index), names, standIn) + standIn(names.length) + behind;
}

/** The text with each of the names replaced where it is a word of its own. */
function withNames(text: string, names: readonly string[], standIn: StandIn): string {
  const places = names.map((name) => wordAt(text, name, 0));
  let replaced = "";
  let end = 0;
  for (;;) {
    let next = 0;
    for (let other = 1; other < places.length; other++)
      if ((places[other] ?? Infinity) < (places[next] ?? Infinity)) next = other;
    const at = places[next] ?? Infinity;
    if (at === Infinity) return replaced + text.slice(end);
    const name = names[next] ?? "";
    replaced += text.slice(end, at) + standIn(next);
    end = at + name.length;
    places[next] = wordAt(text, name, end);
  }
}

/** Where a word stands next; infinity where it does not. */
function wordAt(text: string, word: string, from: number): number {
  for (let at = text.indexOf(word, from); at >= 0; at = text.indexOf(word, at + word.length))
    if (!isOfWord(text.charCodeAt(at - 1)) && !isOfWord(text.charCodeAt(at + word.length))) return at;
  return Infinity;
}

/** Whether a name goes on with a character: `[A-Za-z0-9_]`. */
function isOfWord(code: number): boolean {
  return (
    (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
  );
}

/** A text with places for words: pieces of it, and the numbers of the words between them. */
export type Pieces = readonly (string | number)[];

/** @param text in which stand-ins stand for the words of these numbers */
export function piecesOf(text: string, count: number, standIn: StandIn): Pieces {
  const numbers = new Map(Array.from({ length: count }, (_, number) => [standIn(number), number]));
  const pieces = text.split(STAND_IN).filter((piece) => piece !== "");
  return pieces.map((piece) => numbers.get(piece) ?? piece);
}

/** Recognises the entries that are alike, by their text with the words left open, sooner than by looking for words. */
export class Pattern {
  readonly #pieces: Pieces;
  /** The number of the word that is a comment's text. */
  readonly #comment: number | null;
  /** What else stands in the text: a name like that would have to be replaced there too. */
  readonly #others: ReadonlySet<string>;
  readonly #count: number;

  constructor(variant: Variant) {
    const { entry, words } = variant;
    this.#count = words.length;
    this.#pieces = piecesOf(sqlWith(variant, first), words.length, first);
    this.#comment = entry.type === "COMMENT" && COMMENTED.test(entry.sql) ? words.length - 1 : null;
    const texts = this.#pieces.filter((piece) => typeof piece === "string");
    this.#others = new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []));
  }

  /** @returns what {@link replaceableWords} finds in SQL that is alike; null where it is not, or that is in doubt */
  wordsOf(sql: string): string[] | null {
    const words = Array<string>(this.#count).fill("");
    let at = 0;
    for (const piece of this.#pieces) {
      const text = typeof piece === "string" ? piece : words[piece] || this.#newWord(sql, at, piece, words);
      if (text === "" || !sql.startsWith(text, at)) return null;
      if (typeof piece === "number") words[piece] = text;
      at += text.length;
    }
    return at === sql.length ? words : null;
  }

  /** The word at a place; empty where it cannot be the one of that number. */
  #newWord(sql: string, at: number, number: number, others: readonly string[]): string {
    if (number === this.#comment) {
      const text = sql.slice(at, -"';".length);
      return COMMENT_TEXT.test(text) && !NOT_PLAIN.test(text) ? text : "";
    }
    const name = nameAt(sql, at);
    return this.#others.has(name) || others.includes(name) || IS_IN_DOUBT.has(name) ? "" : name;
  }
}

/** The name at a place; empty where there is none, or one that is not replaced. */
function nameAt(text: string, from: number): string {
  NAME.lastIndex = from;
  const [name = ""] = NAME.exec(text) ?? [];
  return name.length > LONGEST_NAME || name.includes("wov") ? "" : name;
}

/**
 * Entries that are alike but for the names in them, as in a schema of which every tenant has a copy: the parser reads
 * one of them, and the others say the same with other names.
 */
import { isDeepStrictEqual } from "node:util";
import type { Entry } from "../dump.js";
import { NAMES_WITH_A_MEANING } from "../rules/functions.js";
import type { EntryReading } from "./batch.js";
import type { Address, Fragment } from "./fragment.js";

/** Fewer entries than this are parsed sooner than compared, since one of them is parsed three times. */
const WORTH_COMPARING = 8;

/** The statements of which a large schema has thousands. */
const FREQUENT =
  /^(?:ALTER SEQUENCE|ALTER TABLE|COMMENT ON|CREATE (?:UNIQUE )?INDEX|CREATE (?:SEQUENCE|TABLE|VIEW)) /;
/** Text that may be something else than what it looks like: quoted names, escapes, bodies of functions. */
const NOT_PLAIN = /["\\$]|__wov|zzwov/;
const QUALIFIED = /(?<![\w.])([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)(?:\.([a-z_][a-z0-9_]*))?(?![\w.])/g;
const INTRODUCED = /\b(?:CONSTRAINT|INDEX) ([a-z_][a-z0-9_]*)(?= )/g;
/** The text of a comment that reads the same in SQL, in JSON and plain. */
const COMMENTED = /(?<= IS ')[^'\p{Cc}\p{Cs}]+(?=';$)/u;
/** What stands before a dot there is the server's own, or no schema: `toast.autovacuum_enabled`. */
const NO_SCHEMA_OF_OURS: ReadonlySet<string> = new Set(["pg_catalog", "toast"]);
/** PostgreSQL cuts a name that is longer, and would not cut the one that stands in for it. */
const LONGEST_NAME = 63;

/** A name to stand in for the one of that number. */
type StandIn = (number: number) => string;
/** These sort before every usual name, in the order of their numbers. */
const first: StandIn = (number) => `__wov${100_000 + number}_`;
/** These sort after every usual name, in the opposite order. */
const last: StandIn = (number) => `zzwov${999_999 - number}_`;
const STAND_IN = /((?:__|zz)wov\d+_)/;

/** An entry, and what in it could be something else: names, then the text of a comment. */
interface Variant {
  readonly entry: Entry;
  readonly words: readonly string[];
}

/** What was made of a part of a template last, and for which entry. */
interface Made<T> {
  last: T;
  of: Variant | null;
}

/** Two or more entries that are alike. */
type Group = readonly [sample: Variant, ...others: Variant[]];

/**
 * Reads entries, and of those that are alike only one.
 *
 * What a statement says does not depend on how the tables, columns and constraints in it are called, but for a few
 * names that the rules know. That is not taken on trust: the first entry of a group is read as it is, and with two
 * sets of names that sort in opposite ways. When both of these, with the entry's own names put back, say what the
 * entry says, the rest of the group is made from them, else it is read like any other.
 *
 * @param read reads each of the entries that it is given by the parser
 * @returns what each of them says, in their order
 */
export function readAlike(
  entries: readonly Entry[],
  read: (entries: readonly Entry[]) => readonly EntryReading[],
): EntryReading[] {
  const groups = groupsOf(entries).map((group) => ({
    group,
    low: withStandIns(group[0], first),
    high: withStandIns(group[0], last),
  }));
  const spared = new Set(groups.flatMap(({ group: [, ...others] }) => others.map(({ entry }) => entry)));
  const parsed = entries.filter((entry) => !spared.has(entry));
  const samples = groups.flatMap(({ low, high }) => [low, high]);
  const readings = new Map(read([...parsed, ...samples]).map((reading) => [reading.entry, reading]));
  const unlike: Entry[] = [];
  for (const { group, low, high } of groups) {
    const [sample, ...others] = group;
    const template = templateOf(readings.get(low), sample, first);
    const opposite = templateOf(readings.get(high), sample, last);
    const own = readings.get(sample.entry);
    const isRight = isDeepStrictEqual(template(sample), own) && isDeepStrictEqual(opposite(sample), own);
    for (const other of others) {
      if (isRight) readings.set(other.entry, template(other));
      else unlike.push(other.entry);
    }
  }
  for (const reading of read(unlike)) readings.set(reading.entry, reading);
  return entries.flatMap((entry) => readings.get(entry) ?? []);
}

function groupsOf(entries: readonly Entry[]): Group[] {
  const groups = new Map<string, [Variant, ...Variant[]]>();
  for (const entry of entries) {
    const words = replaceableWords(entry);
    if (words.length === 0) continue;
    const variant = { entry, words };
    const { type, tablespace, accessMethod } = entry;
    const key = [type, tablespace, accessMethod, sqlWith(variant, first)].join("\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [variant]);
    else group.push(variant);
  }
  return [...groups.values()].filter((group) => group.length >= WORTH_COMPARING);
}

/** What in a statement could be something else, in the order in which it stands there; nothing where in doubt. */
function replaceableWords({ type, sql }: Entry): string[] {
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
function withStandIns(variant: Variant, standIn: StandIn): Entry {
  return { ...variant.entry, sql: sqlWith(variant, standIn) };
}

/** An entry's SQL with other words, each of them wherever it stands. */
function sqlWith({ entry: { type, sql }, words }: Variant, standIn: StandIn): string {
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

/** Makes, from what a sample says with stand-ins, what another entry says that is alike. */
function templateOf(
  reading: EntryReading | undefined,
  { words }: Variant,
  standIn: StandIn,
): (other: Variant) => EntryReading {
  const numbers = new Map(words.map((_, number) => [standIn(number), number]));
  const texts = new Map<string, Made<string> & { readonly pieces: readonly (string | number)[] }>();
  const addresses = new Map<Address, Made<Address>>();
  const { said = [], warnings = [], onPublic = [] } = reading ?? {};
  return (other) => {
    // Most texts are there several times, as that of the statement is with each of its parts.
    const filled = (text: string) => {
      let made = texts.get(text);
      if (made === undefined) {
        made = {
          pieces: text.split(STAND_IN).map((piece) => numbers.get(piece) ?? piece),
          last: text,
          of: null,
        };
        texts.set(text, made);
      }
      if (made.of !== other && made.pieces.length > 1) made.last = joined(made.pieces, other.words);
      made.of = other;
      return made.last;
    };
    // Fragments of one statement share their address.
    const addressed = (address: Address) => {
      let made = addresses.get(address);
      if (made?.of !== other) {
        made = { last: addressWith(address, filled), of: other };
        addresses.set(address, made);
      }
      return made.last;
    };
    return {
      entry: other.entry,
      said: said.map(({ sql, fragments }) => ({
        sql: filled(sql),
        fragments: fragments.map((fragment) => fragmentWith(fragment, filled, addressed)),
      })),
      warnings: warnings.map(filled),
      onPublic: [...onPublic],
    };
  };
}

function joined(pieces: readonly (string | number)[], words: readonly string[]): string {
  let text = "";
  for (const piece of pieces) text += typeof piece === "number" ? words[piece] : piece;
  return text;
}

function fragmentWith(
  fragment: Fragment,
  filled: (text: string) => string,
  addressed: (address: Address) => Address,
): Fragment {
  const { of, part, canonical, text, alias, about, parents } = fragment;
  return {
    ...fragment,
    of: addressed(of),
    part: filled(part),
    canonical: filled(canonical),
    text: filled(text),
    ...(alias === undefined ? {} : { alias: addressed(alias) }),
    ...(about === undefined ? {} : { about: tableWith(about, filled) }),
    ...(parents === undefined ? {} : { parents: parents.map(addressed) }),
  };
}

function addressWith(address: Address, filled: (text: string) => string): Address {
  const { schema, name, table } = address;
  return {
    ...address,
    schema: schema === null ? null : filled(schema),
    name: filled(name),
    ...(table === undefined ? {} : { table: tableWith(table, filled) }),
  };
}

function tableWith({ schema, name }: { schema: string; name: string }, filled: (text: string) => string) {
  return { schema: filled(schema), name: filled(name) };
}

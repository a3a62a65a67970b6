/**
 * Entries that are alike but for the names in them, as in a schema of which every tenant has a copy: the parser reads
 * one of them, and the others say the same with other names.
 */
import { isDeepStrictEqual } from "node:util";
import type { Entry } from "../dump.js";
import type { EntryReading } from "./batch.js";
import {
  first,
  last,
  Pattern,
  replaceableWords,
  sqlWith,
  type Variant,
  withStandIns,
} from "./replaceable.js";
import { templateOf } from "./template.js";

/** Fewer entries than this are parsed sooner than compared, since one of them is parsed three times. */
const WORTH_COMPARING = 8;

/** Two or more entries that are alike. */
type Group = readonly [sample: Variant, ...others: Variant[]];

type GrowingGroup = [Variant, ...Variant[]];

/** A group that got one more lately. */
interface Recent {
  readonly group: GrowingGroup;
  readonly pattern: Pattern;
}

/** How many groups of a kind an entry is held against before it is looked through for words. */
const MOST_RECENT = 8;

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
  const spared = new Set(groups.flatMap(({ group: [, ...others] }) => others.map(({ place }) => place)));
  const parsed = entries.filter((_, place) => !spared.has(place));
  const samples = groups.flatMap(({ low, high }) => [low, high]);
  const readingOf = new Map(read([...parsed, ...samples]).map((reading) => [reading.entry, reading]));
  const readings = entries.map((entry) => readingOf.get(entry));
  const unlike: Variant[] = [];
  for (const { group, low, high } of groups) {
    const [sample, ...others] = group;
    const template = templateOf(readingOf.get(low), sample.words.length, first);
    const opposite = templateOf(readingOf.get(high), sample.words.length, last);
    const own = readingOf.get(sample.entry);
    const isRight = isDeepStrictEqual(template(sample), own) && isDeepStrictEqual(opposite(sample), own);
    for (const other of others) {
      if (isRight) readings[other.place] = template(other);
      else unlike.push(other);
    }
  }
  const readApart = read(unlike.map(({ entry }) => entry));
  for (const [index, { place }] of unlike.entries()) readings[place] = readApart[index];
  return readings.filter((reading) => reading !== undefined);
}

function groupsOf(entries: readonly Entry[]): Group[] {
  const groups = new Map<string, GrowingGroup>();
  const recent = new Map<string, Recent[]>();
  for (const [place, entry] of entries.entries()) {
    const { type, tablespace, accessMethod } = entry;
    const kind = [type, tablespace, accessMethod].join("\0");
    const recentOfKind = recent.get(kind) ?? [];
    if (isOfRecent(entry, place, recentOfKind)) continue;
    const words = replaceableWords(entry);
    if (words.length === 0) continue;
    const variant = { entry, place, words };
    const key = `${kind}\0${sqlWith(variant, first)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [variant]);
    else {
      group.push(variant);
      const others = recentOfKind.filter((candidate) => candidate.group !== group);
      recent.set(kind, [{ group, pattern: new Pattern(variant) }, ...others].slice(0, MOST_RECENT));
    }
  }
  return [...groups.values()].filter((group) => group.length >= WORTH_COMPARING);
}

/** Puts an entry into one of the groups, if it is one more of them. */
function isOfRecent(entry: Entry, place: number, recent: Recent[]): boolean {
  for (const candidate of recent) {
    const words = candidate.pattern.wordsOf(entry.sql);
    if (words === null) continue;
    candidate.group.push({ entry, place, words });
    if (candidate !== recent[0]) recent.unshift(...recent.splice(recent.indexOf(candidate), 1));
    return true;
  }
  return false;
}

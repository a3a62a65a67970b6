/**
 * What of a large schema a difference is about: the entries of the dumps that differ, what speaks of what they make,
 * and what all of these need. It goes by names, so it may hold too much. Pure.
 */
import type { Dump, Entry } from "../../schema/dump.js";
import { EntryWeb, kindOf, wordsIn } from "./entry-web.js";

/** What comes close to all of a schema is no less work than all of it. */
const LARGEST_SHARE = 0.5;

/** A part of two schemas. What it leaves away is the same in both. */
export interface Neighbourhood {
  readonly from: Dump;
  readonly to: Dump;
  /**
   * Whether what is left away can neither be changed by what changes within nor hinder it, as far as statements go
   * that do nothing but what they say: see `sayAllTheyDo`.
   */
  readonly isClosed: boolean;
}

/**
 * Finds the neighbourhood of the difference of two schemas.
 *
 * @param others SQL that is run besides: the relations that it speaks of count as changed
 * @returns null where it is about the better part of them
 */
export function neighbourhoodOf(from: Dump, to: Dump, others: string): Neighbourhood | null {
  const [old, now] = [byKey(from), byKey(to)];
  const gone = [...old].flatMap(([key, entry]) => (now.has(key) ? [] : [entry]));
  const come = [...now].flatMap(([key, entry]) => (old.has(key) ? [] : [entry]));
  const all = [...now.values(), ...gone];
  const search = new Search(new EntryWeb(all));
  const kept = search.find([...gone, ...come], wordsIn(others));
  if (kept.size > all.length * LARGEST_SHARE) return null;
  const keys = new Set([...kept].map(keyOf));
  const part = (dump: Dump) => ({ ...dump, entries: dump.entries.filter((entry) => keys.has(keyOf(entry))) });
  const isPrintedAlike = from.server !== null && from.server === to.server;
  const isClosed = isPrintedAlike && search.isClosed && !all.some(actsUnasked);
  return { from: part(from), to: part(to), isClosed };
}

function byKey({ entries }: Dump): Map<string, Entry> {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

function keyOf({ type, schema, name, sql, tablespace, accessMethod }: Entry): string {
  return [type, schema, name, tablespace, accessMethod, sql].join("\0");
}

/** Is run with each statement, whatever that is about; or nobody knows what it is. */
function actsUnasked({ type }: Entry): boolean {
  return type === "EVENT TRIGGER" || type === "";
}

/** Ways of using these show no name: an array of a type is a type too, and so is a multirange. */
const USED_UNNAMED: ReadonlySet<string> = new Set(["TYPE", "DOMAIN"]);

class Search {
  isClosed = true;
  readonly #kept = new Set<Entry>();
  readonly #changed = new Set<Entry>();
  readonly #waiting: Entry[] = [];

  constructor(private readonly web: EntryWeb) {}

  find(differing: readonly Entry[], words: ReadonlySet<string>): ReadonlySet<Entry> {
    for (const entry of differing) this.#change(entry);
    const spoken = this.web.makersOf(words);
    for (const entry of spoken) if (kindOf(entry) !== "named") this.#change(entry);
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      for (const speaker of this.web.speakersOf(next)) this.#follow(speaker);
    }
    const silent = this.web.entries.filter((entry) => kindOf(entry) === "silent");
    this.#addNeeds([...this.#kept, ...spoken, ...silent]);
    return this.#kept;
  }

  /** It changes, or is bound to something that does. */
  #change(entry: Entry): void {
    if (this.#changed.has(entry)) return;
    this.#changed.add(entry);
    this.#kept.add(entry);
    const kind = kindOf(entry);
    if (kind === "silent" || USED_UNNAMED.has(entry.type)) this.isClosed = false;
    if (kind === "relation" || kind === "named") this.#waiting.push(entry);
    else if (kind !== "silent") {
      this.#keepPart(entry);
      for (const whole of this.web.spokenOfBy(entry)) if (kindOf(whole) === "relation") this.#change(whole);
    }
  }

  /** It speaks of what changes. */
  #follow(speaker: Entry): void {
    const kind = kindOf(speaker);
    if (kind === "silent") this.isClosed = false;
    else if (kind === "part") this.#keepPart(speaker);
    else this.#change(speaker);
  }

  /** With what is said of an index or a constraint. */
  #keepPart(part: Entry): void {
    this.#kept.add(part);
    for (const speaker of this.web.speakersOf(part)) {
      if (kindOf(speaker) === "part") this.#kept.add(speaker);
    }
  }

  #addNeeds(begun: readonly Entry[]): void {
    const waiting = [...begun];
    const keep = (entry: Entry) => {
      if (this.#kept.has(entry)) return;
      this.#kept.add(entry);
      waiting.push(entry);
    };
    for (const entry of begun) this.#kept.add(entry);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const needed of this.web.spokenOfBy(next)) keep(needed);
      // Foreign keys and views need the keys of what they speak of.
      if (kindOf(next) !== "relation") continue;
      for (const speaker of this.web.speakersOf(next)) if (speaker.type === "CONSTRAINT") keep(speaker);
    }
  }
}

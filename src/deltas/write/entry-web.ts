/** Which entries of dumps make what, and which speak of it. It goes by words, so it may find too much. Pure. */
import type { Entry } from "../../schema/dump.js";

/** What rows, columns and queries are about. */
const RELATIONS: ReadonlySet<string> = new Set([
  "TABLE",
  "VIEW",
  "MATERIALIZED VIEW",
  "FOREIGN TABLE",
  "SEQUENCE",
]);
/** What else has a name by which everybody speaks of it who needs it. */
const OTHERS: ReadonlySet<string> = new Set(["FUNCTION", "PROCEDURE", "TYPE", "DOMAIN"]);
/** What belongs to one of these. */
const PARTS: ReadonlySet<string> = new Set([
  "ACL",
  "CHECK CONSTRAINT",
  "COMMENT",
  "CONSTRAINT",
  "DEFAULT",
  "FK CONSTRAINT",
  "INDEX",
  "INDEX ATTACH",
  "POLICY",
  "PUBLICATION TABLE",
  "ROW SECURITY",
  "RULE",
  "SECURITY LABEL",
  "SEQUENCE OWNED BY",
  "STATISTICS",
  "TABLE ATTACH",
  "TRIGGER",
]);
/** Parts by which tables become parts of each other, or views what they are. */
const BINDING: ReadonlySet<string> = new Set(["TABLE ATTACH", "RULE"]);

/**
 * - `relation`, `named`: what speaks of it has its name in it
 * - `part`: goes with what it speaks of
 * - `binding`: a part that makes one of all that it speaks of
 * - `silent`: may act without being named, as casts, operators and event triggers do
 */
export type EntryKind = "relation" | "named" | "part" | "binding" | "silent";

export function kindOf({ type }: Entry): EntryKind {
  if (RELATIONS.has(type)) return "relation";
  if (OTHERS.has(type)) return "named";
  if (BINDING.has(type)) return "binding";
  return PARTS.has(type) ? "part" : "silent";
}

const WORD = /"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*/gu;
const CONSTRAINT = /\bADD CONSTRAINT ("(?:[^"]|"")+"|\S+) /;

/** The names in some SQL, as they are stored, and whatever else looks like one. */
export function wordsIn(sql: string): ReadonlySet<string> {
  return new Set((sql.match(WORD) ?? []).map(storedWord));
}

function storedWord(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

/** The name that others use for what an entry makes; null where it has none of its own. */
function nameOf(entry: Entry): string | null {
  const { type, name, sql } = entry;
  if (type === "FUNCTION" || type === "PROCEDURE") return name.slice(0, name.lastIndexOf("("));
  if (RELATIONS.has(type) || OTHERS.has(type) || type === "INDEX" || type === "STATISTICS") return name;
  const constraint = type === "CONSTRAINT" ? CONSTRAINT.exec(sql)?.[1] : undefined;
  return constraint === undefined ? null : storedWord(constraint);
}

export class EntryWeb {
  readonly #makers = new Map<string, Entry[]>();
  readonly #speakers = new Map<string, Entry[]>();
  readonly #names = new Map<Entry, string>();
  readonly #said = new Map<Entry, ReadonlySet<string>>();

  constructor(readonly entries: readonly Entry[]) {
    for (const entry of entries) {
      const name = nameOf(entry);
      if (name === null) continue;
      this.#names.set(entry, name);
      listIn(this.#makers, name).push(entry);
    }
    for (const entry of entries) {
      const said = new Set([...wordsIn(entry.sql)].filter((word) => this.#makers.has(word)));
      this.#said.set(entry, said);
      for (const name of said) listIn(this.#speakers, name).push(entry);
    }
  }

  /** What makes something of one of these names. */
  makersOf(names: Iterable<string>): Entry[] {
    return [...names].flatMap((name) => this.#makers.get(name) ?? []);
  }

  /** What makes something that an entry speaks of, itself included. */
  spokenOfBy(entry: Entry): Entry[] {
    return this.makersOf(this.#said.get(entry) ?? []);
  }

  /** What speaks of what an entry makes, itself included. */
  speakersOf(entry: Entry): readonly Entry[] {
    return this.#speakers.get(this.#names.get(entry) ?? "") ?? [];
  }
}

function listIn(lists: Map<string, Entry[]>, key: string): Entry[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/**
 * What of a large schema a difference is about: the objects that differ, what speaks of them, and what all of these
 * speak of. It is found by words, so it may hold too much; what it lacks shows when it is tried. Pure.
 */
import { diffSchemas, type Schema } from "../../schema/index.js";
import { cutStatements } from "../cut.js";

/** Smaller schemas are taken as they are. */
const MANY_OBJECTS = 50;
/** What comes close to all of a schema is no less work than all of it. */
const LARGEST_SHARE = 0.5;

const WORD = /"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*/gu;
const FOREIGN_KEY = /^ALTER TABLE [^']*? FOREIGN KEY /s;

/** The statements of a schema that are left away. */
export type LeftAway = ReadonlySet<string>;

/** What is said of an object in both schemas. */
interface Told {
  readonly statements: ReadonlySet<string>;
  /** The table that it goes with. */
  readonly parent: string | null;
}

/**
 * @param others SQL that is run besides, whose objects count as changed
 * @returns null where all of the schemas is to be taken
 */
export function statementsAside(from: Schema, to: Schema, others: string): LeftAway | null {
  const told = toldIn([from, to]);
  if (told.size < MANY_OBJECTS) return null;
  const { added, changed, dropped } = diffSchemas(from, to);
  const differing = [...added, ...changed.map(({ after }) => after), ...dropped];
  const names = namesOf([from, to]);
  const begun = [...differing.map(({ id, parent }) => parent ?? id), ...spokenOf(others, names)];
  const whole = withDependents(begun, told, names);
  const needed = withNeeds(whole, told, names);
  if (needed.size > told.size * LARGEST_SHARE) return null;
  const kept = new Set([...needed].flatMap((id) => keptOf(told.get(id), whole.has(id))));
  const all = [...told.values()].flatMap(({ statements }) => [...statements]);
  return new Set(all.filter((statement) => !kept.has(statement)));
}

/** A dump without some statements. */
export function withoutStatements(dump: string, leftAway: LeftAway): string {
  const kept: string[] = [];
  let at = 0;
  for (const { sql, start, end } of cutStatements(dump).pieces) {
    if (!leftAway.has(plain(sql))) continue;
    kept.push(dump.slice(at, start));
    at = end;
  }
  return [...kept, dump.slice(at)].join("");
}

function plain(sql: string): string {
  return sql.replace(/\s*;\s*$/, "").trim();
}

function toldIn(schemas: readonly Schema[]): Map<string, Told> {
  const told = new Map<string, Told>();
  for (const { objects } of schemas) {
    for (const { id, sql, parent } of objects.values()) {
      const own = cutStatements(sql).pieces.map((piece) => plain(piece.sql));
      const statements = new Set([...(told.get(id)?.statements ?? []), ...own]);
      told.set(id, { statements, parent });
    }
  }
  return told;
}

/** Objects by each word that they may be spoken of by. */
function namesOf(schemas: readonly Schema[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const { objects } of schemas) {
    for (const { id, name } of objects.values()) {
      const [word = name] = name.match(WORD) ?? [];
      const key = wordOf(word);
      names.set(key, (names.get(key) ?? new Set()).add(id));
    }
  }
  return names;
}

function wordOf(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

function wordsIn(sql: string): Set<string> {
  return new Set((sql.match(WORD) ?? []).map(wordOf));
}

function spokenOf(sql: string, names: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...wordsIn(sql)].flatMap((word) => [...(names.get(word) ?? [])]);
}

/** What speaks of objects, and what speaks of that; a table that only refers to another passes nothing on. */
function withDependents(
  begun: readonly string[],
  told: ReadonlyMap<string, Told>,
  names: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const dependents = new Map<string, { readonly id: string; readonly passesOn: boolean }[]>();
  for (const [id, { statements }] of told) {
    const [keys, others] = [[...statements].filter(isForeignKey), [...statements].filter(isOther)];
    const spoken = new Set(spokenOf(others.join("\n"), names));
    const referred = spokenOf(keys.join("\n"), names).filter((other) => !spoken.has(other));
    for (const other of [...spoken, ...referred]) {
      const list = dependents.get(other) ?? [];
      list.push({ id, passesOn: spoken.has(other) });
      dependents.set(other, list);
    }
  }
  const found = new Set(begun);
  const waiting = [...begun];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { id, passesOn } of dependents.get(next) ?? []) {
      const whole = told.get(id)?.parent ?? id;
      if (found.has(whole)) continue;
      found.add(whole);
      if (passesOn) waiting.push(whole);
    }
  }
  return found;
}

/** With what objects speak of, and what that needs; tables that are only needed refer to none. */
function withNeeds(
  whole: ReadonlySet<string>,
  told: ReadonlyMap<string, Told>,
  names: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const bound = [...told].filter(([, { parent }]) => parent !== null && whole.has(parent)).map(([id]) => id);
  const found = new Set([...whole, ...bound]);
  const waiting = [...found];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const sql = keptOf(told.get(next), whole.has(next)).join("\n");
    for (const id of spokenOf(sql, names)) {
      if (found.has(id)) continue;
      found.add(id);
      waiting.push(id);
    }
  }
  return found;
}

function keptOf(told: Told | undefined, isWhole: boolean): string[] {
  const statements = [...(told?.statements ?? [])];
  return isWhole ? statements : statements.filter(isOther);
}

function isForeignKey(statement: string): boolean {
  return FOREIGN_KEY.test(statement);
}

function isOther(statement: string): boolean {
  return !isForeignKey(statement);
}

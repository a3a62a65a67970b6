/** What changed from one schema to another, object by object. */
import { diffLines } from "diff";
import type { Schema, SchemaObject, SchemaPart } from "./objects.js";
import { COLUMN_ORDER } from "./statements/tables.js";

export interface PartChange {
  /** e.g. `column note`. */
  readonly part: string;
  readonly change: "added" | "changed" | "dropped";
  /** The part as it was, for people; null where it was not. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface ObjectChange {
  readonly before: SchemaObject;
  readonly after: SchemaObject;
  readonly parts: readonly PartChange[];
  /** Each of `parts` as a line to read, e.g. `column note added: note text`. */
  readonly details: readonly string[];
}

/** Each list sorted by id. */
export interface SchemaDiff {
  readonly added: readonly SchemaObject[];
  readonly changed: readonly ObjectChange[];
  readonly dropped: readonly SchemaObject[];
}

/**
 * Compares two schemas of one form.
 *
 * @returns three empty lists exactly when the checksums are equal
 */
export function diffSchemas(from: Schema, to: Schema): SchemaDiff {
  const added: SchemaObject[] = [];
  const changed: ObjectChange[] = [];
  for (const [id, after] of to.objects) {
    const before = from.objects.get(id);
    if (before === undefined) added.push(after);
    else if (before.checksum !== after.checksum) changed.push(changeOf(before, after));
  }
  const dropped = [...from.objects.values()].filter((object) => !to.objects.has(object.id));
  return { added, changed, dropped };
}

function changeOf(before: SchemaObject, after: SchemaObject): ObjectChange {
  const parts = partChanges(before.parts, after.parts);
  return { before, after, parts, details: parts.map(describe) };
}

function partChanges(before: readonly SchemaPart[], after: readonly SchemaPart[]): PartChange[] {
  const was = new Map(before.map((part) => [part.name, part]));
  const is = new Map(after.map((part) => [part.name, part]));
  const names = [...new Set([...was.keys(), ...is.keys()])].sort();
  const changes: PartChange[] = [];
  for (const part of names) {
    const old = was.get(part);
    const now = is.get(part);
    if (old?.canonical === now?.canonical) continue;
    const change = old === undefined ? "added" : now === undefined ? "dropped" : "changed";
    changes.push({ part, change, before: old?.text ?? null, after: now?.text ?? null });
  }
  // That the order is another goes without saying where a member came or went.
  const telling = changes.filter(({ part, change }) => change === "changed" || !isOrder(part));
  const hasMembers = telling.some(({ part, change }) => change !== "changed" && isMember(part));
  return hasMembers
    ? telling.filter(({ part }) => !isOrder(part) || isReordered(was.get(part), is.get(part)))
    : telling;
}

function isOrder(part: string): boolean {
  return part === COLUMN_ORDER || part === "order of values" || part === "order of attributes";
}

function isMember(part: string): boolean {
  return /^(?:column|value|attribute) /.test(part);
}

/** Whether what both have stands in another order. */
function isReordered(before: SchemaPart | undefined, after: SchemaPart | undefined): boolean {
  const old = before?.text.split(", ") ?? [];
  const now = after?.text.split(", ") ?? [];
  const kept = old.filter((name) => now.includes(name));
  return kept.join() !== now.filter((name) => old.includes(name)).join();
}

/** Parts that are short enough to be shown in a line. */
const SHOWN =
  /^(?:column|constraint|index|attribute|privileges|order|column order|access method|tablespace|mapping)\b/;
const LONGEST = 160;

function describe({ part, change, before, after }: PartChange): string {
  const said = `${part} ${change}`;
  if (change === "dropped") return said;
  const [was, now] = [inOneLine(before ?? ""), inOneLine(after ?? "")];
  if (change === "added") return now === "" || !SHOWN.test(part) ? said : `${said}: ${cut(now)}`;
  const isShort = SHOWN.test(part) && Math.max(was.length, now.length) <= LONGEST;
  const parted = isShort ? 0 : whereTheyPart(was, now);
  if (parted === null) return said;
  const longest = isShort ? LONGEST : LONGEST / 2;
  const seen = (line: string) => (parted > 0 ? "…" : "") + cut(line.slice(parted), longest);
  return `${said}: ${seen(was)} → ${seen(now)}`;
}

/** So many characters before the first difference are shown: enough to find the place by. */
const LEAD = 24;

/** @returns where the words begin in which two lines part; null where they say the same */
function whereTheyPart(a: string, b: string): number | null {
  if (a === b) return null;
  let same = 0;
  while (a[same] === b[same]) same++;
  return same <= LEAD ? 0 : Math.max(a.lastIndexOf(" ", same - LEAD) + 1, same - 2 * LEAD);
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function cut(line: string, longest = LONGEST): string {
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

/** A line of an object's SQL, and whether it came or went. */
export interface DiffLine {
  readonly sign: "+" | "-" | " ";
  readonly text: string;
}

/** An object with the lines of its SQL, before and after mixed, for a person to read. */
export interface ObjectDiff {
  readonly id: string;
  readonly change: "added" | "changed" | "dropped";
  readonly details: readonly string[];
  readonly lines: readonly DiffLine[];
}

/**
 * The differences as lines of SQL, one object after another.
 *
 * @example renderDiff(diffSchemas(a, b)).map((object) => object.id) // → ["table shop.orders"]
 */
export function renderDiff({ added, changed, dropped }: SchemaDiff): ObjectDiff[] {
  const all = (sign: "+" | "-", sql: string) => linesOf(sql).map((text) => ({ sign, text }));
  return [
    ...added.map(({ id, sql }): ObjectDiff => ({ id, change: "added", details: [], lines: all("+", sql) })),
    ...changed.map(
      ({ before, after, details }): ObjectDiff => ({
        id: after.id,
        change: "changed",
        details,
        lines: diffLines(before.sql, after.sql).flatMap(({ added: isNew, removed, value }) =>
          linesOf(value).map((text) => ({ sign: isNew ? "+" : removed ? "-" : " ", text }) as const),
        ),
      }),
    ),
    ...dropped.map(
      ({ id, sql }): ObjectDiff => ({ id, change: "dropped", details: [], lines: all("-", sql) }),
    ),
  ];
}

function linesOf(sql: string): string[] {
  return sql.replace(/\n$/, "").split("\n");
}

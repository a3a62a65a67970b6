/** Which objects of a dump name which: never too few, and no more than may be. */
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { isTreeObject, namesIn, stringAt } from "../../schema/tree.js";
import { visitUses } from "../references.js";
import { identifiersIn, type Unit } from "./gather.js";

/** What names are looked up among; `other` is for all that a name of its own kind is needed for. */
type Space = "relation" | "type" | "function" | "other";

/** A name in a space; its schema is empty for what lies in none. */
function handle(space: Space, schema: string, name: string): string {
  return `${space}\0${schema}\0${name}`;
}

const RELATIONS: ReadonlySet<string> = new Set([
  "table",
  "foreign table",
  "view",
  "materialized view",
  "sequence",
]);
const TYPES: ReadonlySet<string> = new Set(["type", "domain"]);
const ROUTINES: ReadonlySet<string> = new Set(["function", "procedure", "aggregate"]);
/** Nobody names a cast to use it, or a trigger. */
const UNNAMED: ReadonlySet<string> = new Set([
  "cast",
  "transform",
  "user mapping",
  "trigger",
  "rule",
  "policy",
]);

function spacesOf(type: string): readonly Space[] {
  if (RELATIONS.has(type)) return ["relation", "type"];
  if (TYPES.has(type)) return ["type"];
  return ROUTINES.has(type) ? ["function"] : ["other"];
}

/** The handles that an object is named by; none for what is used without being named. */
function handlesOf({ address: { type, schema, name } }: Unit): string[] {
  if (UNNAMED.has(type)) return [];
  const raw = type === "operator" ? name.slice(0, name.indexOf("(")) : (identifiersIn(name)[0] ?? name);
  return spacesOf(type).map((space) => handle(space, schema ?? "", raw));
}

/** Which objects name which. */
export class NeedIndex {
  private readonly byHandle = new Map<string, Unit[]>();
  /** What the dump makes, extensions aside: schemas and names, whatever the space. */
  private readonly made = new Set<string>();
  private readonly names: ReadonlyMap<Unit, ReadonlySet<string>>;

  /** @param counts which statements of an object are looked at; what is said about it never is */
  constructor(units: readonly Unit[], counts: (statement: DumpStatement) => boolean = () => true) {
    const looked = (statement: DumpStatement) => !SAYING.has(statement.kind) && counts(statement);
    this.names = new Map(units.map((unit) => [unit, mentionsOf(unit, unit.statements.filter(looked))]));
    for (const unit of units) {
      for (const key of handlesOf(unit)) {
        this.byHandle.set(key, [...(this.byHandle.get(key) ?? []), unit]);
        if (unit.name?.type !== "extension") this.made.add(withoutSpace(key));
      }
    }
  }

  /** The objects that an object names, others than itself, schemas and extensions aside. */
  needs(unit: Unit): Unit[] {
    const all = this.namesIn(unit).flatMap((name) => this.byHandle.get(name) ?? []);
    return [...new Set(all)].filter((other) => other !== unit && !isFrame(other));
  }

  /** An object and everything that it needs, directly or not. */
  closure(unit: Unit): ReadonlySet<Unit> {
    const all = new Set([unit]);
    // A set hands out what is added to it while it is gone through.
    for (const one of all) for (const other of this.needs(one)) all.add(other);
    return all;
  }

  /** Whether all that an object names is made by the dump itself, and nothing by an extension. */
  isClosed(unit: Unit): boolean {
    return this.namesIn(unit).every((name) => this.made.has(withoutSpace(name)));
  }

  private namesIn(unit: Unit): string[] {
    return [...(this.names.get(unit) ?? [])];
  }
}

const SAYING: ReadonlySet<string> = new Set(["CommentStmt", "SecLabelStmt"]);

function isFrame({ name }: Unit): boolean {
  return name?.type === "schema" || name?.type === "extension";
}

function withoutSpace(key: string): string {
  return key.slice(key.indexOf("\0") + 1);
}

/** Whether a part of an object's statement names the object itself. */
export function namesItself(unit: Unit, part: unknown): boolean {
  const found = new Set<string>();
  addMentions(part, found);
  return handlesOf(unit).some((key) => found.has(key));
}

/** Built-in languages and access methods. */
const BUILT_IN: ReadonlySet<string> = new Set(
  ["plpgsql", "sql", "c", "internal", "btree", "hash", "gist", "gin", "spgist", "brin", "heap"].map((name) =>
    handle("other", "", name),
  ),
);

/** The handles of everything that statements of an object name, built-ins aside. */
function mentionsOf(unit: Unit, statements: readonly DumpStatement[]): Set<string> {
  const found = new Set<string>();
  for (const { kind, tree, entry } of statements) {
    addMentions({ [kind]: tree }, found);
    // The access method stands in a setting.
    if (entry.type === "TABLE" || entry.type === "MATERIALIZED VIEW")
      found.add(handle("other", "", entry.accessMethod));
  }
  if (unit.name === null) addToAllSpaces(found, handlesOf(unit));
  for (const name of found)
    if (BUILT_IN.has(name) || withoutSpace(name).startsWith("pg_catalog\0")) found.delete(name);
  return found;
}

/** In a statement about what the tree has no kind for, a name may be of anything: a cast's function, say. */
function addToAllSpaces(found: Set<string>, own: readonly string[]): void {
  for (const name of [...found]) {
    if (own.includes(name)) continue;
    for (const space of ["relation", "type", "function"]) found.add(`${space}\0${withoutSpace(name)}`);
  }
}

function addMentions(tree: unknown, found: Set<string>): void {
  visitUses(tree, (use) => {
    if (use.of !== "name" || use.reference.schema === null) return;
    const { space, schema, name } = use.reference;
    if (space === "relation" || space === "type" || space === "function")
      found.add(handle(space, schema, name));
  });
  addOthers(tree, found);
}

/** Fields that hold the name of something that lies in no schema. */
const ALONE: ReadonlySet<string> = new Set(["servername", "fdwname", "lang", "accessMethod", "amname"]);

/** Names of operators, collations, text search and their kin: every qualified name, and strings that hold one. */
function addOthers(node: unknown, found: Set<string>): void {
  if (Array.isArray(node)) {
    addQualified(namesIn(node), found);
    for (const item of node) addOthers(item, found);
    return;
  }
  if (!isTreeObject(node)) return;
  // `'shop.search'::regconfig` names an object in a string.
  const text = stringAt(node, "sval");
  if (text !== undefined) addQualified(identifiersIn(text), found);
  if (stringAt(node, "defname") === "language") found.add(handle("other", "", languageOf(node.arg)));
  for (const [key, value] of Object.entries(node)) {
    if (ALONE.has(key) && typeof value === "string") found.add(handle("other", "", value));
    else addOthers(value, found);
  }
}

function addQualified(names: readonly string[], found: Set<string>): void {
  const [schema = "", name = ""] = names;
  if (names.length === 2 && schema !== "" && name !== "") found.add(handle("other", schema, name));
}

function languageOf(argument: unknown): string {
  const string = isTreeObject(argument) ? argument.String : undefined;
  return stringAt(string, "sval") ?? "";
}

/** The thoughts behind a plan; what is asked for is thought once. Pure. */
import type { Parser } from "../schema/parser.js";
import { checkScript } from "./check-script.js";
import { type DependentsIndex, type Fall, indexDependents, type Outsider } from "./dependents.js";
import { idOf, type ObjectName } from "./kinds.js";
import { indexNames, type NameIndex } from "./names.js";
import { type Needs, needsOf } from "./needs.js";
import { type Order, orderObjects, refuseSelfReference } from "./order.js";
import { factsOf, readScriptFacts, type ScriptFacts } from "./script.js";
import type { Existing, ObjectsState } from "./state.js";
import { straysAmong } from "./strays.js";
import type { ObjectScript, Tree } from "./tree.js";
import type { Standing } from "./verdicts.js";

/** A script that is looked into. */
export interface ReadScript {
  readonly script: ObjectScript;
  readonly facts: ScriptFacts;
  readonly needs: Needs;
}

/** What a plan is made from. */
export class Decision {
  readonly dependents: DependentsIndex;
  readonly names: NameIndex;
  readonly #read = new Map<string, ReadScript>();
  readonly #falls = new Map<string, Fall>();
  #order: Order | undefined;
  #changed: Map<string, Standing> | undefined;
  #places: Set<string> | undefined;

  constructor(
    readonly tree: Tree,
    readonly state: ObjectsState,
    readonly standings: ReadonlyMap<string, Standing>,
    private readonly parser: Parser | null,
    readonly searchPath: readonly string[],
  ) {
    this.dependents = indexDependents(state, standings);
    this.names = indexNames(
      parser === null ? [] : [...tree.objects.values()].map(({ name }) => name),
      searchPath,
    );
  }

  /** Whether nothing is to be thought about: no script is looked into. */
  get isIdle(): boolean {
    return this.parser === null;
  }

  with(...verdicts: Standing["verdict"][]): Standing[] {
    return [...this.standings.values()].filter(({ verdict }) => verdicts.includes(verdict));
  }

  /** Reads a script of the tree, and refuses it where it is not what its name says. */
  read(id: string): ReadScript {
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const script = this.tree.objects.get(id);
    if (script === undefined || this.parser === null) throw new RangeError(`${id} has no script to read`);
    const facts = factsOf(this.parser, script);
    checkScript(script, facts, this.searchPath);
    const needs = needsOf(script, facts, this.names, this.searchPath);
    refuseSelfReference(id, needs, script.path);
    const read = { script, facts, needs };
    this.#read.set(id, read);
    return read;
  }

  /** The statements of a text; none where it cannot be parsed. */
  parseAll(text: string): unknown[] {
    return this.parser === null ? [] : readScriptFacts(this.parser, text).statements.map(({ tree }) => tree);
  }

  /** What dropping an object takes with it. */
  fallOf(id: string): Fall {
    const known = this.#falls.get(id);
    if (known !== undefined) return known;
    const mayDrop = (other: string) => this.tree.objects.has(other) || this.isGoing(other);
    const bare = this.dependents.fall(this.standings.get(id)?.existing ?? [], mayDrop);
    // What goes for good takes all that is on it along.
    const strays = this.isGoing(id) ? [] : this.#strays(bare);
    const fall = { ...bare, outside: [...bare.outside, ...strays] };
    this.#falls.set(id, fall);
    return fall;
  }

  #strays({ drops, along, inherited }: Fall): Outsider[] {
    const stray = along.filter((id) => !this.tree.objects.has(id) && !this.isGoing(id) && !inherited.has(id));
    if (stray.length === 0) return [];
    const texts = drops.flatMap((existing) => {
      const id = this.idOf(existing);
      return [this.tree.objects.get(id)?.text, this.state.dependents.scripts.get(id)];
    });
    const { parser } = this;
    return straysAmong(
      stray,
      texts.flatMap((text) =>
        text === undefined || parser === null ? [] : readScriptFacts(parser, text).makes,
      ),
    );
  }

  isGoing(id: string): boolean {
    return this.standings.get(id)?.verdict === "drop";
  }

  /** Ids of what falls with an object, itself aside. */
  fallenWith(id: string): string[] {
    const { drops, along } = this.fallOf(id);
    const ids = [...drops.map((existing) => this.idOf(existing)), ...along];
    return [...new Set(ids)].filter((other) => other !== id);
  }

  /** The id by which an object goes in the tree. */
  idOf(existing: Existing): string {
    for (const type of ["type", "function"] as const) {
      const other = idOf({ ...existing.name, type });
      if (this.standings.get(other)?.existing.includes(existing)) return other;
    }
    const folded = idOf({ ...existing.name, parts: existing.name.parts.map((part) => part.toLowerCase()) });
    const exact = idOf(existing.name);
    return !this.standings.has(exact) && this.standings.get(folded)?.existing.includes(existing)
      ? folded
      : exact;
  }

  /** Objects whose scripts run for certain, roles aside, by id. */
  get changed(): ReadonlyMap<string, Standing> {
    this.#changed ??= new Map(this.objects("create", "remake").map((one) => [one.id, one]));
    return this.#changed;
  }

  /** Objects that stand so, roles aside. */
  objects(...verdicts: Standing["verdict"][]): Standing[] {
    return this.with(...verdicts).filter(({ name }) => name.type !== "role");
  }

  /** Whether an object has to go first, since another is to get its name, or that of its index. */
  makesRoom(id: string): boolean {
    const { name } = this.standings.get(id) ?? {};
    if (name === undefined) return false;
    if (name.type === "constraint" || name.type === "index") return true;
    this.#places ??= new Set(this.with("create").map((created) => placeOf(created.name)));
    return this.#places.has(placeOf(name));
  }

  /** Objects that other steps drop, or may drop, on their way, and whose scripts make them again. */
  fallen(): Set<string> {
    const early = this.objects("drop").filter(({ id }) => this.makesRoom(id));
    const fallen = [...this.objects("remake"), ...early].flatMap(({ id }) => this.fallenWith(id));
    return new Set(fallen.filter((id) => !this.changed.has(id) && this.tree.objects.has(id)));
  }

  /** The order in which scripts run. */
  order(): Order {
    if (this.#order !== undefined) return this.#order;
    const ids = [...this.changed.keys(), ...this.fallen()];
    const needs = new Map(ids.map((id) => [id, this.read(id).needs]));
    const isForeignKey = (id: string) => this.read(id).facts.makes.some((made) => made.isForeignKey);
    const foreignKeys = new Set(ids.filter((id) => id.startsWith("constraint.") && isForeignKey(id)));
    this.#order = orderObjects(needs, (id) => this.tree.objects.get(id)?.path ?? id, foreignKeys);
    return this.#order;
  }

  pathOf(id: string): string {
    return this.tree.objects.get(id)?.path ?? this.state.recorded.get(id)?.path ?? id;
  }

  /** The scripts that were looked into. */
  readScripts(): Iterable<ReadScript> {
    return this.#read.values();
  }
}

/** Objects of one place cannot have one name. */
function placeOf({ type, parts }: ObjectName): string {
  const isRoutine = type === "function" || type === "procedure" || type === "aggregate";
  const isRelation = ["table", "view", "materialized-view", "sequence", "index", "type", "domain"].includes(
    type,
  );
  return [isRoutine ? "routine" : isRelation ? "relation" : type, ...parts].join("\0");
}

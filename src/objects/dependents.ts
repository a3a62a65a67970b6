/** What has to be dropped before an object can be, by what really depends on it. Pure. */
import { describeName, kindOf } from "./kinds.js";
import { type Address, type Dependency, type Existing, keyOf, type ObjectsState } from "./state.js";
import type { Standing } from "./verdicts.js";

/** What dropping something takes. */
export interface Fall {
  /** What is dropped by a statement, in the order of the statements; what was asked for among it, at its place. */
  readonly drops: readonly Existing[];
  /** Ids of what goes along with something that is dropped, such as the trigger of a view. */
  readonly along: readonly string[];
  /** Of those that go along, what the server makes again with what it is a part of, such as indexes of partitions. */
  readonly inherited: ReadonlySet<string>;
  /** What depends on it and may not be dropped. */
  readonly outside: readonly Outsider[];
}

export interface Outsider {
  /** Its id where it is an object of a kind of ours. */
  readonly id: string | null;
  /** In PostgreSQL's words, e.g. `default value for column total of table orders`. */
  readonly description: string;
}

/** Whether an object may be dropped on the way: a script makes it again, or it is to go as well. */
export type MayDrop = (id: string) => boolean;

/** A part of a table, e.g. its column 2; all of it where there is no column. */
export interface Root {
  readonly existing: Existing;
  readonly columns?: readonly number[] | undefined;
}

/** Dependencies, for looking up. */
export interface DependentsIndex {
  /** What dropping objects takes. */
  fall(roots: readonly Existing[], mayDrop: MayDrop): Fall;
  /** What depends on objects, or on columns of theirs, and would be dropped for them; they themselves are not. */
  below(roots: readonly Root[], mayDrop: MayDrop): Fall;
}

const GOES_ALONG: ReadonlySet<string> = new Set(["a", "i", "e", "P", "S"]);
const OF_PARTITION: ReadonlySet<string> = new Set(["P", "S"]);

/** @param standings whose ids the objects go by, as their files have them */
export function indexDependents(
  { dependents, existing }: ObjectsState,
  standings: ReadonlyMap<string, Standing>,
): DependentsIndex {
  const byId = new Map(existing);
  for (const [id, standing] of standings) byId.set(id, standing.existing);
  const index = new Index(dependents.dependencies, byId);
  return {
    fall: (roots, mayDrop) => index.fall(roots, mayDrop),
    below: (roots, mayDrop) => index.below(roots, mayDrop),
  };
}

class Index {
  readonly #on = new Map<string, Dependency[]>();
  /** What a thing is part of. */
  readonly #owner = new Map<string, string>();
  /** What the server has made a thing from for a partition, such as the trigger of the partitioned table. */
  readonly #origin = new Map<string, string>();
  readonly #objects = new Map<string, { readonly id: string; readonly existing: Existing }>();

  constructor(
    dependencies: readonly Dependency[],
    private readonly existing: ReadonlyMap<string, readonly Existing[]>,
  ) {
    // Later entries are the tree's own, which go before.
    for (const [id, all] of existing)
      for (const one of all) this.#objects.set(keyOf(one), { id, existing: one });
    const seen = new Set<string>();
    for (const dependency of dependencies) {
      const { of, on, kind, ofColumn, onColumn } = dependency;
      const key = `${keyOf(of)} ${ofColumn} ${keyOf(on)} ${onColumn} ${kind}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const same = this.#on.get(keyOf(on));
      if (same === undefined) this.#on.set(keyOf(on), [dependency]);
      else same.push(dependency);
      if (kind === "P") this.#origin.set(keyOf(of), keyOf(on));
      if ((kind === "i" || kind === "e") && ofColumn === 0) this.#owner.set(keyOf(of), keyOf(on));
    }
  }

  fall(roots: readonly Existing[], mayDrop: MayDrop): Fall {
    const falling = new Falling(this, mayDrop);
    for (const root of roots) falling.drop(root);
    return falling.result();
  }

  below(roots: readonly Root[], mayDrop: MayDrop): Fall {
    const falling = new Falling(this, mayDrop);
    for (const { existing, columns } of roots) falling.below(existing, columns);
    return falling.result();
  }

  on(thing: Address): readonly Dependency[] {
    return this.#on.get(keyOf(thing)) ?? [];
  }

  objectAt(key: string): { readonly id: string; readonly existing: Existing } | undefined {
    return this.#objects.get(key);
  }

  /** The object of ours that a thing is, or is part of, or comes from: the view of a view's rule. */
  objectOf(thing: Address): { readonly id: string; readonly existing: Existing } | undefined {
    const seen = new Set<string>();
    for (let key: string | undefined = keyOf(thing); key !== undefined && !seen.has(key); ) {
      const origin = this.#origin.get(key);
      const object = origin === undefined ? this.objectAt(key) : undefined;
      if (object !== undefined) return object;
      seen.add(key);
      key = origin ?? this.#owner.get(key);
    }
    return undefined;
  }

  all(id: string): readonly Existing[] {
    return this.existing.get(id) ?? [];
  }
}

/** One look at what falls. */
class Falling {
  readonly #falling = new Set<string>();
  /** What goes along, and with what. */
  readonly #parts = new Map<string, string>();
  readonly #drops: Existing[] = [];
  readonly #along = new Set<string>();
  readonly #inherited = new Set<string>();
  readonly #outside = new Map<string, Outsider>();

  constructor(
    private readonly index: Index,
    private readonly mayDrop: MayDrop,
  ) {}

  result(): Fall {
    const dropped = new Set(this.#drops.map(keyOf));
    const along = [...this.#along].filter(
      (id) => !this.index.all(id).every((one) => dropped.has(keyOf(one))),
    );
    return {
      drops: this.#drops,
      along,
      inherited: this.#inherited,
      outside: [...this.#outside.values()].sort((a, b) => (a.description < b.description ? -1 : 1)),
    };
  }

  /** What depends on it falls first. */
  drop(object: Existing): void {
    const key = keyOf(object);
    if (this.#falling.has(key)) return;
    this.#falling.add(key);
    this.below(object);
    this.#drops.push(object);
  }

  below(thing: Address, columns?: readonly number[]): void {
    const all = this.index.on(thing);
    // A column's parts, such as an index, may stay.
    const parts = columns === undefined ? this.#takeParts(all) : [];
    const dependents = all.filter(({ onColumn }) => columns === undefined || columns.includes(onColumn));
    for (const dependency of [...dependents, ...parts.flatMap((part) => this.index.on(part))])
      if (!GOES_ALONG.has(dependency.kind)) this.#dependent(dependency);
  }

  /** Parts go by themselves, with parts of their own; not so what depends on them. */
  #takeParts(dependencies: readonly Dependency[]): Address[] {
    return dependencies.flatMap(({ of, on, kind }) => {
      if (!GOES_ALONG.has(kind)) return [];
      const key = keyOf(of);
      const object = this.index.objectAt(key);
      if (object !== undefined && OF_PARTITION.has(kind)) this.#inherited.add(object.id);
      if (this.#falling.has(key) || this.#parts.has(key)) return [];
      this.#parts.set(key, keyOf(on));
      if (object !== undefined) this.#along.add(object.id);
      return [of, ...this.#takeParts(this.index.on(of))];
    });
  }

  /** What something goes with. */
  #whole(key: string): string {
    const whole = this.#parts.get(key);
    return whole === undefined ? key : this.#whole(whole);
  }

  #dependent(dependency: Dependency): void {
    const object = this.index.objectOf(dependency.of);
    const key = object === undefined ? "" : keyOf(object.existing);
    // A part goes with its whole, and before that only where something else has to go that it needs.
    if (this.#falling.has(key) || this.#whole(key) === this.#whole(keyOf(dependency.on))) return;
    const kind = object === undefined ? undefined : kindOf(object.existing.name.type);
    // Neither a table nor a type is dropped for the sake of a column.
    if (object === undefined || kind?.change !== "remake" || !this.mayDrop(object.id)) {
      // Of a view it is the view's rule that depends.
      const isView = object?.existing.name.type.endsWith("view") === true;
      const description = isView ? describeName(object.existing.name) : dependency.description;
      this.#outside.set(description, { id: object?.id ?? null, description });
      return;
    }
    for (const one of this.index.all(object.id)) this.drop(one);
  }
}

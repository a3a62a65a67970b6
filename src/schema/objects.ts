/** From what statements say to the objects they say it about, each with a checksum. */
import { hash } from "node:crypto";
import { qualified, storedName } from "./names.js";
import { withoutOwnersPersistence, withoutTypesBounds } from "./rules/fragments.js";
import type { Ignored } from "./settings.js";
import type { Said } from "./statements/batch.js";
import { type Address, type Fragment, idOf } from "./statements/fragment.js";

import { isNotNull } from "./statements/tables.js";

/** One thing that can be said of an object, e.g. a column of a table. */
export interface SchemaPart {
  /** e.g. `column note`, `constraint orders_pkey`, `definition`, `comment`. */
  readonly name: string;
  /** Canonical form; two parts are the same exactly when these are. */
  readonly canonical: string;
  /** SQL or a few words, for people. */
  readonly text: string;
}

/** An object of a schema: a table with its columns, constraints and indexes, a view, a function, a trigger … */
export interface SchemaObject {
  /** Type and name, unique in a schema: `table shop.orders`, `function shop.add(integer, integer)`. */
  readonly id: string;
  /** In PostgreSQL's words, lower case: `table`, `materialized view`, `default privileges`. */
  readonly type: string;
  readonly schema: string | null;
  /** Without the schema; `orders.touch` for a trigger, a policy or a rule of the table `orders`. */
  readonly name: string;
  /** The id of the table or view that the object goes with: a trigger's, an owned sequence's. */
  readonly parent: string | null;
  /** SHA-256 over all parts, in hexadecimal. */
  readonly checksum: string;
  /** The statements as pg_dump wrote them, the one that makes the object first. */
  readonly sql: string;
  /** Sorted by name. */
  readonly parts: readonly SchemaPart[];
}

export interface Schema {
  readonly form: number;
  /** SHA-256 over the ids and checksums of all objects, in hexadecimal. */
  readonly checksum: string;
  /** By id, sorted by it. */
  readonly objects: ReadonlyMap<string, SchemaObject>;
  /** What could not be understood and is compared by its text, one sentence each. */
  readonly warnings: readonly string[];
}

interface Builder {
  address: Address;
  table: Address["table"];
  fragments: Fragment[];
  /** The statements about it, in the order of the dump. */
  creating: string[];
  changing: string[];
  parents: readonly Address[];
}

/** What two addresses of one object have in common, and no others. */
export function keyOf({ space, type, schema, name }: Address): string {
  return `${space === "object" ? type : space}\0${schema ?? ""}\0${name}`;
}

/**
 * Gathers what is said about each object.
 *
 * @returns the objects by id, sorted by it
 */
export function assembleObjects(said: readonly Said[], ignored: Ignored): Map<string, SchemaObject> {
  const registry = register(said);
  for (const { sql, fragments } of said) {
    for (const fragment of fragments) {
      const { about } = fragment;
      if (about === undefined || !ignored.table(about.schema, storedName(about.name)))
        gather(registry, fragment, sql);
    }
  }
  const { builders } = registry;
  const maker = new PartMaker();
  const objects = [...builders.values()]
    .filter((builder) => !isIgnored(builder, ignored))
    .map((builder) => finish(builder, builders, maker));
  return new Map(objects.sort((a, b) => compare(a.id, b.id)).map((object) => [object.id, object]));
}

/** The objects by the name they are spoken of. */
interface Registry {
  readonly builders: Map<string, Builder>;
  /** An index's or an identity sequence's name, and the address of the table that it is part of. */
  readonly aliases: Map<string, { readonly of: Address; readonly alias: Address }>;
  /** Fragments of one statement share their address, so a look-up is mostly the one before again. */
  readonly found: Map<Address, Builder | undefined>;
}

function register(said: readonly Said[]): Registry {
  const registry: Registry = { builders: new Map(), aliases: new Map(), found: new Map() };
  for (const { fragments } of said) {
    for (const { creates, of, alias } of fragments) {
      if (creates === true) {
        const key = keyOf(of);
        const known = registry.builders.get(key);
        const builder = known ?? newBuilder(of);
        builder.address = of;
        if (known === undefined) registry.builders.set(key, builder);
        registry.found.set(of, builder);
      }
      if (alias !== undefined) registry.aliases.set(keyOf(alias), { of, alias });
    }
  }
  return registry;
}

/** A composite type is named as a type in GRANT and COMMENT, and shares the names of tables otherwise. */
function find({ builders, found }: Registry, of: Address): Builder | undefined {
  const before = found.get(of);
  if (before !== undefined) return before;
  const builder =
    builders.get(keyOf(of)) ??
    (of.space === "type" ? builders.get(keyOf({ ...of, space: "relation" })) : undefined);
  found.set(of, builder);
  return builder;
}

function gather(registry: Registry, original: Fragment, sql: string): void {
  let fragment = original;
  let builder = find(registry, fragment.of);
  if (builder === undefined) {
    fragment = throughAlias(original, registry);
    builder = find(registry, fragment.of) ?? newBuilder(fragment.of);
    registry.builders.set(keyOf(fragment.of), builder);
    registry.found.set(fragment.of, builder);
  }
  builder.fragments.push(fragment);
  builder.table = fragment.of.table ?? builder.table;
  builder.parents = fragment.parents ?? builder.parents;
  // A statement says several things of one object, one after the other.
  if (fragment.creates !== true) {
    if (builder.changing.at(-1) !== sql) builder.changing.push(sql);
  } else if (fragment.isPlaceholder === true) builder.creating.push(sql);
  else builder.creating.unshift(sql);
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function newBuilder(address: Address): Builder {
  return {
    address,
    table: undefined,
    fragments: [],
    creating: [],
    changing: [],
    parents: [],
  };
}

/** What is said about an index is said about its table, likewise for an identity column's sequence. */
function throughAlias(fragment: Fragment, { aliases }: Registry): Fragment {
  const found = aliases.get(keyOf(fragment.of));
  if (found === undefined) return fragment;
  const spoken = `${found.alias.type} ${found.alias.name}`;
  const isOfIndex = fragment.of.space === "index" && !/^(?:comment|security label|owner)/.test(fragment.part);
  return { ...fragment, of: found.of, part: isOfIndex ? spoken : `${fragment.part} on ${spoken}` };
}

const LIKE_TABLES: ReadonlySet<string> = new Set(["table", "view", "materialized view", "foreign table"]);

function isIgnored({ address, table }: Builder, ignored: Ignored): boolean {
  const { type, schema, name } = address;
  if (table !== undefined && ignored.table(table.schema, storedName(table.name))) return true;
  if (schema === null) return type === "schema" && ignored.schema(storedName(name));
  return ignored.schema(schema) || (LIKE_TABLES.has(type) && ignored.table(schema, storedName(name)));
}

function finish(builder: Builder, builders: ReadonlyMap<string, Builder>, maker: PartMaker): SchemaObject {
  const { address, table } = builder;
  const { type, schema, name } = address;
  const own = withoutTypesBounds(withoutOwnersPersistence(withoutPlaceholders(builder.fragments)));
  const parts = maker.partsOf(withoutInherited(own, builder, builders));
  const parent =
    table === undefined ? undefined : builders.get(keyOf({ space: "relation", type: "", ...table }));
  const parentId =
    table === undefined
      ? null
      : idOf(parent?.address.type ?? "table", { space: "relation", type: "", ...table });
  const [created, ...placeholders] = builder.creating;
  const shown = placeholders.length === 0 || builder.fragments.some(isMade) ? [created] : builder.creating;
  // The statement that makes a table says its columns too, and is to be shown once.
  const changing = [...new Set(builder.changing)].filter((sql) => !builder.creating.includes(sql)).sort();
  const statements = [...shown.filter((sql) => sql !== undefined), ...changing];
  return {
    id: `${type} ${qualified(schema, name)}`,
    type,
    schema,
    name,
    parent: parentId,
    checksum: sha256(parts.map((part) => `${JSON.stringify(part.name)}\n${part.canonical}\n\n`).join("")),
    sql: statements.map((sql) => `${sql};\n`).join(""),
    parts,
  };
}

export function sha256(text: string): string {
  return hash("sha256", text);
}

function isMade(fragment: Fragment): boolean {
  return fragment.creates === true && fragment.isPlaceholder !== true;
}

/**
 * pg_dump makes a view, or the shell of a type, before its time when others need it, and whether they do says
 * nothing about the object.
 */
function withoutPlaceholders(fragments: readonly Fragment[]): readonly Fragment[] {
  return fragments.some(isMade) ? fragments.filter((fragment) => fragment.isPlaceholder !== true) : fragments;
}

/**
 * A column that takes no NULL because its parent's takes none: 18 knows whether the child says so too and prints
 * it, earlier servers print it at the parent alone.
 * Bridges 17 and earlier, and 18.
 */
function withoutInherited(
  fragments: readonly Fragment[],
  builder: Builder,
  builders: ReadonlyMap<string, Builder>,
): readonly Fragment[] {
  if (builder.parents.length === 0) return fragments;
  const inherited = new Set<string>();
  const seen = new Set<Builder>([builder]);
  const visit = (addresses: readonly Address[]) => {
    for (const address of addresses) {
      const parent = builders.get(keyOf(address));
      if (parent === undefined || seen.has(parent)) continue;
      seen.add(parent);
      for (const fragment of parent.fragments) if (isNotNull(fragment)) inherited.add(fragment.part);
      visit(parent.parents);
    }
  };
  visit(builder.parents);
  return fragments.filter((fragment) => !(isNotNull(fragment) && inherited.has(fragment.part)));
}

/** Makes the parts of objects. */
class PartMaker {
  /** What was put together last, by the canonical form of its first fragment: many tables have the same columns. */
  readonly #last = new Map<string, { readonly of: readonly Fragment[]; readonly part: SchemaPart }>();

  /** Fragments of one part together, in an order that does not depend on that of the statements. */
  partsOf(fragments: readonly Fragment[]): SchemaPart[] {
    const byName = new Map<string, Fragment[]>();
    for (const fragment of fragments) {
      const same = byName.get(fragment.part);
      if (same === undefined) byName.set(fragment.part, [fragment]);
      else same.push(fragment);
    }
    const names = [...byName.keys()].sort();
    return names.map((name) => this.#partOf(name, byName.get(name) ?? []));
  }

  #partOf(name: string, same: readonly Fragment[]): SchemaPart {
    const [first] = same;
    if (first === undefined || same.length === 1)
      return { name, canonical: first?.canonical ?? "", text: first?.text ?? "" };
    const last = this.#last.get(first.canonical);
    if (last !== undefined && last.part.name === name && sayTheSame(last.of, same)) return last.part;
    const canonical = same.map((fragment) => fragment.canonical);
    const texts = same.map((fragment) => fragment.text).filter((text) => text !== "");
    // One line for each fragment: JSON has no line ends.
    const part = { name, canonical: canonical.sort().join("\n"), text: texts.join("; ") };
    this.#last.set(first.canonical, { of: same, part });
    return part;
  }
}

function sayTheSame(one: readonly Fragment[], other: readonly Fragment[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ canonical, text }, index) => canonical === other[index]?.canonical && text === other[index]?.text,
    )
  );
}

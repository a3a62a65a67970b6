import { canonicalForm } from "../canonical.js";
import { qualified, readable } from "../names.js";
import type { RuleContext } from "../rules/context.js";
import type { SchemaSettings } from "../settings.js";
import { stringAt, type TreeObject, without } from "../tree.js";

/**
 * Which names are in one another's way, and so what a name alone can mean: tables, views and sequences share
 * one space, functions, procedures and aggregates another. An index is found by its name and belongs to a table.
 */
export type Space = "relation" | "index" | "routine" | "type" | "object";

/** The object that something is about. */
export interface Address {
  readonly space: Space;
  /** The kind of object, as far as the statement tells: `GRANT … ON TABLE` may be about a view. */
  readonly type: string;
  readonly schema: string | null;
  /** Readable, with the arguments' types for a function, and the table's name in front for a trigger. */
  readonly name: string;
  /** The table or view that the object belongs to, by its readable name. */
  readonly table?: { readonly schema: string; readonly name: string } | undefined;
}

/** What one statement, or a part of it, says about one object. */
export interface Fragment {
  readonly of: Address;
  /** What of the object it says, e.g. `column note`, `constraint orders_pkey`, `comment`. */
  readonly part: string;
  readonly canonical: string;
  /** The SQL, for people. */
  readonly text: string;
  /** The statement that makes the object, rather than one that changes it. */
  readonly creates?: boolean;
  /** Made only so that others can refer to it, to be made properly later on. */
  readonly isPlaceholder?: boolean;
  /** Another name under which this object is spoken of: its index's, its identity column's sequence's. */
  readonly alias?: Address;
  /** The table that the fragment is about beside `of`; when that table is ignored, so is the fragment. */
  readonly about?: { readonly schema: string; readonly name: string };
  /** The tables that this one inherits from. */
  readonly parents?: readonly Address[];
}

/** One statement with what is needed to read it. */
export interface Statement {
  readonly tree: TreeObject;
  readonly text: string;
  /** A piece of the text by its places in the parse tree. */
  readonly slice: (from: number, to: number) => string;
  readonly context: RuleContext;
  readonly settings: SchemaSettings;
  /** The role that `SET SESSION AUTHORIZATION` speaks for, where it stands before the statement. */
  readonly grantor: string | null;
}

/** Cuts a statement into what it says; an empty list when that is no part of the schema. */
export type Reader = (statement: Statement) => Fragment[];

/** The whole statement as one fragment. */
export function whole(
  statement: Statement,
  of: Address,
  part: string,
  tree: unknown = statement.tree,
): Fragment {
  return { of, part, canonical: canonicalForm(tree, statement.context), text: statement.text };
}

/** The whole statement as the one that makes an object. */
export function creation(statement: Statement, of: Address, tree: unknown = statement.tree): Fragment {
  return { ...whole(statement, of, "definition", tree), creates: true };
}

/** Whether a relation is named with ONLY, and where it stands, says nothing about the object. */
export function withoutRelation(tree: TreeObject): TreeObject {
  return without(tree, "relation");
}

/** The address of a `RangeVar`. A name without a schema is taken for one of `public`, where hand-written SQL means it. */
export function relation(rangeVar: unknown, type: string, space: "relation" | "index" = "relation"): Address {
  const schema = stringAt(rangeVar, "schemaname") ?? "public";
  return { space, type, schema, name: readable(stringAt(rangeVar, "relname") ?? "") };
}

/** An address from the parts of a qualified name. */
export function named(space: Space, type: string, names: readonly string[]): Address {
  const schema = names.length > 1 ? (names.at(-2) ?? null) : "public";
  return { space, type, schema, name: readable(names.at(-1) ?? "") };
}

/** The address of something that lies in no schema. */
export function unqualified(type: string, name: string): Address {
  return { space: "object", type, schema: null, name };
}

/** The address of a trigger, a policy or a rule. */
export function onTable(type: string, table: Address, name: string): Address {
  const schema = table.schema ?? "public";
  return {
    space: "object",
    type,
    schema,
    name: `${table.name}.${readable(name)}`,
    table: { schema, name: table.name },
  };
}

/** How objects are called in lists and messages, e.g. `table shop.orders`. */
export function idOf(type: string, { schema, name }: Address): string {
  return `${type} ${qualified(schema, name)}`;
}

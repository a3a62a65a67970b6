/** From a dump's statements to the objects they are about, each with its statements. */
import { keyOf } from "../../schema/objects.js";
import type { Ignored } from "../../schema/settings.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { type Address, type Fragment, relation, unqualified } from "../../schema/statements/fragment.js";
import { READERS } from "../../schema/statements/index.js";
import type { KindType, ObjectName } from "../kinds.js";

/** An object of the dump. */
export interface Unit {
  readonly address: Address;
  /** Null where the tree has no kind for it: an operator, a foreign table. */
  name: ObjectName | null;
  /** What makes and changes it, in the order of the dump. */
  readonly statements: DumpStatement[];
  /** GRANT and REVOKE. */
  readonly grants: DumpStatement[];
}

export interface Gathered {
  /** In the order of the dump. */
  readonly units: readonly Unit[];
  readonly defaultPrivileges: readonly DumpStatement[];
  /** What is about an object that the dump does not make, e.g. a function of an extension. */
  readonly strays: readonly DumpStatement[];
}

/** Kinds by the word that `Address` has for them. */
const KIND_OF: ReadonlyMap<string, KindType> = new Map<string, KindType>([
  ["schema", "schema"],
  ["extension", "extension"],
  ["type", "type"],
  ["domain", "domain"],
  ["sequence", "sequence"],
  ["table", "table"],
  ["foreign table", "table"],
  ["function", "function"],
  ["procedure", "procedure"],
  ["aggregate", "aggregate"],
  ["view", "view"],
  ["materialized view", "materialized-view"],
  ["trigger", "trigger"],
  ["rule", "rule"],
  ["policy", "policy"],
  ["event trigger", "event-trigger"],
]);

/**
 * Gives each object its statements.
 *
 * @param ignored objects that are left out
 */
export function gather(statements: readonly DumpStatement[], ignored: Ignored): Gathered {
  const registry = register(statements);
  const { units } = registry;
  const defaultPrivileges: DumpStatement[] = [];
  const strays: DumpStatement[] = [];
  for (const statement of statements) {
    const [first] = statement.fragments;
    if (statement.kind === "AlterDefaultPrivilegesStmt") defaultPrivileges.push(statement);
    else if (statement.kind === "" || first === undefined) {
      if (!saysNothing(statement)) strays.push(statement);
    } else {
      const unit = find(registry, first);
      if (unit === undefined) strays.push(statement);
      else if (statement.kind === "GrantStmt") unit.grants.push(statement);
      else unit.statements.push(statement);
    }
  }
  const own = [...units.values()].filter(
    (unit) => unit.address.type !== "statistics" || !giveToTable(unit, units),
  );
  return { units: own.filter((unit) => !isIgnored(unit, ignored)), defaultPrivileges, strays };
}

function isIgnored(
  { address: { type, schema, name }, name: object, statements }: Unit,
  ignored: Ignored,
): boolean {
  if (schema === null) return type === "schema" && ignored.schema(object?.parts[0] ?? name);
  const [own = name] = identifiersIn(name);
  if (ignored.schema(schema) || (TABLES.has(object?.type) && ignored.table(schema, own))) return true;
  // What goes with a table that is left out, e.g. a sequence that it owns.
  const tables = statements.flatMap(({ fragments }) => fragments.map(({ of }) => of.table));
  return tables.some(
    (table) => table !== undefined && ignored.table(table.schema, identifiersIn(table.name)[0] ?? ""),
  );
}

/** What the patterns for tables are asked about. */
const TABLES: ReadonlySet<KindType | undefined> = new Set<KindType>(["table", "view", "materialized-view"]);

/** Settings of the session, and what a known statement leaves unsaid: owners, the comment on `public`. */
function saysNothing({ kind }: DumpStatement): boolean {
  return kind === "VariableSetStmt" || kind === "SelectStmt" || READERS.has(kind);
}

interface Registry {
  readonly units: Map<string, Unit>;
  /** The key of an index or of an identity column's sequence, and the table it is part of. */
  readonly aliases: Map<string, Address>;
  /** By a partition's key, the table it is a part of. */
  readonly above: Map<string, Address>;
}

function register(statements: readonly DumpStatement[]): Registry {
  const registry: Registry = { units: new Map(), aliases: new Map(), above: new Map() };
  // It is there in a new database, and a dump says only what was done to it.
  const inPublic = unqualified("schema", "public");
  registry.units.set(keyOf(inPublic), {
    address: inPublic,
    name: nameOf(inPublic),
    statements: [],
    grants: [],
  });
  for (const { kind, tree, fragments } of statements) {
    for (const { creates, of, alias, part } of fragments) {
      const key = keyOf(of);
      if (creates === true) {
        const known = registry.units.get(key);
        const unit = known ?? { address: of, name: nameOf(of), statements: [], grants: [] };
        // A base type comes with functions that need it and that it needs.
        if (kind === "DefineStmt" && of.type === "type") unit.name = null;
        registry.units.set(key, unit);
      }
      if (alias !== undefined) registry.aliases.set(keyOf(alias), of);
      if (part === "partition" && of.space === "relation") {
        registry.above.set(key, relation(tree.relation, "table"));
      }
    }
  }
  return registry;
}

function find(registry: Registry, { of }: Fragment): Unit | undefined {
  const { units, aliases } = registry;
  const direct =
    units.get(keyOf(of)) ??
    (of.space === "type" ? units.get(keyOf({ ...of, space: "relation" })) : undefined);
  if (direct !== undefined) return direct;
  const alias = aliases.get(keyOf(of));
  return alias === undefined ? onTableAbove(registry, of) : units.get(keyOf(alias));
}

/** A partition's trigger came with the one of the table above, and only its state is spoken of. */
function onTableAbove({ units, above }: Registry, of: Address): Unit | undefined {
  if (of.table === undefined) return undefined;
  const own = of.name.slice(of.table.name.length);
  let table = above.get(keyOf({ space: "relation", type: "table", ...of.table }));
  while (table !== undefined) {
    const found = units.get(keyOf({ ...of, schema: table.schema, name: `${table.name}${own}` }));
    if (found !== undefined) return found;
    table = above.get(keyOf(table));
  }
  return undefined;
}

function makes({ fragments: [first] }: DumpStatement, { address }: Unit): boolean {
  return first?.creates === true && keyOf(first.of) === keyOf(address);
}

/** The statement that makes an object, for good where a placeholder is made before; the schema `public` has none. */
export function creating(unit: Unit): DumpStatement | undefined {
  const all = unit.statements.filter((statement) => makes(statement, unit));
  return all.find(({ fragments }) => fragments[0]?.isPlaceholder !== true) ?? all[0];
}

/** The statements that change an object, or say something of it. */
export function changing(unit: Unit): DumpStatement[] {
  return unit.statements.filter((statement) => !makes(statement, unit));
}

/** Statistics are kept for a table, and its script has them. */
function giveToTable({ address, statements }: Unit, units: ReadonlyMap<string, Unit>): boolean {
  const { table } = address;
  const of = table && units.get(keyOf({ space: "relation", type: "table", ...table }));
  of?.statements.push(...statements);
  return of !== undefined;
}

/** The object's name as the catalog has it; null where the tree has no kind for it. */
function nameOf({ type, schema, name }: Address): ObjectName | null {
  const kind = KIND_OF.get(type);
  if (kind === undefined) return null;
  const names = identifiersIn(name);
  return { type: kind, parts: schema === null ? names : [schema, ...names] };
}

const IDENTIFIER = /(?:"((?:[^"]|"")*)"|([^".(]+))(\.?)/y;

/** The identifiers of a readable name, up to a function's arguments: `orders."a.b"` → `orders` and `a.b`. */
export function identifiersIn(name: string): string[] {
  const names: string[] = [];
  IDENTIFIER.lastIndex = 0;
  for (let found = IDENTIFIER.exec(name); found !== null; found = IDENTIFIER.exec(name)) {
    names.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] === "") break;
  }
  return names;
}

/** The scripts of the objects that the tree has kinds for, roles aside. */
import { readable } from "../../schema/names.js";
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import type { ObjectName } from "../kinds.js";
import { constraintsApart } from "./constraints.js";
import { creating, type Unit } from "./gather.js";
import type { NeedIndex } from "./mentions.js";
import { type Incomplete, incompleteIndexes } from "./partitions.js";
import { creationOf, plainScript } from "./plain.js";
import type { RoleScripts } from "./roles.js";
import type { Groups } from "./script.js";
import { ownedBy } from "./sequences.js";
import {
  type Apart,
  commentedConstraint,
  constraintOf,
  indexSpokenOf,
  nameKey,
  type OwnedUnit,
  TableScript,
} from "./table.js";
import { isUnbound, relationsOf, UNCHECKED } from "./unbound.js";

/** A script of the tree, or one of several that make one file: overloads of a function. */
export interface ObjectScript {
  readonly name: ObjectName;
  readonly groups: Groups;
}

export interface ObjectScripts {
  /** In the order of the dump. */
  readonly scripts: readonly ObjectScript[];
  /** Defaults of columns that can only be set when all is there. */
  readonly lateDefaults: readonly string[];
}

/** What is known of all objects when the script of one is written. */
export interface Surroundings {
  readonly parser: Parser;
  /** Those that have files of their own. */
  readonly units: readonly Unit[];
  /** What each object names, and what it names that cannot be added to it later. */
  readonly needs: NeedIndex;
  readonly hardNeeds: NeedIndex;
  readonly roles: RoleScripts;
  /** What of each object's privileges stands in its script. */
  readonly privileges: ReadonlyMap<Unit, readonly string[]>;
}

/** Writes the scripts. */
export function objectScripts(around: Surroundings): ObjectScripts {
  const { units } = around;
  const owned = ownedSequences(units, around.needs);
  const isShared = new Map([...owned.values()].flat().map((one) => [one.unit, one.isShared]));
  const constraints = constraintsApart(units, around.hardNeeds);
  const incomplete = incompleteIndexes(units);
  const relations = relationsOf(units);
  const scripts: ObjectScript[] = [];
  const lateDefaults: string[] = [];
  for (const unit of units) {
    if (unit.name === null || isShared.get(unit) === false) continue;
    if (unit.address.type === "table") {
      const lacking = incomplete.get(unit) ?? new Map();
      const names = new Set([...(constraints.get(unit) ?? []), ...lacking.keys()]);
      const table = tableScript(unit, around, {
        sequences: owned.get(unit) ?? [],
        apart: { constraints: names, indexes: new Set(lacking.keys()) },
      });
      scripts.push({ name: unit.name, groups: table.groups() }, ...scriptsApart(unit, names, lacking));
      lateDefaults.push(...table.lateDefaults);
    } else {
      const privileges = around.privileges.get(unit) ?? [];
      const options = { privileges, isShared: isShared.has(unit) };
      const before = isUnbound(around.parser, unit, relations) ? [[UNCHECKED]] : [];
      const groups = [...before, ...plainScript(unit, creation(unit, around), options)];
      scripts.push({ name: unit.name, groups });
    }
  }
  return { scripts, lateDefaults };
}

function tableScript(
  table: Unit,
  { parser, privileges }: Surroundings,
  { sequences, apart }: { readonly sequences: readonly OwnedUnit[]; readonly apart: Apart },
): TableScript {
  const inside = sequences.filter(({ isShared }) => !isShared).map(({ unit }) => unit);
  const own = [table, ...inside].flatMap((unit) => privileges.get(unit) ?? []);
  return new TableScript(parser, { table, sequences, apart, privileges: own });
}

function creation(unit: Unit, { parser, roles }: Surroundings): string {
  const create = creating(unit);
  // The one schema that no dump makes.
  if (create === undefined) return "CREATE SCHEMA public";
  return unit.name?.type === "policy" ? roles.addPolicy(create) : creationOf(parser, unit);
}

/** The sequences that columns own, by the table. */
function ownedSequences(units: readonly Unit[], needs: NeedIndex): ReadonlyMap<Unit, readonly OwnedUnit[]> {
  const tables = new Map(
    units
      .filter(({ address }) => address.type === "table")
      .map((unit) => [nameKey(unit.name?.parts ?? []), unit]),
  );
  const owned = new Map<Unit, OwnedUnit[]>();
  const users = new Map<Unit, Unit[]>();
  for (const unit of units)
    for (const used of needs.needs(unit))
      if (used.name?.type === "sequence") users.set(used, [...(users.get(used) ?? []), unit]);
  for (const unit of units.filter(({ name }) => name?.type === "sequence")) {
    const [owner] = unit.statements.map(({ tree }) => ownedBy(tree)).filter((one) => one !== null);
    const table = owner === undefined ? undefined : tables.get(nameKey([owner.schema, owner.table]));
    if (table === undefined) continue;
    const isShared = users.get(unit)?.some((user) => user !== table) === true;
    owned.set(table, [...(owned.get(table) ?? []), { unit, isShared }]);
  }
  return owned;
}

/** The scripts of a table's constraints and indexes that have files of their own. */
function scriptsApart(table: Unit, constraints: ReadonlySet<string>, lacking: Incomplete): ObjectScript[] {
  const { statements } = table;
  const parts = table.name?.parts ?? [];
  const attached = (name: string) => (lacking.get(name) ?? []).map(({ sql }) => sql);
  const texts = (which: (statement: DumpStatement) => boolean) =>
    statements.filter(which).map(({ sql }) => sql);
  return statements.flatMap((statement): ObjectScript[] => {
    const { conname } = constraintOf(statement);
    const { idxname } = statement.tree;
    if (typeof conname === "string" && constraints.has(readable(conname))) {
      const name = readable(conname);
      const said = texts((one) => commentedConstraint(one) === name);
      const groups = [[statement.sql], attached(name), said];
      return [{ name: { type: "constraint", parts: [...parts, conname] }, groups }];
    }
    if (statement.kind !== "IndexStmt" || typeof idxname !== "string" || !lacking.has(readable(idxname)))
      return [];
    const name = readable(idxname);
    const others = texts((one) => one !== statement && indexSpokenOf(one) === name);
    const groups = [[statement.sql], attached(name), others];
    return [{ name: { type: "index", parts: [parts[0] ?? "", idxname] }, groups }];
  });
}

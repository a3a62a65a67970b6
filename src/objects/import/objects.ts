/** The scripts of the objects that the tree has kinds for, roles aside. */
import type { Parser } from "../../schema/parser.js";
import type { ObjectName } from "../kinds.js";
import { constraintsApart } from "./constraints.js";
import { creating, type Unit } from "./gather.js";
import { handleOf, mentionsOf } from "./mentions.js";
import { creationOf, plainScript } from "./plain.js";
import type { RoleScripts } from "./roles.js";
import type { Groups } from "./script.js";
import { ownedBy } from "./sequences.js";
import {
  commentedConstraint,
  constraintName,
  constraintOf,
  nameKey,
  type OwnedUnit,
  TableScript,
} from "./table.js";

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
  readonly roles: RoleScripts;
  /** What of each object's privileges stands in its script. */
  readonly privileges: ReadonlyMap<Unit, readonly string[]>;
}

/** Writes the scripts. */
export function objectScripts(around: Surroundings): ObjectScripts {
  const { units } = around;
  const owned = ownedSequences(units);
  const apart = constraintsApart(units);
  const sequencesOwned = new Map([...owned.values()].flat().map(({ unit, isShared }) => [unit, isShared]));
  const scripts: ObjectScript[] = [];
  const lateDefaults: string[] = [];
  for (const unit of units) {
    const isShared = sequencesOwned.get(unit);
    if (unit.name === null || isShared === false) continue;
    const own = around.privileges.get(unit) ?? [];
    if (unit.address.type !== "table") {
      const options = { privileges: own, isShared: isShared === true };
      scripts.push({ name: unit.name, groups: plainScript(unit, creation(unit, around), options) });
      continue;
    }
    const sequences = owned.get(unit) ?? [];
    const ofSequences = sequences
      .filter(({ isShared }) => !isShared)
      .map((one) => around.privileges.get(one.unit) ?? []);
    const names = apart.get(unit) ?? new Set();
    const privileges = [...own, ...ofSequences.flat()];
    const table = new TableScript(around.parser, { table: unit, sequences, apart: names, privileges });
    scripts.push({ name: unit.name, groups: table.groups() }, ...constraintScripts(unit, names));
    lateDefaults.push(...table.lateDefaults);
  }
  return { scripts, lateDefaults };
}

function creation(unit: Unit, { parser, roles }: Surroundings): string {
  const create = creating(unit);
  // The one schema that no dump makes.
  if (create === undefined) return "CREATE SCHEMA public";
  return unit.name?.type === "policy" ? roles.addPolicy(create) : creationOf(parser, unit);
}

/** The sequences that columns own, by the table. */
function ownedSequences(units: readonly Unit[]): ReadonlyMap<Unit, readonly OwnedUnit[]> {
  const tables = new Map(
    units
      .filter(({ address }) => address.type === "table")
      .map((unit) => [nameKey(unit.name?.parts ?? []), unit]),
  );
  const owned = new Map<Unit, OwnedUnit[]>();
  const mentions = new Map(units.map((unit) => [unit, mentionsOf(unit.statements)]));
  for (const unit of units.filter(({ name }) => name?.type === "sequence")) {
    const [owner] = unit.statements.map(({ tree }) => ownedBy(tree)).filter((one) => one !== null);
    const table = owner === undefined ? undefined : tables.get(nameKey([owner.schema, owner.table]));
    if (table === undefined) continue;
    const handle = handleOf(unit) ?? "";
    const isShared = units.some(
      (other) => other !== unit && other !== table && mentions.get(other)?.has(handle),
    );
    owned.set(table, [...(owned.get(table) ?? []), { unit, isShared }]);
  }
  return owned;
}

/** The scripts of a table's constraints that have files of their own. */
function constraintScripts(table: Unit, names: ReadonlySet<string>): ObjectScript[] {
  return table.statements.flatMap((statement) => {
    const constraint = constraintOf(statement);
    const name = constraintName(constraint);
    if (!names.has(name) || typeof constraint.conname !== "string") return [];
    const comments = table.statements
      .filter((one) => commentedConstraint(one) === name)
      .map(({ sql }) => sql);
    const parts = [...(table.name?.parts ?? []), constraint.conname];
    return [{ name: { type: "constraint", parts }, groups: [[statement.sql], comments] }];
  });
}

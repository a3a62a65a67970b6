/** A tree of scripts from a database's schema: `wo migrate` of an empty database makes the same schema from it. Pure. */
import { loadParser, type Parser } from "../schema/parser.js";
import { roleName } from "../schema/rules/privileges.js";
import { DEFAULT_SETTINGS, ignoredBy, type SchemaSettings } from "../schema/settings.js";
import { type DumpStatement, dumpStatements } from "../schema/statements/dump-statements.js";
import { listAt, objectAt, stringAt } from "../schema/tree.js";
import { isHard } from "./import/constraints.js";
import { type Gathered, gather, type Unit } from "./import/gather.js";
import { findKnots } from "./import/knots.js";
import { knotScript, type LooseScript, numbered, onceScripts, repeatedScripts } from "./import/loose.js";
import { NeedIndex } from "./import/mentions.js";
import { type ObjectScripts, objectScripts } from "./import/objects.js";
import { type Placement, placeLoose } from "./import/place.js";
import { PREFIX_TEXT, RoleScripts, type ServerRole } from "./import/roles.js";
import { scriptOf } from "./import/script.js";
import { describeName, type KindType, kindOfDirectory, pathOf } from "./kinds.js";

export type { ServerRole } from "./import/roles.js";

export interface ImportOptions {
  /** What the names of the project's roles begin with on the server; it becomes `{wo_role_prefix}`. */
  readonly rolePrefix: string;
  /** Roles of the server by name; where there is none to ask, empty. */
  readonly roles: ReadonlyMap<string, ServerRole>;
  /** What counts as schema; only what is to be ignored is looked at. */
  readonly settings?: Partial<SchemaSettings> | undefined;
  /** Whether what holds rows is to be in the tree, and what it is made of: not where deltas make it. */
  readonly tables: boolean;
}

/** A script of the tree. */
export interface ImportedFile {
  /** Inside the tree, with slashes. */
  readonly path: string;
  readonly content: string;
  /** Null in `initial/` and `final/`. */
  readonly type: KindType | null;
}

export interface ImportedTree {
  /** Sorted by path. */
  readonly files: readonly ImportedFile[];
  /** The roles that have scripts, by their names on the server. */
  readonly roles: readonly string[];
  /** What could not be brought into the tree as it is, one sentence each. */
  readonly warnings: readonly string[];
}

/** What a tree holds beside tables that deltas make. */
const WITHOUT_TABLES: ReadonlySet<KindType> = new Set<KindType>([
  "function",
  "procedure",
  "aggregate",
  "view",
  "materialized-view",
  "trigger",
  "rule",
  "policy",
  "event-trigger",
  "role",
]);

/** All that the scripts are written from. */
interface Import {
  readonly parser: Parser;
  readonly statements: readonly DumpStatement[];
  readonly gathered: Gathered;
  readonly placement: Placement;
  /** What has no script of its own since it is part of a circle. */
  readonly knots: ReadonlySet<Unit>;
  readonly roles: RoleScripts;
  /** What of each object's privileges stands in its own script. */
  readonly privileges: ReadonlyMap<Unit, readonly string[]>;
}

/**
 * Makes a tree from a dump.
 *
 * @param dump what `pg_dump --schema-only` wrote, or an archived schema
 * @example (await importTree(dump, { rolePrefix: "", roles: new Map(), tables: true })).files[0]?.path
 */
export async function importTree(dump: string, options: ImportOptions): Promise<ImportedTree> {
  const parser = await loadParser();
  const { statements } = dumpStatements(parser, dump);
  const gathered = gather(statements, ignoredBy({ ...DEFAULT_SETTINGS, ...options.settings }));
  const roles = new RoleScripts(parser, options.rolePrefix, options.roles);
  const units = giveMappings(gathered.units, roles);
  const needs = new NeedIndex(units);
  const placement = placeLoose(units, needs);
  const privileges = new Map(units.map((unit) => [unit, roles.addGrants(unit.grants)]));
  const scripted = units.filter((unit) => unit.name !== null && !placement.initial.has(unit));
  const hardNeeds = new NeedIndex(scripted, isHard);
  const knots = findKnots(scripted, hardNeeds);
  const all: Import = { parser, statements, gathered, placement, knots, roles, privileges };
  const objects = objectScripts({
    parser,
    roles,
    privileges,
    needs,
    hardNeeds,
    units: scripted.filter((unit) => !knots.has(unit)),
  });
  const outside = [...initialScripts(all), ...finalScripts(all, objects.lateDefaults)];
  const files = [...objectFiles(objects, roles), ...outside];
  const wanted = options.tables
    ? files
    : files.filter(({ type }) => type !== null && WITHOUT_TABLES.has(type));
  return {
    files: wanted.sort((a, b) => (a.path < b.path ? -1 : 1)),
    roles: roles.names(),
    warnings: [...warningsOf(all, dump), ...(options.tables ? [] : leftToDeltas(all))],
  };
}

/** One file for each object; overloads of a function are one object. */
function objectFiles({ scripts }: ObjectScripts, roles: RoleScripts): ImportedFile[] {
  const byPath = new Map<string, string[]>();
  const add = (path: string, text: string) => byPath.set(path, [...(byPath.get(path) ?? []), text]);
  for (const { name, groups } of scripts) add(pathOf(name), scriptOf(groups));
  for (const { name, groups } of roles.scripts())
    add(pathOf({ type: "role", parts: [name] }), scriptOf(groups));
  return [...byPath].map(([path, texts]) => ({
    path,
    content: texts.join("\n"),
    type: kindOfDirectory(path.split("/")[0] ?? "")?.type ?? null,
  }));
}

/**
 * What is made before the objects, and what that needs. What is there when the objects' turn comes is left as it is, and
 * so is what every new database has: all of it has to be said here.
 */
function initialScripts({ placement, statements, privileges }: Import): ImportedFile[] {
  const { before, initial } = placement;
  return outside("initial", onceScripts(new Set([...before, ...initial]), statements, privileges));
}

/** What comes after the objects. */
function finalScripts(all: Import, lateDefaults: readonly string[]): ImportedFile[] {
  const { statements, gathered, placement, knots, privileges, roles } = all;
  const grants = gathered.strays.filter(({ kind }) => kind === "GrantStmt");
  const others = gathered.strays.filter(({ kind }) => kind !== "GrantStmt");
  const script = (label: string, statements: readonly string[]) => ({
    label,
    content: scriptOf([statements]),
  });
  return outside("final", [
    knotScript(knots, statements, privileges),
    script("defaults", lateDefaults),
    ...repeatedScripts(placement.final, privileges),
    script(
      "others",
      others.map(({ sql }) => sql),
    ),
    script(
      "privileges",
      grants.flatMap((grant) => roles.addGrants([grant])),
    ),
    script("default-privileges", roles.addDefaultPrivileges(gathered.defaultPrivileges, knots.size > 0)),
  ]);
}

function outside(folder: string, scripts: readonly LooseScript[]): ImportedFile[] {
  return numbered(folder, scripts).map((file) => ({ ...file, type: null }));
}

/** Gives user mappings of the project's roles to the roles' scripts: the roles come last. */
function giveMappings(units: readonly Unit[], roles: RoleScripts): Unit[] {
  return units.filter((unit) => {
    const role = unit.address.type === "user mapping" ? roleName(unit.statements[0]?.tree.user) : "";
    if (role === "" || !roles.isOwn(role)) return true;
    for (const statement of unit.statements) roles.addMapping(role, statement);
    return false;
  });
}

/** Objects that would have scripts, but for what needs them and is made by deltas. */
function leftToDeltas({ placement, knots }: Import): string[] {
  const told = (units: ReadonlySet<Unit>, why: string) =>
    [...units].flatMap(({ name }) =>
      name !== null && WITHOUT_TABLES.has(name.type)
        ? [`The ${describeName(name)} has no script: ${why}. Deltas change it.`]
        : [],
    );
  return [
    ...told(placement.initial, "a cast, an operator or the like needs it, which deltas make"),
    ...told(knots, "it and others need each other in a circle"),
  ];
}

function hasPassword({ statements }: Unit): boolean {
  return statements.some(
    ({ kind, tree }) =>
      kind === "CreateUserMappingStmt" &&
      listAt(tree, "options").some((node) => stringAt(objectAt(node, "DefElem"), "defname") === "password"),
  );
}

function warningsOf({ gathered, placement, roles }: Import, dump: string): string[] {
  const unread = gathered.strays.filter(({ kind }) => kind === "");
  const secrets = gathered.units.filter(hasPassword);
  return [
    ...(dump.includes(PREFIX_TEXT)
      ? [`The schema itself has the text ${PREFIX_TEXT}, which a migrate replaces.`]
      : []),
    ...unread.map(
      ({ entry }) =>
        `${entry.type.toLowerCase()} ${entry.name} does not parse; it stands in final/ as the server printed it.`,
    ),
    ...secrets.map(
      ({ address }) => `The ${address.type} ${address.name} has a password, which its script repeats.`,
    ),
    ...placement.torn.map(
      ({ address }) =>
        `${address.type} ${address.name} is needed by objects and needs some itself, and stands in final/; put it into the script of what it needs.`,
    ),
    ...roles.bareOwners.map(
      (name) =>
        `The owner of ${name} has given up privileges; in the tree, whoever migrates owns it and gives them up.`,
    ),
    ...[...roles.strangers]
      .sort()
      .map(
        (role) =>
          `The role ${role} does not begin with the prefix of the project's roles: it has no script, and has to be there before a migrate.`,
      ),
  ];
}

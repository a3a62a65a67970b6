/** The project: its settings with the defaults filled in, and where everything lies on disk. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { ConfigError } from "../errors.js";
import { isMissing, readText, resolveInside } from "../files.js";
import { parseJson } from "../json.js";
import { nearest } from "../nearest.js";
import { checkDatabaseName, DEFAULT_STAGE, urlVariable } from "./names.js";
import { ConfigFile } from "./schemas.js";

/** What counts as schema; all of it given, so that it can be compared and stored. */
export interface SchemaOptions {
  readonly owners: boolean;
  readonly tablespaces: boolean;
  readonly subscriptions: boolean;
  readonly columnOrder: boolean;
  /** Patterns with `*` and `?`. */
  readonly ignoreSchemas: readonly string[];
  /** Patterns with `*` and `?` over `name` or `schema.name`. */
  readonly ignoreTables: readonly string[];
}

/** One database of the project. */
export interface ProjectDatabase {
  readonly name: string;
  /** `bundled`, `system`, or the absolute path of a pg_dump. */
  readonly pgDump: string;
  readonly schema: SchemaOptions;
  /** Whether the ledger is a database of its own or a schema inside this one. */
  readonly ledger: "database" | "schema";
  readonly objects: ObjectsOptions;
  readonly paths: DatabasePaths;
}

/** How the object scripts are to be read. */
export interface ObjectsOptions {
  /** What `{wo_role_prefix}` stands for. */
  readonly rolePrefix: string;
  /** Schemas in which names without one are looked up. */
  readonly searchPath: readonly string[];
}

/** Where everything of one database lies; every path is absolute. */
export interface DatabasePaths {
  readonly database: string;
  /** The archive's folder, which all the others but `objects` are in. */
  readonly archive: string;
  readonly pendingDeltas: string;
  readonly history: string;
  /** The folder of the archived deltas. */
  readonly folder: string;
  /** The folder of the archived schemas. */
  readonly schemas: string;
  /** The object scripts; in the project or in the archive. */
  readonly objects: string;
  archivedDeltas(version: string): string;
  archivedSchema(version: string): string;
}

export interface Project {
  /** The folder that holds `wovtools/`, absolute. */
  readonly root: string;
  readonly configFile: string;
  readonly secretsFolder: string;
  /** The stage that a command means when it is not told one. */
  readonly stage: string;
  readonly pver: "package.json" | "commits";
  readonly archive: {
    readonly folder: string;
    /** null: as git says, true where the archive is a repository of its own. */
    readonly push: boolean | null;
    /** What the messages of commits begin with. */
    readonly commitPrefix: string;
  };
  readonly hook: { readonly unreachable: "block" | "warn"; readonly uncommitted: "report" | "block" };
  /** In the order of the configuration. */
  readonly databases: ReadonlyMap<string, ProjectDatabase>;
}

const FOLDER = "wovtools";

/**
 * Looks for the project that a folder lies in: the nearest folder upwards with `wovtools/config.json`.
 *
 * @returns the project's root, absolute, or null when there is none
 */
export async function findProject(cwd: string): Promise<string | null> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    try {
      if ((await stat(configPath(folder))).isFile()) return folder;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    if (folder === dirname(folder)) return null;
  }
}

function configPath(root: string): string {
  return join(root, FOLDER, "config.json");
}

/**
 * Reads and checks `wovtools/config.json`.
 *
 * @param root the folder that holds `wovtools/`
 * @throws ConfigError `NO_PROJECT`, `CONFIG_JSON`, `CONFIG_INVALID` (an unknown key, a wrong type, a bad name),
 *   `PATH_OUTSIDE`, `NAMES_COLLIDE`; where: file, line and column
 */
export async function loadProject(root: string): Promise<Project> {
  const configFile = configPath(root);
  const text = await readText(configFile, ConfigError);
  if (text === null) {
    throw new ConfigError("NO_PROJECT", "There is no wovtools project here.", {
      where: configFile,
      hint: "Make one with:\n  wov init",
    });
  }
  const config = parseJson(ConfigFile, text, configFile, "CONFIG", ConfigError);
  refuseCollisions(Object.keys(config.databases), configFile);
  return resolveProject(resolve(root), config);
}

/** Two names that differ only in letter case or in `-` and `_` would share an environment variable or a file. */
function refuseCollisions(names: readonly string[], where: string): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const other = seen.get(urlVariable(name));
    seen.set(urlVariable(name), name);
    if (other === undefined) continue;
    throw new ConfigError(
      "NAMES_COLLIDE",
      `The databases ${other} and ${name} would share the variable ${urlVariable(name)}.`,
      { where, hint: "Rename one of them." },
    );
  }
}

function resolveProject(root: string, config: ConfigFile): Project {
  const archive = resolve(root, config.archive?.path ?? join(FOLDER, "db"));
  const databases = new Map<string, ProjectDatabase>();
  for (const [name, own] of Object.entries(config.databases)) {
    const objects = typeof own.objects === "string" ? { path: own.objects } : (own.objects ?? {});
    databases.set(name, {
      name,
      pgDump: resolvePgDump(root, own.pgDump ?? config.pgDump ?? "bundled"),
      schema: schemaOptions(config.schema, own.schema),
      ledger: own.ledger ?? "database",
      objects: {
        rolePrefix: objects.rolePrefix ?? "",
        searchPath: objects.searchPath ?? ["public"],
      },
      paths: pathsOf(root, archive, name, objects.path),
    });
  }
  return {
    root,
    configFile: configPath(root),
    secretsFolder: join(root, FOLDER, "secrets"),
    stage: config.stage ?? DEFAULT_STAGE,
    pver: config.pver ?? "package.json",
    archive: {
      folder: archive,
      push: config.archive?.push ?? null,
      commitPrefix: config.archive?.commitPrefix ?? "wovtools: ",
    },
    hook: {
      unreachable: config.hook?.unreachable ?? "block",
      uncommitted: config.hook?.uncommitted ?? "report",
    },
    databases,
  };
}

function resolvePgDump(root: string, pgDump: string): string {
  return pgDump === "bundled" || pgDump === "system" ? pgDump : resolve(root, pgDump);
}

/** The defaults for all databases, then the settings of one over them. */
function schemaOptions(shared: ConfigFile["schema"] = {}, own: ConfigFile["schema"] = {}): SchemaOptions {
  return {
    owners: own.owners ?? shared.owners ?? false,
    tablespaces: own.tablespaces ?? shared.tablespaces ?? false,
    subscriptions: own.subscriptions ?? shared.subscriptions ?? false,
    columnOrder: own.columnOrder ?? shared.columnOrder ?? true,
    ignoreSchemas: own.ignoreSchemas ?? shared.ignoreSchemas ?? [],
    ignoreTables: own.ignoreTables ?? shared.ignoreTables ?? [],
  };
}

/**
 * @param archive absolute
 * @param objects as configured, relative to the root
 * @throws ConfigError `PATH_OUTSIDE` when the objects are to lie outside the project
 */
function pathsOf(
  root: string,
  archive: string,
  database: string,
  objects: string | undefined,
): DatabasePaths {
  const folder = join(archive, database);
  const schemas = join(folder, "schemas");
  return {
    database,
    archive,
    pendingDeltas: join(archive, `${database}.deltas`),
    history: join(archive, `${database}.json`),
    folder,
    schemas,
    objects: objects === undefined ? join(folder, "objects") : resolveInside(root, objects, ConfigError),
    archivedDeltas: (version) => fileIn(folder, `${version}.deltas`),
    archivedSchema: (version) => fileIn(schemas, `${version}.schema`),
  };
}

/** A name that is no path leads nowhere else, which is quick to see for each of thousands. */
function fileIn(folder: string, name: string): string {
  return basename(name) === name ? `${folder}${sep}${name}` : resolveInside(folder, name, ConfigError);
}

/**
 * One database of a project by name.
 *
 * @throws ConfigError `BAD_DATABASE_NAME` when the word cannot name a database, `UNKNOWN_DATABASE` when the
 *   configuration has none of that name; the hint gives the nearest
 */
export function projectDatabase(project: Project, name: string): ProjectDatabase {
  const found = project.databases.get(checkDatabaseName(name));
  if (found !== undefined) return found;
  const names = [...project.databases.keys()];
  const meant = nearest(name, names);
  throw new ConfigError("UNKNOWN_DATABASE", `The project has no database ${name}.`, {
    where: project.configFile,
    hint:
      meant !== null
        ? `Did you mean ${meant}?`
        : `It has: ${names.join(", ") || "none"}. Add one with:\n  wov init --database ${name}`,
  });
}

/** Where everything of one database lies. Errors as `projectDatabase`. */
export function databasePaths(project: Project, name: string): DatabasePaths {
  return projectDatabase(project, name).paths;
}

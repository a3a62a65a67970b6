import { resolve } from "node:path";
import { readArchive, readSchema } from "../archive/read.js";
import { heads, isVersionKey, latestOf, type Version } from "../archive/versions.js";
import {
  findProject,
  loadProject,
  type Project,
  projectDatabase,
  type SchemaOptions,
} from "../config/project.js";
import { BlockedError, ConfigError } from "../errors.js";
import { readText } from "../files.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import { isDump } from "../schema/dump.js";
import { neededBy } from "../schema/needs.js";
import { loadParser } from "../schema/parser.js";
import { withoutRows } from "../schema/rows.js";
import { refuseOtherSettings } from "./database-state.js";
import { readLiveSchema, type SchemaText, schemaText } from "./live-schema.js";
import { type CommandOptions, connectionOf, type Session, sessionIn } from "./session.js";

/** Anything that a schema can be read from, as a user writes it. */
export type SchemaSource =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "archived"; readonly database: string; readonly version: string }
  | { readonly kind: "database"; readonly database: string; readonly stage: string | null };

const FORMS = "shopdb, prod:shopdb, shopdb@1.2.0, shopdb@head, postgres://… or path/file.sql";

/**
 * Reads how a schema source is written. Pure.
 *
 * @throws ConfigError `BAD_SOURCE`; the text is not repeated when it may be a URL with a password
 * @example parseSource("prod:shopdb") // → { kind: "database", database: "shopdb", stage: "prod" }
 */
export function parseSource(text: string): SchemaSource {
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: "url", url: text };
  if (/[/\\]|\.(sql|schema)$/.test(text) && !text.includes("://")) return { kind: "file", path: text };
  const archived = /^([^@:]+)@([^@:]+)$/.exec(text);
  if (archived?.[1] && archived[2]) {
    const version = archived[2];
    if (version !== "head" && !isVersionKey(version)) {
      throw new ConfigError("BAD_SOURCE", `"${version}" is neither a version nor head.`, {
        where: text,
        hint: `A schema source is one of ${FORMS}.`,
      });
    }
    return { kind: "archived", database: archived[1], version };
  }
  const live = /^(?:([^@:]+):)?([^@:]+)$/.exec(text);
  if (live?.[2] && !text.includes("://"))
    return { kind: "database", database: live[2], stage: live[1] ?? null };
  throw new ConfigError("BAD_SOURCE", "This is no schema source.", {
    hint: `A schema source is one of ${FORMS}.`,
  });
}

/**
 * One URL would make two databases of the project the same one, and nothing would differ.
 *
 * @throws ConfigError `URL_FOR_SEVERAL`
 */
export function refuseUrlForTwo(sources: readonly SchemaSource[], { url }: CommandOptions): void {
  if (url === undefined || sources.filter(({ kind }) => kind === "database").length < 2) return;
  throw new ConfigError("URL_FOR_SEVERAL", "--url is of one database, and this compares two.", {
    hint: "Write the URL in the place of one of them.",
  });
}

/** A source in words that may be printed: a URL without its password. */
export function sourceName(source: SchemaSource): string {
  switch (source.kind) {
    case "url":
      return urlName(source.url);
    case "file":
      return source.path;
    case "archived":
      return `${source.database}@${source.version}`;
    case "database":
      return source.stage === null ? source.database : `${source.stage}:${source.database}`;
  }
}

/** A URL's server and database. Where it is written so that a part of its password may stand there: nothing of it. */
function urlName(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // A password that is not percent-encoded, mostly.
    return "the URL";
  }
  const { protocol, host, pathname, username } = parsed;
  const misread = pathname.includes("@") || (url.includes("@") && username === "");
  return misread ? "the URL" : `${protocol}//${host}${pathname}`;
}

const DEFAULT_SCHEMA: SchemaOptions = {
  owners: false,
  tablespaces: false,
  subscriptions: false,
  columnOrder: true,
  ignoreSchemas: [],
  ignoreTables: [],
};

/**
 * Reads the schema of a source. A project is needed only by sources that belong to one.
 *
 * @param like the database whose settings of what counts as schema hold for a file or a URL; the project's only
 *   one unless given
 */
export async function readSource(
  source: SchemaSource,
  options: CommandOptions,
  like: string | null = null,
): Promise<SchemaText> {
  const cwd = options.cwd ?? process.cwd();
  const root = await findProject(cwd);
  if (source.kind === "archived" || source.kind === "database") {
    const session = sessionIn(await loadProject(root ?? cwd), options);
    return source.kind === "archived" ? readArchived(session, source) : readDatabase(session, source);
  }
  const project = root === null ? null : await loadProject(root);
  const settings = settingsFor(project, like);
  options.progress?.(`reading ${sourceName(source)}`);
  if (source.kind === "file") return readFileSource(resolve(cwd, source.path), settings.schema);
  const { parseConnectionUrl } = await import("../postgres/connection-url.js");
  return readLive(parseConnectionUrl(source.url), settings, options.progress);
}

/** How a database is read that belongs to no project. */
export const NO_PROJECT_SETTINGS = { pgDump: "bundled", schema: DEFAULT_SCHEMA } as const;

function settingsFor(
  project: Project | null,
  like: string | null,
): { pgDump: string; schema: SchemaOptions } {
  if (project !== null && like !== null) return projectDatabase(project, like);
  const [only, ...others] = project?.databases.values() ?? [];
  return only !== undefined && others.length === 0 ? only : NO_PROJECT_SETTINGS;
}

/** The database of the project that a source is about; null for a file or a URL. */
export function databaseOf(source: SchemaSource): string | null {
  return source.kind === "archived" || source.kind === "database" ? source.database : null;
}

async function readDatabase(
  session: Session,
  source: { database: string; stage: string | null },
): Promise<SchemaText> {
  const database = projectDatabase(session.project, source.database);
  const onStage = source.stage === null ? session : { ...session, stage: source.stage };
  const { settings } = await connectionOf(onStage, database.name);
  session.progress(`reading the schema of ${database.name} on ${onStage.stage}`);
  return readLive(settings, database, session.progress);
}

/** Whoever asks for a source will compare it: the parser is loaded while the server answers. */
async function readLive(...asked: Parameters<typeof readLiveSchema>): Promise<SchemaText> {
  const [schema] = await Promise.all([readLiveSchema(...asked), loadParser()]);
  return schema;
}

async function readArchived(
  session: Session,
  source: { database: string; version: string },
): Promise<SchemaText> {
  const database = projectDatabase(session.project, source.database);
  const archive = await readArchive(database.paths);
  const version =
    source.version === "head"
      ? onlyHead(archive.versions, database.name)
      : exactOrLatest(archive.versions, source);
  refuseOtherSettings(database, version);
  return schemaText(await readSchema(archive, version.key), database.schema);
}

function onlyHead(versions: ReadonlyMap<string, Version>, database: string): Version {
  const ends = heads(versions);
  const version = versions.get(ends[0] ?? "");
  if (version !== undefined && ends.length === 1) return version;
  throw new BlockedError(
    "NO_HEAD",
    ends.length === 0
      ? `The archive of ${database} is empty.`
      : `The archive of ${database} is forked: ${ends.join(" and ")}.`,
    {
      hint:
        ends.length === 0
          ? `Archive a first version:\n  wov-push-db --snapshot ${database} initial`
          : "Say which version.",
    },
  );
}

function exactOrLatest(
  versions: ReadonlyMap<string, Version>,
  { database, version }: { database: string; version: string },
): Version {
  const found = versions.get(version) ?? latestOf(versions, version);
  if (found) return found;
  throw new ConfigError("UNKNOWN_VERSION", `The archive of ${database} has no version ${version}.`, {
    hint: `It has: ${[...versions.keys()].join(", ") || "none"}.`,
  });
}

/** A dump is read as it is. Any other SQL is run on a throw-away server, and what it makes is read from there. */
async function readFileSource(path: string, settings: SchemaOptions): Promise<SchemaText> {
  const sql = await readText(path, ConfigError);
  if (sql === null) throw new ConfigError("NO_SUCH_FILE", "There is no such file.", { where: path });
  const dump = withoutRows(sql);
  if (isDump(dump)) return schemaText(dump, settings);
  return loadFileSource(sql, path, settings);
}

async function loadFileSource(sql: string, path: string, settings: SchemaOptions): Promise<SchemaText> {
  const { withLoadedShadow } = await import("../postgres/shadow.js");
  const { embeddedShadowServer } = await import("../postgres/shadow-servers.js");
  const server = await embeddedShadowServer();
  try {
    return await withLoadedShadow(server, { sql, name: path, roles: (await neededBy(sql)).roles }, (shadow) =>
      readLiveSchema(shadow, { pgDump: "bundled", schema: settings }),
    );
  } catch (error) {
    if (!(error instanceof BlockedError)) throw error;
    throw new ConfigError("SQL_REFUSED", error.message, {
      where: error.where,
      hint: error.hint,
      cause: error,
    });
  } finally {
    await server.close();
  }
}

/** How to reach the server that a source is read from; null for what is read from files. */
export async function connectionOfSource(
  source: SchemaSource,
  options: CommandOptions,
): Promise<ConnectionSettings | null> {
  if (source.kind === "url") {
    const { parseConnectionUrl } = await import("../postgres/connection-url.js");
    return parseConnectionUrl(source.url);
  }
  if (source.kind !== "database") return null;
  const cwd = options.cwd ?? process.cwd();
  const session = sessionIn(await loadProject((await findProject(cwd)) ?? cwd), options);
  const onStage = source.stage === null ? session : { ...session, stage: source.stage };
  return (await connectionOf(onStage, source.database)).settings;
}

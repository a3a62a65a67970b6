import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { storedSettings } from "../archive/history.js";
import { readJournal } from "../archive/journal.js";
import { type Archive, readArchive, readSchema } from "../archive/read.js";
import type { Version } from "../archive/versions.js";
import type { ProjectDatabase } from "../config/project.js";
import type { DeltasReport } from "../deltas/report.js";
import { ConfigError, DatabaseError } from "../errors.js";
import { isMissing } from "../files.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import type { LedgerVersion } from "../stage/ledger.js";
import type { CompareOptions, SchemaComparison } from "./compare.js";
import { type KnownSame, knownSameIn } from "./known-same.js";
import { readLiveSchema, type SchemaText, schemaText } from "./live-schema.js";
import { readRememberedSchema } from "./remembered-schema.js";
import { connectionOf, type Session } from "./session.js";

/** Deltas that wait to be archived. */
export interface PendingDeltas {
  readonly content: Buffer;
  readonly report: DeltasReport;
}

/** What the files of a project say of a database. */
export interface DatabaseFiles {
  readonly database: ProjectDatabase;
  readonly archive: Archive;
  /** null where there is no file, or nothing but comments in it. */
  readonly pending: PendingDeltas | null;
  /** An archiving was begun and did not finish. */
  readonly interrupted: boolean;
  /** Answers of earlier runs about schemas whose texts differ. */
  readonly known: KnownSame;
}

/** All that is known of a database and its archive before anything is decided. */
export interface DatabaseState extends DatabaseFiles {
  /** The database as it is now; why it cannot be read; or why nobody knows where it is. */
  readonly live: LiveDatabase | DatabaseError | ConfigError;
}

export interface LiveDatabase {
  readonly schema: SchemaText;
  readonly connection: ConnectionSettings;
  /** What the stage's ledger says; null where it knows nothing of the database or there is no ledger. */
  readonly ledger: LedgerVersion | null;
}

export interface FilesOptions {
  readonly verify: "heads" | "all";
  /** Where the database's journal is; what is remembered from one run to the next lies beside it. */
  readonly journal: string;
  /** Entries of the version history to leave out, by their keys. */
  readonly without?: readonly string[] | undefined;
}

export interface ReadOptions extends FilesOptions {
  /** A schema read before may serve where the server's catalogs have not changed. Otherwise pg_dump runs. */
  readonly mayRemember?: boolean;
}

/** Reads everything of one database. An unreachable database is part of the answer, not an error. */
export async function readDatabaseState(
  session: Session,
  database: ProjectDatabase,
  options: ReadOptions,
): Promise<DatabaseState> {
  const remembered = options.mayRemember === true ? rememberedFile(session, database, options.journal) : null;
  const [live, files] = await Promise.all([
    readLiveOnStage(session, database, remembered),
    readDatabaseFiles(session, database, options),
  ]);
  return { ...files, live };
}

/** Reads what the files say; no server is asked. */
export async function readDatabaseFiles(
  session: Session,
  database: ProjectDatabase,
  { verify, journal, without }: FilesOptions,
): Promise<DatabaseFiles> {
  const [archive, pending, interrupted] = await Promise.all([
    readArchive(database.paths, { verify, without }),
    readPending(session, database),
    readJournal(journal),
  ]);
  const known = knownSameIn(join(dirname(journal), "same-schemas"));
  return { database, archive, pending, interrupted: interrupted !== null, known };
}

/** Where the schema is kept that a stage's database had when it was read last. */
export function rememberedFile({ stage }: Session, { name }: ProjectDatabase, journal: string): string {
  return join(dirname(journal), `schema-${name}-${stage}`);
}

/** Reads the pending deltas and checks them. */
export async function readPending(
  session: Session,
  database: ProjectDatabase,
): Promise<PendingDeltas | null> {
  const file = database.paths.pendingDeltas;
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw new ConfigError("FILE_UNREADABLE", "The pending deltas cannot be read.", {
      where: file,
      cause: error,
    });
  }
  const { checkDeltas } = await import("../deltas/check.js");
  const report = await checkDeltas(content, relative(session.project.root, file));
  return report.empty ? null : { content, report };
}

async function readLiveOnStage(
  session: Session,
  database: ProjectDatabase,
  remembered: string | null,
): Promise<LiveDatabase | DatabaseError | ConfigError> {
  const found = await connectionOf(session, database.name).catch(configError);
  if (found instanceof ConfigError) return found;
  session.progress(`reading the schema of ${database.name} on ${session.stage}`);
  return readLive(found.settings, database, remembered);
}

/**
 * Reads a database as it is now.
 *
 * @param remembered the file that keeps its schema from one run to the next; null for none
 * @returns why it cannot be read, where it cannot
 */
export async function readLive(
  settings: ConnectionSettings,
  database: ProjectDatabase,
  remembered: string | null,
): Promise<LiveDatabase | DatabaseError> {
  const [schema, ledger] = await Promise.allSettled([
    remembered === null
      ? readLiveSchema(settings, database)
      : readRememberedSchema(settings, database, remembered),
    readLedger(settings),
  ]);
  if (schema.status === "fulfilled" && ledger.status === "fulfilled")
    return { schema: schema.value, connection: settings, ledger: ledger.value };
  // What is wrong with the database itself, before what is wrong with the ledger beside it.
  const [failure] = [schema, ledger].filter((outcome) => outcome.status === "rejected");
  if (failure?.reason instanceof DatabaseError) return failure.reason;
  throw failure?.reason;
}

function configError(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  throw error;
}

/** What the stage's ledger says of a database; null where it knows nothing or there is no ledger. */
export async function readLedgerVersion(
  session: Session,
  database: ProjectDatabase,
): Promise<LedgerVersion | null> {
  const { settings } = await connectionOf(session, database.name);
  return readLedger(settings);
}

/** As {@link readLedgerVersion}, of a database that was found already. */
export async function readLedger(settings: ConnectionSettings): Promise<LedgerVersion | null> {
  const { openLedger } = await import("../stage/ledger.js");
  const ledger = await openLedger(settings);
  if (ledger === null) return null;
  try {
    return await ledger.versionOf(settings.database ?? "");
  } finally {
    await ledger.close();
  }
}

/** Whether a schema is, by its text, the one of an archived version. Text that is the same is not even parsed. */
export async function isSchemaOf(
  state: Pick<DatabaseState, "archive" | "database">,
  live: SchemaText,
  version: Version,
): Promise<boolean> {
  refuseOtherSettings(state.database, version);
  if (live.sha256 === version.schema.sha256) return true;
  const schema = await live.canonical();
  if (schema.form === version.schema.form && hasSettingsOf(version, state.database))
    return schema.checksum === version.checksum;
  // Another form made that checksum, or it covers what is ignored by now: it is made again from the archived schema.
  const archived = await archivedSchemaText(state, version.key);
  return schema.checksum === (await archived.canonical()).checksum;
}

/** Holds a live schema against the one of an archived version; a server is asked where text cannot decide. */
export async function compareWithVersion(
  state: DatabaseState,
  live: LiveDatabase,
  version: Version,
  options: Pick<CompareOptions, "verdictOnly" | "progress">,
): Promise<SchemaComparison> {
  refuseOtherSettings(state.database, version);
  const archived = await archivedSchemaText(state, version.key);
  const { compareSchemas } = await import("./compare.js");
  return compareSchemas(archived, live.schema, { ...options, near: live.connection, known: state.known });
}

/** The archived schema of a version. */
export async function archivedSchemaText(
  state: Pick<DatabaseState, "archive" | "database">,
  key: string,
): Promise<SchemaText> {
  return schemaText(await readSchema(state.archive, key), state.database.schema);
}

function hasSettingsOf(version: Version, database: ProjectDatabase): boolean {
  const [then, now] = [version.schema.settings, database.schema].map(storedSettings);
  return JSON.stringify(then) === JSON.stringify(now);
}

/**
 * What an archived schema holds can be left out at any time; what it does not hold cannot be compared.
 *
 * @throws ConfigError `SETTINGS_CHANGED`
 */
export function refuseOtherSettings(
  { name, schema: counts }: ProjectDatabase,
  { key, schema }: Version,
): void {
  const lacking = (["owners", "tablespaces", "subscriptions"] as const).filter(
    (setting) => counts[setting] && schema.settings[setting] !== true,
  );
  if (lacking.length === 0) return;
  throw new ConfigError(
    "SETTINGS_CHANGED",
    `${name} ${key} was archived without ${lacking.join(" and ")}, which now count as schema.`,
    {
      where: '"schema" in wovtools/config.json',
      hint: `Take ${lacking.map((setting) => `"${setting}"`).join(" and ")} out: what an archived schema does not hold cannot be compared.`,
    },
  );
}

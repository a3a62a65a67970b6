import { relative } from "node:path";
import { DatabaseError as ServerError } from "pg";
import { readSchema } from "../../archive/read.js";
import { heads, type Version } from "../../archive/versions.js";
import type { ResolvedConnection } from "../../config/connection.js";
import type { ProjectDatabase } from "../../config/project.js";
import { BlockedError, DatabaseError, WovError } from "../../errors.js";
import { type ConnectionSettings, describeConnection, withClient } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import { createLedger, type Ledger, openLedger } from "../../stage/ledger.js";
import { askLedgers } from "../ask-ledgers.js";
import { isSchemaOf, readDatabaseState } from "../database-state.js";
import { accountingOf } from "../objects/scripted.js";
import { readProjectScripts } from "../objects/scripts.js";
import { archivingPlace, openRepositories } from "../repositories.js";
import type { InstanceResult, LedgerLogResult, LedgerVersionResult } from "../results.js";
import {
  type CommandOptions,
  chosenDatabases,
  connectionOf,
  onlyDatabase,
  openSession,
  resolvedConnection,
  type Session,
} from "../session.js";
import { targetsOf } from "../targets.js";

export interface DatabaseOptions extends CommandOptions {
  /** The database; may be left out where the project has one. */
  readonly database?: string | undefined;
}

/** Makes the ledger on the server of every chosen database; where it is there, nothing changes. */
export async function initLedger(
  options: DatabaseOptions = {},
): Promise<{ stage: string; created: boolean }> {
  const session = await openSession(options);
  let created = false;
  for (const database of chosenDatabases(session, namesOf(options))) {
    for (const { settings } of await targetsOf(session, database))
      created = (await createLedger(settings)).created || created;
  }
  return { stage: session.stage, created };
}

/** The version that the ledger gives each chosen database. */
export async function ledgerVersions(options: DatabaseOptions = {}): Promise<LedgerVersionResult> {
  const { stage, answers } = await fromLedgers(options, async (ledger, onServer, database) => {
    const found = await ledger.versionOf(onServer);
    const since = found?.since.toISOString() ?? null;
    return { database, onServer, version: found?.version ?? null, since };
  });
  return { stage, databases: answers };
}

/** What happened to each chosen database, oldest first. */
export async function ledgerLog(options: DatabaseOptions = {}): Promise<LedgerLogResult> {
  const { stage, answers } = await fromLedgers(options, async (ledger, onServer, database) => {
    const log = await ledger.log(onServer);
    return log.map(({ version, event, by, at, commit }) => {
      return { database, onServer, version, event, by, at: at.toISOString(), commit };
    });
  });
  return { stage, entries: answers.flat() };
}

async function fromLedgers<T>(
  options: DatabaseOptions,
  ask: (ledger: Ledger, onServer: string, database: string) => Promise<T>,
): Promise<{ stage: string; answers: T[] }> {
  const session = await openSession(options);
  const { stage } = session;
  const answers: T[] = [];
  for (const database of chosenDatabases(session, namesOf(options))) {
    const { name } = database;
    const found = await askLedgers(await targetsOf(session, database), (ledger, onServer) => {
      if (ledger === null) throw noLedger(name, stage);
      return ask(ledger, onServer, name);
    });
    answers.push(...found);
  }
  return { stage, answers };
}

/** How to reach a database, or its ledger, which is one for all that a pattern finds unless each has its own. */
export async function placeOf(
  session: Session,
  { name, ledger }: ProjectDatabase,
  isLedger: boolean,
): Promise<ResolvedConnection> {
  return isLedger && ledger !== "schema" ? resolvedConnection(session, name) : connectionOf(session, name);
}

/** The server was never told to keep a ledger. */
export function noLedger(database: string, stage: string): BlockedError {
  return new BlockedError("NO_LEDGER", `The server of ${database} on ${stage} has no ledger yet.`, {
    hint: "Make it with:\n  wov-db --wdb-init",
  });
}

function namesOf({ database }: DatabaseOptions): string[] {
  return database === undefined ? [] : [database];
}

/**
 * Makes a database an instance of the archive on its stage: the database itself where it is missing, from the
 * schema of the newest archived version, and its entry in the ledger.
 *
 * @throws BlockedError `NO_VERSION_FITS` for a database whose schema is that of no archived version; DatabaseError
 *   `NO_RIGHT_TO_CREATE`, `NO_RIGHT_FOR_LEDGER` where the role may not make the one or the other
 */
export async function createInstance(options: DatabaseOptions = {}): Promise<InstanceResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const { settings } = await connectionOf(session, database.name);
  const { created } = await createDatabase(settings);
  // Before anything is loaded, so that a missing right stops it while it costs nothing.
  await createLedger(settings);
  const version = await fillOrFind(session, database, settings);
  if (version !== null) await recordInstance(settings, version);
  return { database: database.name, stage: session.stage, created, version: version?.key ?? null };
}

/** Connects to the server's own database, since the one asked for may not be there. */
async function createDatabase(settings: ConnectionSettings): Promise<{ created: boolean }> {
  const name = settings.database ?? "";
  return withClient({ ...settings, database: "postgres" }, async (client) => {
    const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", [name]);
    if (rowCount) return { created: false };
    try {
      await client.query(`CREATE DATABASE ${quoteIdentifier(name)}`);
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== "42501") throw error;
      throw new DatabaseError("NO_RIGHT_TO_CREATE", `The role may not make the database: ${error.message}.`, {
        where: describeConnection(settings),
        hint: `Let a superuser run:\n  CREATE DATABASE ${quoteIdentifier(name)} OWNER ${quoteIdentifier(settings.user ?? "ROLE")};\nthen run this again.`,
        cause: error,
      });
    }
    return { created: true };
  });
}

/** The version that the database is at; an empty one gets the archive's only head first. */
async function fillOrFind(
  session: Session,
  database: ProjectDatabase,
  settings: ConnectionSettings,
): Promise<Version | null> {
  const { journal } = archivingPlace(await openRepositories(session), database);
  const state = await readDatabaseState(session, database, { verify: "all", journal });
  if (state.live instanceof WovError) throw state.live;
  const { versions } = state.archive;
  if (versions.size === 0) return null;
  if (await state.live.schema.isEmpty()) {
    const [head = "", ...forked] = heads(versions);
    if (forked.length > 0)
      throw new BlockedError(
        "FORKED",
        `The archive of ${database.name} is forked: ${[head, ...forked].join(" and ")}.`,
        {
          hint: `Whoever archived one of them ends the fork, on the database that it was archived from:\n  wov-db ${database.name} --rebase`,
        },
      );
    const sql = await readSchema(state.archive, head);
    session.progress(`loading ${database.name} ${head}`);
    const { loadInstance } = await import("../objects/instance.js");
    const content = {
      what: `${database.name} on ${session.stage}`,
      schema: { sql, file: relative(session.project.root, database.paths.archivedSchema(head)) },
      scripts: await readProjectScripts(session.project, database),
    };
    await withClient(settings, (client) => loadInstance(client, content));
    return versions.get(head) ?? null;
  }
  for (const version of [...versions.values()].reverse()) {
    if (await isSchemaOf(state, state.live.schema, version)) return version;
  }
  const [head = ""] = heads(versions);
  const last = versions.get(head) ?? null;
  const found = await accountingOf(state, state.live, last, session);
  if (found !== null && found.remaining.length === 0) return last;
  throw new BlockedError(
    "NO_VERSION_FITS",
    `${database.name} on ${session.stage} has a schema that is no archived version's.`,
    {
      hint: `See how it differs from the newest:\n  wov diff ${database.name}@head ${database.name}`,
    },
  );
}

async function recordInstance(settings: ConnectionSettings, version: Version): Promise<void> {
  const ledger = await openLedger(settings);
  try {
    await ledger?.record({
      database: settings.database ?? "",
      version: version.key,
      versionId: version.id,
      event: "instance",
      by: settings.user ?? "",
      commit: null,
    });
  } finally {
    await ledger?.close();
  }
}

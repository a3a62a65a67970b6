import { join, relative } from "node:path";
import { heads, newest, pathBetween } from "../archive/versions.js";
import { atOnce } from "../at-once.js";
import { stagesWithSecrets } from "../config/secrets.js";
import { ConfigError, DatabaseError, WovError } from "../errors.js";
import { readHookFacts } from "../git/hooks/facts.js";
import { callsHooks } from "../git/hooks/plan.js";
import {
  type DatabaseFiles,
  type DatabaseState,
  type LiveDatabase,
  readDatabaseFiles,
  readLive,
  rememberedFile,
} from "./database-state.js";
import { accountingOf, unappliedOf } from "./objects/scripted.js";
import { type Comparison, compareWithArchive } from "./position.js";
import { archivingPlace, openRepositories, type Repositories, readUncommitted } from "./repositories.js";
import type { StatusResult } from "./results.js";
import { type CommandOptions, chosenDatabases, openSession, pverOf, type Session } from "./session.js";
import { targetsOf } from "./targets.js";

export interface StatusOptions extends CommandOptions {
  /** All databases of the project unless given. */
  readonly databases?: readonly string[] | undefined;
}

type DatabaseStatus = StatusResult["databases"][number];
type StageStatus = DatabaseStatus["stages"][number];

/**
 * Every database on every stage that this machine has secrets for: its version, drift, what is pending, what it
 * lacks. With a stage given, that stage only. An unreachable stage is part of the answer.
 */
export async function status(options: StatusOptions = {}): Promise<StatusResult> {
  const session = await openSession(options);
  const repositories = await openRepositories(session);
  const [pver, uncommitted, hookFacts, stages] = await Promise.all([
    pverOf(session, repositories.project),
    readUncommitted(repositories, session.project),
    readHookFacts(repositories.project, join(session.project.root, "wovtools")),
    // A URL is of one stage.
    options.stage === undefined && options.url === undefined ? knownStages(session) : [session.stage],
  ]);
  const databases = await Promise.all(
    chosenDatabases(session, options.databases).map(async (database) => {
      const { journal } = archivingPlace(repositories, database);
      const files = await readDatabaseFiles(session, database, { verify: "all", journal });
      const onStages = await Promise.all(
        stages.map((stage) => stageStatuses(files, { session: { ...session, stage }, pver, journal })),
      );
      return databaseStatus(files, {
        stages: onStages.flat(),
        archiveUncommitted: (uncommitted.archive.get(database.name) ?? []).length > 0,
        scriptsUncommitted: uncommitted.objects.get(database.name) ?? [],
        root: session.project.root,
      });
    }),
  );
  return {
    ...summary(session, repositories),
    pver,
    uncommitted: uncommitted.project.length,
    hooks: callsHooks(hookFacts),
    databases,
  };
}

function summary({ project, stage }: Session, repositories: Repositories) {
  return { root: project.root, stage, branch: repositories.project.branch };
}

function databaseStatus(
  { database, archive, pending, interrupted }: DatabaseFiles,
  found: {
    stages: StageStatus[];
    archiveUncommitted: boolean;
    scriptsUncommitted: readonly string[];
    root: string;
  },
): DatabaseStatus {
  return {
    database: database.name,
    newest: newest(archive.versions)?.key ?? null,
    versions: archive.versions.size,
    heads: heads(archive.versions),
    strays: archive.strays.map((file) => relative(found.root, file)),
    unproven: [...archive.versions.values()].filter(({ proven }) => proven === false).map(({ key }) => key),
    pending: pending === null ? null : pending.report.statements.length,
    archiveUncommitted: found.archiveUncommitted,
    scriptsUncommitted: [...found.scriptsUncommitted],
    interrupted,
    stages: found.stages,
  };
}

/** How a stage is looked at. */
interface Look {
  readonly session: Session;
  readonly pver: string;
  /** The database's. */
  readonly journal: string;
}

/** How many databases of a stage are read at once. */
const AT_ONCE = 4;

/** A stage has one database of a name, or as many as its pattern finds. */
async function stageStatuses(files: DatabaseFiles, look: Look): Promise<StageStatus[]> {
  const { session } = look;
  const { database } = files;
  const targets = await targetsOf(session, database).catch(unreadable);
  if (targets instanceof WovError) return [outOfReach(session.stage, null, targets)];
  return atOnce(targets, AT_ONCE, async ({ settings, pattern }, index) => {
    const which = pattern === null ? "" : `, ${settings.database} (${index + 1} of ${targets.length})`;
    session.progress(`reading the schema of ${database.name} on ${session.stage}${which}`);
    const remembered = pattern === null ? rememberedFile(session, database, look.journal) : null;
    const live = await readLive(settings, database, remembered);
    const onServer = pattern === null ? null : (settings.database ?? null);
    if (live instanceof WovError) return outOfReach(session.stage, onServer, live);
    return { ...(await stageStatus({ ...files, live }, live, look)), onServer };
  });
}

/** Whatever keeps a stage from being read is part of the answer. */
function unreadable(error: unknown): ConfigError | DatabaseError {
  if (error instanceof ConfigError || error instanceof DatabaseError) return error;
  throw error;
}

function outOfReach(stage: string, onServer: string | null, { message }: WovError): StageStatus {
  return {
    stage,
    onServer,
    reachable: false,
    problem: message,
    version: null,
    ledger: false,
    drift: null,
    behind: [],
    stopped: null,
    unapplied: [],
  };
}

async function stageStatus(
  state: DatabaseState,
  live: LiveDatabase,
  { session, pver }: Look,
): Promise<Omit<StageStatus, "onServer">> {
  const { archive } = state;
  const compared = await compareWithArchive(state, live, pver, session.progress);
  const { at } = compared;
  const stopped = live.ledger?.stopped ?? null;
  const drift = stopped === null ? await hasDrifted(state, live, compared, session) : null;
  const settled = compared.drift || stopped !== null ? null : archive.versions.get(at ?? "");
  const unapplied = await unappliedOf(state, live, settled ?? null, session);
  const last = newest(archive.versions);
  const lacking = at !== null && last !== null ? (pathBetween(archive.versions, at, last.key) ?? []) : [];
  return {
    stage: session.stage,
    reachable: true,
    problem: null,
    version: at,
    ledger: live.ledger !== null,
    drift,
    behind: lacking,
    stopped,
    unapplied: [...unapplied.changes],
  };
}

/** Whether anything differs from the version that the database is at beside what the object scripts account for. */
async function hasDrifted(
  state: DatabaseState,
  live: LiveDatabase,
  { drift, at, expected }: Comparison,
  session: Session,
): Promise<boolean> {
  if (!drift) return false;
  const version = state.archive.versions.get(at ?? "") ?? expected;
  const found = await accountingOf(state, live, version, session);
  return found === null || found.remaining.length > 0;
}

/** The session's stage, and every stage that some secrets file names. */
export async function knownStages({ project, stage }: Session): Promise<string[]> {
  return [...new Set([stage, ...(await stagesWithSecrets(project))])];
}

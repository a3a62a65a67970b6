/** `wov-deploy`: brings a stage's databases to a version. */
import { quotePath } from "../archive/history.js";
import { type Archive, readArchive } from "../archive/read.js";
import { findProject, loadProject, type Project, type ProjectDatabase } from "../config/project.js";
import { ArchiveError, ConfigError } from "../errors.js";
import { loadParser } from "../schema/parser.js";
import { PATIENCE_MS } from "../stage/lock.js";
import { deployFleet } from "./deploy/fleet.js";
import { deployOne } from "./deploy/one.js";
import type { DeployOrder, DeployTerms, Rehearsals } from "./deploy/order.js";
import { Preparations } from "./deploy/preparations.js";
import type { KnownExpected } from "./objects/expected.js";
import { type ObjectScripts, readProjectScripts } from "./objects/scripts.js";
import type { DeployResult } from "./results.js";
import { type CommandOptions, chosenDatabases, sessionIn } from "./session.js";
import type { Target } from "./targets.js";
import { whoWorks } from "./who.js";

export interface DeployOptions extends CommandOptions {
  /** All databases of the project unless given. */
  readonly databases?: readonly string[] | undefined;
  /** The version to go to; the archive's only head unless given. */
  readonly pver?: string | undefined;
  /** Only say what would be done. */
  readonly plan?: boolean | undefined;
  /** Say what would be done, and rehearse it. */
  readonly dryRun?: boolean | undefined;
  /** Stop unless the plan has this id, as `plan` gave it. */
  readonly planId?: string | undefined;
  /** True: stop where there can be no rehearsal; false: none. Where a shadow can be had unless given. */
  readonly rehearse?: boolean | undefined;
  /** The version that a database without a ledger has; believed if the schema is that version's. */
  readonly baseline?: string | undefined;
  /** Objects that are not as their version has them are left as they are. */
  readonly acceptDrift?: boolean | undefined;
  /** How long a statement may take, in seconds; 0, the default: for ever. */
  readonly statementTimeout?: number | undefined;
  /** How long a statement may wait for a lock, in seconds; 5 unless given, 0: for ever. */
  readonly lockTimeout?: number | undefined;
  /** How often a transaction is tried that cannot get its locks; 5 unless given. */
  readonly attempts?: number | undefined;
  /** How long to wait for another deploy of the same database, in seconds; 60 unless given. */
  readonly wait?: number | undefined;
  /** How many databases at once; 1 unless given. Several machines may work on the same ones. */
  readonly jobs?: number | undefined;
}

const LOCK_TIMEOUT_S = 5;
const ATTEMPTS = 5;

/**
 * Brings the databases of a stage to a version, each on its own: a delta is applied exactly once or not at all.
 * With several databases, the failure of one is part of the result; with one it is thrown.
 *
 * @throws ArchiveError before anything is touched; BlockedError, DatabaseError, ConfigError, StoppedError
 * @example
 * const { databases } = await deploy({ stage: "prod", databases: ["shopdb"], plan: true });
 * await deploy({ stage: "prod", databases: ["shopdb"], planId: databases[0].plan });
 */
export async function deploy(options: DeployOptions = {}): Promise<DeployResult> {
  const cwd = options.cwd ?? process.cwd();
  const project = await loadProject((await findProject(cwd)) ?? cwd);
  const chosen = chosenDatabases(sessionIn(project, {}), options.databases);
  const terms = termsOf(options);
  const jobs = options.jobs ?? 1;
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new ConfigError("DEPLOY_USAGE", "--jobs takes a whole number from 1 up.", {});
  const preparations = new Preparations(project, options, terms);
  preparations.begin(chosen.some(({ pgDump }) => pgDump === "bundled"));
  try {
    // Where statements are shown, the parser is compiled meanwhile, too.
    const [files] = await Promise.all([
      readFiles(project, chosen),
      terms.mode === "apply" ? null : loadParser(),
    ]);
    const { targets, lost } = await preparations.targets();
    const orders = ordersFor(targets, { options, terms, root: project.root, files, preparations });
    const stage = options.stage ?? project.stage;
    const [only] = orders;
    if (only !== undefined && orders.length + lost.length === 1)
      return { stage, databases: [await deployOne(only)] };
    return { stage, databases: [...lost, ...(await deployFleet(orders, jobs))] };
  } finally {
    preparations.end();
  }
}

interface OrderSources {
  readonly options: DeployOptions;
  readonly terms: DeployTerms;
  readonly root: string;
  readonly files: ReadonlyMap<string, DatabaseFiles>;
  readonly preparations: Preparations;
}

function ordersFor(
  targets: readonly Target[],
  { options, terms, root, files, preparations }: OrderSources,
): DeployOrder[] {
  const { commit } = preparations;
  const progress = options.progress ?? (() => undefined);
  const rehearsals: Rehearsals = new Map();
  const expected: KnownExpected = new Map();
  const shared = { terms, root, commit, progress, rehearsals, expected };
  return targets.map((target) => {
    const own = files.get(target.database.name);
    if (own === undefined) throw new RangeError("every database has its archive");
    const isOfStage = options.url === undefined && target.pattern === null;
    const openSession = () => preparations.sessionOf(target);
    const logInToLedger = () => preparations.ledgerOf(target);
    return { ...target, ...own, ...shared, isOfStage, openSession, logInToLedger };
  });
}

/** What a project's files say of a database. */
interface DatabaseFiles {
  readonly archive: Archive;
  readonly scripts: ObjectScripts | null;
}

/** @returns for each database by its name */
async function readFiles(
  project: Project,
  databases: readonly ProjectDatabase[],
): Promise<ReadonlyMap<string, DatabaseFiles>> {
  const read = new Map<string, DatabaseFiles>();
  for (const database of databases) {
    const archive = await readArchive(database.paths);
    refuseUnknownFiles(archive, database.name);
    read.set(database.name, { archive, scripts: await readProjectScripts(project, database) });
  }
  return read;
}

/** Deltas that no version names would be passed over in silence. What is neither deltas nor a schema is nobody's concern. */
function refuseUnknownFiles({ strays, paths }: Archive, database: string): void {
  const unknown = strays.find((file) => /\.(?:deltas|schema)$/.test(file));
  if (unknown === undefined) return;
  throw new ArchiveError(
    "ARCHIVED_FILE_UNKNOWN",
    `No version of ${database} names a file that lies in its archive.`,
    {
      where: unknown,
      hint: `Where an archiving was interrupted, finish it:\n  wov-push-db ${database}\nWhere the version history has lost it, look for it there; else take the file away:\n  git log -p -- ${quotePath(paths.history)}\n  rm ${quotePath(unknown)}`,
    },
  );
}

function refuseContradictions({ plan, dryRun, rehearse }: DeployOptions): void {
  const refuse = (names: string, hint: string) => {
    throw new ConfigError("DEPLOY_USAGE", `${names} do not go together.`, { hint });
  };
  if (plan && dryRun) refuse("--plan and --dry-run", "--dry-run shows the plan too, and rehearses it.");
  if (plan && rehearse) refuse("--plan and --rehearse", "--dry-run shows the plan, and rehearses it.");
  if (dryRun && rehearse === false)
    refuse("--dry-run and --no-rehearse", "--plan shows what would be done, and rehearses nothing.");
}

function termsOf(options: DeployOptions): DeployTerms {
  refuseContradictions(options);
  const milliseconds = (seconds: number, name: string) => {
    if (Number.isFinite(seconds) && seconds >= 0 && seconds * 1000 <= 2 ** 31 - 1)
      return Math.round(seconds * 1000);
    throw new ConfigError("DEPLOY_USAGE", `${name} takes a number of seconds from 0 up.`, {});
  };
  return {
    mode: options.plan === true ? "plan" : options.dryRun === true ? "dry-run" : "apply",
    pver: options.pver,
    planId: options.planId,
    rehearse: options.rehearse === undefined ? "auto" : options.rehearse ? "always" : "never",
    baseline: options.baseline,
    acceptDrift: options.acceptDrift === true,
    limits: {
      lockTimeout: milliseconds(options.lockTimeout ?? LOCK_TIMEOUT_S, "--lock-timeout"),
      statementTimeout: milliseconds(options.statementTimeout ?? 0, "--statement-timeout"),
    },
    attempts: Math.max(1, options.attempts ?? ATTEMPTS),
    patience: options.wait === undefined ? PATIENCE_MS : milliseconds(options.wait, "--wait"),
    by: whoWorks(),
  };
}

import { dirname, join, relative } from "node:path";
import { quotePath } from "../archive/history.js";
import { type ResolvedConnection, resolveConnection } from "../config/connection.js";
import { checkStageName, DEFAULT_STAGE } from "../config/names.js";
import {
  findProject,
  loadProject,
  type Project,
  type ProjectDatabase,
  projectDatabase,
} from "../config/project.js";
import { determinePver } from "../config/pver.js";
import type { Environment } from "../config/secrets.js";
import { ConfigError } from "../errors.js";
import { isFolder } from "../files.js";
import { commitCount, mainWorkTree, openRepository, type Repository } from "../git/repository.js";
import type { ConnectionSettings } from "../postgres/connection.js";

/** What every command can be told. */
export interface CommandOptions {
  /** Where to look for the project; this process's folder unless given. */
  readonly cwd?: string | undefined;
  /** This process's environment unless given. */
  readonly env?: Environment | undefined;
  /** The project's own default unless given. */
  readonly stage?: string | undefined;
  /** A connection URL that goes before every other setting. */
  readonly url?: string | undefined;
  /** Told what is being done, a few words at a time. */
  readonly progress?: ((doing: string) => void) | undefined;
}

/** A command at work: the project it is for, and what it was told. */
export interface Session {
  readonly project: Project;
  readonly stage: string;
  readonly env: Environment;
  readonly url: string | undefined;
  progress(doing: string): void;
}

/**
 * Opens the project that the command is run in.
 *
 * @throws ConfigError `NO_PROJECT`, and whatever is wrong with its configuration
 */
export async function openSession(options: CommandOptions): Promise<Session> {
  const cwd = options.cwd ?? process.cwd();
  const project = await loadProject((await findProject(cwd)) ?? cwd);
  return sessionIn(project, options);
}

/** A session in a project that is already loaded. */
export function sessionIn(project: Project, options: CommandOptions): Session {
  return {
    project,
    stage: checkStageName(options.stage ?? project.stage ?? DEFAULT_STAGE),
    env: options.env ?? process.env,
    url: options.url,
    progress: options.progress ?? (() => undefined),
  };
}

/**
 * The databases that a command is for: those it was given, or all of the project.
 *
 * @throws ConfigError for a name that the project does not have, or when `--url` is to serve several databases
 */
export function chosenDatabases(session: Session, names: readonly string[] = []): ProjectDatabase[] {
  const { project, url } = session;
  const chosen =
    names.length > 0
      ? [...new Set(names)].map((name) => projectDatabase(project, name))
      : [...project.databases.values()];
  if (chosen.length === 0) {
    throw new ConfigError("NO_DATABASES", "The project has no database.", {
      where: project.configFile,
      hint: "Add one with:\n  wov init --database NAME",
    });
  }
  if (url !== undefined && chosen.length > 1) {
    throw new ConfigError("URL_FOR_SEVERAL", `--url names one database, but this is for ${chosen.length}.`, {
      hint: `Say which:\n  ${chosen[0]?.name} --url …`,
    });
  }
  return chosen;
}

/**
 * The database that a command is for: the one it was given, or the project's only one.
 *
 * @throws ConfigError `WHICH_DATABASE` where there are several
 */
export function onlyDatabase(session: Session, name: string | undefined): ProjectDatabase {
  const chosen = chosenDatabases({ ...session, url: undefined }, name === undefined ? [] : [name]);
  const [database, ...others] = chosen;
  if (database !== undefined && others.length === 0) return database;
  throw new ConfigError("WHICH_DATABASE", "The project has several databases.", {
    hint: `Say which: ${chosen.map((one) => one.name).join(", ")}.`,
  });
}

/**
 * How to reach a database of the project on the session's stage.
 *
 * @throws ConfigError `MANY_DATABASES` where the stage has several, by a pattern
 */
export async function connectionOf(session: Session, database: string): Promise<ResolvedConnection> {
  const found = await resolvedConnection(session, database);
  const pattern = patternIn(found.settings);
  if (pattern === null) return found;
  throw new ConfigError(
    "MANY_DATABASES",
    `${database} on ${session.stage} is every database like ${pattern}, and this is for one.`,
    { where: found.source, hint: "Name one by its URL:\n  --url postgres://USER@HOST:PORT/DATABASE" },
  );
}

/** As the secrets, or what goes before them, have it: the database's name may be a pattern. */
export async function resolvedConnection(session: Session, database: string): Promise<ResolvedConnection> {
  const { project, stage, env, url } = session;
  try {
    return await resolveConnection({ project, database, stage, env, url });
  } catch (error) {
    if (error instanceof ConfigError && error.code === "SECRETS_MISSING")
      await addMainWorkTree(session, error);
    throw error;
  }
}

/** Secrets are ignored by git, so a linked work tree has none, and new ones would lead to another server. */
async function addMainWorkTree(session: Session, error: ConfigError): Promise<void> {
  const { root, secretsFolder } = session.project;
  const repository = await repositoryOf(session);
  const main = await mainWorkTree(repository);
  if (main === null) return;
  const secrets = join(main, relative(repository.root, secretsFolder));
  if (await isFolder(secrets))
    error.addHint(
      `This is a linked work tree. To use the main one's secrets here:\n  cp -Rp ${quotePath(secrets)} ${quotePath(`${dirname(relative(root, secretsFolder))}/`)}`,
    );
}

/** What the names of several databases are like, e.g. `tenant_*`; null where one is named. */
export function patternIn({ database }: ConnectionSettings): string | null {
  return database?.includes("*") === true ? database : null;
}

/** The project's repository. */
export function repositoryOf(session: Session): Promise<Repository> {
  return openRepository(session.project.root);
}

/** The project version. */
export function pverOf(session: Session, repository: Repository): Promise<string> {
  const { project, env } = session;
  return determinePver({
    env,
    mode: project.pver,
    packageJson: join(project.root, "package.json"),
    commitCount: () => commitCount(repository),
  });
}

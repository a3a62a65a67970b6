import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { readArchive } from "../archive/read.js";
import { checkDatabaseName, DEFAULT_STAGE, databaseNameProblem } from "../config/names.js";
import { databasePaths, findProject, loadProject, type Project } from "../config/project.js";
import { readSecrets, secretsFiles } from "../config/secrets.js";
import { ConfigError } from "../errors.js";
import { readText, writeAtomic } from "../files.js";
import { applyHooks } from "../git/hooks/apply.js";
import { readHookFacts } from "../git/hooks/facts.js";
import { type HookPlan, planHooks } from "../git/hooks/plan.js";
import { openRepository, type Repository } from "../git/repository.js";
import type { InitResult } from "./results.js";
import type { CommandOptions } from "./session.js";

export interface InitOptions extends CommandOptions {
  /** The database to add; the project's only one, or the folder's name with `db`, unless given. */
  readonly database?: string | undefined;
  /** The URL of a database that exists: its settings become the secrets. */
  readonly from?: string | undefined;
}

/** A file that init writes. */
interface PlannedFile {
  readonly path: string;
  readonly content: string;
  readonly secret: boolean;
  readonly exists: boolean;
}

/**
 * Makes a project of a repository, or adds a database to one: configuration, secrets, archive folder, hooks. What
 * is there already stays; a second run with the same options changes nothing.
 *
 * @throws ConfigError outside a repository, for a bad name or URL
 */
export async function init(options: InitOptions = {}): Promise<InitResult> {
  const cwd = options.cwd ?? process.cwd();
  const repository = await openRepository(cwd);
  const root = (await findProject(cwd)) ?? cwd;
  const before = await loadIfThere(root);
  const database = await databaseFor(root, before, options);
  const files = await planFiles(root, before, database, options);
  // Read as it will be, with the folder in place, so that the paths of the hooks come out right.
  for (const file of files) await writePlanned(file);
  const hooks = planHooks(await readHookFacts(repository, join(root, "wovtools")));
  await applyHooks(repository, hooks);
  const named = (list: readonly PlannedFile[]) => list.map(({ path }) => relative(root, path));
  return {
    root,
    created: named(files.filter(({ exists }) => !exists)),
    changed: named(files.filter(({ exists }) => exists)),
    hooks: {
      manager: hooks.manager,
      created: writtenHooks(repository, root, hooks),
      notes: [...hooks.manual],
    },
    database,
    next: nextSteps({
      database,
      serverIsNew: options.from === undefined && files.some(({ secret }) => secret),
      isUncommitted: files.some(({ secret }) => !secret) || hooks.writes.length > 0,
      isArchived: (await readArchive(databasePaths(await loadProject(root), database))).versions.size > 0,
    }),
  };
}

function writtenHooks(repository: Repository, root: string, plan: HookPlan): string[] {
  return plan.writes.map(({ path }) => relative(root, join(repository.root, path)));
}

async function loadIfThere(root: string): Promise<Project | null> {
  try {
    return await loadProject(root);
  } catch (error) {
    if (error instanceof ConfigError && error.code === "NO_PROJECT") return null;
    throw error;
  }
}

async function databaseFor(
  root: string,
  project: Project | null,
  { database, from }: InitOptions,
): Promise<string> {
  if (database !== undefined) return checkDatabaseName(database);
  const only = project === null ? undefined : [...project.databases.keys()][0];
  if (only !== undefined) return only;
  const named = from === undefined ? undefined : (await connectionFrom(from)).database;
  const name =
    named ??
    `${basename(root)
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, "_")}db`;
  if (databaseNameProblem(name) === null) return name;
  throw new ConfigError("BAD_DATABASE_NAME", `"${name}" cannot name a database of a project.`, {
    hint: "Give one with:\n  wov init --database NAME",
  });
}

async function connectionFrom(url: string) {
  const { parseConnectionUrl } = await import("../postgres/connection-url.js");
  return parseConnectionUrl(url);
}

async function planFiles(
  root: string,
  project: Project | null,
  database: string,
  options: InitOptions,
): Promise<PlannedFile[]> {
  const folder = join(root, "wovtools");
  const config = join(folder, "config.json");
  const archive = project?.archive.folder ?? join(folder, "db");
  return [
    ...(await planned(config, (text) => configWith(text, database))),
    ...(await planned(join(folder, ".gitignore"), (text) => withLine(text, "secrets/"))),
    // git must not change a byte of what the history holds the SHA-256 of.
    ...(await planned(join(archive, ".gitattributes"), (text) => withLine(text, "* -text"))),
    ...(await planSecrets(root, project, database, options)),
  ];
}

/** A file and what becomes of it; nothing where it stays as it is. */
async function planned(
  path: string,
  change: (text: string | null) => string,
  secret = false,
): Promise<PlannedFile[]> {
  const text = await readText(path, ConfigError);
  const content = change(text);
  return content === text ? [] : [{ path, content, secret, exists: text !== null }];
}

function withLine(text: string | null, line: string): string {
  if (text?.split(/\r?\n/).includes(line)) return text;
  const rest = text ?? "";
  return `${rest}${rest === "" || rest.endsWith("\n") ? "" : "\n"}${line}\n`;
}

/** The file was checked when the project was loaded, so it is an object with an object of databases. */
function configWith(text: string | null, database: string): string {
  const config: { $schema?: string; databases: Record<string, unknown> } =
    text === null
      ? { $schema: "../node_modules/wovtools/dist/json-schemas/config.json", databases: {} }
      : JSON.parse(text);
  if (text !== null && database in config.databases) return text;
  return `${JSON.stringify({ ...config, databases: { ...config.databases, [database]: {} } }, null, 2)}\n`;
}

/** The secrets of one database on the stage; made only where there are none. */
async function planSecrets(
  root: string,
  project: Project | null,
  database: string,
  options: InitOptions,
): Promise<PlannedFile[]> {
  const stage = options.stage ?? project?.stage ?? DEFAULT_STAGE;
  const secretsFolder = join(root, "wovtools", "secrets");
  const [sharedFile, stageFile] = secretsFiles({ secretsFolder }, database, stage);
  const [shared, own] = await Promise.all([
    readText(sharedFile, ConfigError),
    readText(stageFile, ConfigError),
  ]);
  if (shared !== null || own !== null) {
    if (options.from === undefined) return [];
    throw new ConfigError("SECRETS_EXIST", `${database} has secrets already; --from would replace them.`, {
      where: [sharedFile, stageFile].map((file) => relative(root, file)).join(", "),
      hint: "Edit them, or move them away and run this again.",
    });
  }
  const { host, port, user, password, sslmode, sslrootcert, ...rest } = await secretsFor(
    project,
    database,
    options,
  );
  const where = { host, port, database: rest.database ?? database, sslmode, sslrootcert };
  const who = { username: user, password };
  const file = (path: string, values: object): PlannedFile => ({
    path,
    content: `${JSON.stringify({ [database]: values }, null, 2)}\n`,
    secret: true,
    exists: false,
  });
  return [file(sharedFile, where), file(stageFile, who)];
}

/** What `--from` says; else what another database of the project has; else a server of the package's own. */
async function secretsFor(project: Project | null, database: string, options: InitOptions) {
  if (options.from !== undefined) return connectionFrom(options.from);
  for (const other of project?.databases.keys() ?? []) {
    const secrets =
      project &&
      (await readSecrets(project, other, options.stage ?? project.stage, options.env ?? process.env));
    if (!secrets || secrets.settings.url !== undefined) continue;
    const { host, port, username: user, password } = secrets.settings;
    // On a stage that the other one was never set up for, there are its shared settings only.
    if (user === undefined) continue;
    return { host, port: port === undefined ? undefined : Number(port), user, password, database };
  }
  const { freePort } = await import("../postgres/embedded.js");
  return {
    host: "127.0.0.1",
    port: await freePort(),
    user: "postgres",
    password: randomBytes(18).toString("base64url"),
    database,
  };
}

async function writePlanned({ path, content, secret }: PlannedFile): Promise<void> {
  if (!secret) return writeAtomic(path, content);
  const folder = join(path, "..");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await writeAtomic(path, content, { mode: 0o600 });
}

/** What to type now: reach the database, commit, then archive what it holds where the archive has nothing of it. */
function nextSteps(facts: {
  database: string;
  serverIsNew: boolean;
  isUncommitted: boolean;
  isArchived: boolean;
}): string[] {
  const { database, serverIsNew, isUncommitted, isArchived } = facts;
  const reach = [`wov-db ${database} --postgres-start`, `wov-db ${database} --wdb-createinstance`];
  return [
    ...(serverIsNew ? reach : []),
    // An archiving is refused while anything is not committed.
    ...(isUncommitted ? ['git add . && git commit -m "Use wovtools"'] : []),
    isArchived ? "wov status" : `wov-push-db --snapshot ${database} initial`,
  ];
}

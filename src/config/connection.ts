/** Which connection a database on a stage is reached by. */
import { relative, resolve } from "node:path";
import { ConfigError } from "../errors.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import type { SslMode } from "../postgres/ssl-mode.js";
import { checkDatabaseName, checkStageName, urlVariable } from "./names.js";
import type { Project } from "./project.js";
import type { ConnectionSecrets } from "./schemas.js";
import { type Environment, readSecrets, secretsFiles } from "./secrets.js";

/** Connection settings and where they come from, in words and without any secret. */
export interface ResolvedConnection {
  readonly settings: ConnectionSettings;
  /** E.g. `WOV_SHOPDB_PROD_URL` or `wovtools/secrets/shopdb.json, wovtools/secrets/shopdb_prod.json`. */
  readonly source: string;
}

export interface ConnectionRequest {
  /** null outside a project: no secrets are looked for. */
  readonly project: Project | null;
  readonly database: string;
  readonly stage: string;
  readonly env: Environment;
  /** `--url`. */
  readonly url?: string | undefined;
}

/** The variables of libpq that say where a database is or who asks. */
const LIBPQ_VARIABLES = ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD"] as const;

/**
 * Finds out how to reach a database on a stage. First match wins: `--url`; `WOV_DATABASE_STAGE_URL`, then
 * `WOV_DATABASE_URL`; the merged secrets; libpq's own variables. Where the match does not name the database, its
 * name in the project is taken; what else is missing is left to libpq's variables and `~/.pgpass`.
 *
 * @throws ConfigError `SECRETS_MISSING` when there is nothing at all; `AMBIGUOUS_CONNECTION` when a variable
 *   could mean two databases; `BAD_URL`, `BAD_SSLMODE`, and the errors of `readSecrets`
 * @example
 * const { settings, source } = await resolveConnection({ project, database: "shopdb", stage: "prod", env: process.env });
 */
export async function resolveConnection(request: ConnectionRequest): Promise<ResolvedConnection> {
  const { settings, source } = await firstMatch(request);
  const ledger = request.project?.databases.get(request.database)?.ledger;
  return ledger === "schema" ? { settings: { ...settings, ledger }, source } : { settings, source };
}

async function firstMatch(request: ConnectionRequest): Promise<ResolvedConnection> {
  const { project, env } = request;
  const database = checkDatabaseName(request.database);
  const stage = checkStageName(request.stage);
  if (request.url !== undefined) return fromUrl(request.url, database, "--url");

  refuseAmbiguousVariable(request);
  for (const variable of [urlVariable(database, stage), urlVariable(database)]) {
    const url = env[variable];
    if (url !== undefined && url !== "") return fromUrl(url, database, variable);
  }
  const secrets = project === null ? null : await readSecrets(project, database, stage, env);
  if (project !== null && secrets !== null) {
    refuseSharedOnly(request, project, secrets.files);
    const source = secrets.files.map((file) => relative(project.root, file)).join(", ");
    return { settings: await fromSecrets(secrets.settings, database, source, project.root), source };
  }
  const present = LIBPQ_VARIABLES.filter((name) => env[name]);
  if (present.length === 0) throw nothingConfigured(request);
  return { settings: { database: libpqDatabase(request) }, source: present.join(", ") };
}

/** A stage of another name that has nothing of its own, mistyped perhaps, must not turn out to be the usual server. */
function refuseSharedOnly(
  { database, stage }: ConnectionRequest,
  project: Project,
  files: readonly string[],
): void {
  const [, own] = secretsFiles(project, database, stage);
  if (stage === project.stage || files.includes(own)) return;
  throw new ConfigError("SECRETS_MISSING", `There are no secrets of ${database} for the stage ${stage}.`, {
    where: relative(project.root, own),
    hint: `Write what differs from ${relative(project.root, secretsFiles(project, database, stage)[0])} into that file, or set ${urlVariable(database, stage)}.`,
  });
}

async function fromUrl(url: string, database: string, source: string): Promise<ResolvedConnection> {
  const settings = await parseUrl(url, source);
  return { settings: { ...settings, database: settings.database ?? database }, source };
}

async function parseUrl(url: string, where: string): Promise<ConnectionSettings> {
  // Loaded here since the driver is slow to load and a command may need no connection at all.
  const { parseConnectionUrl } = await import("../postgres/connection-url.js");
  try {
    return parseConnectionUrl(url);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.where !== undefined) throw error;
    throw new ConfigError(error.code, error.message, { where, hint: error.hint });
  }
}

async function fromSecrets(
  secrets: ConnectionSecrets,
  database: string,
  source: string,
  root: string,
): Promise<ConnectionSettings> {
  const base = secrets.url === undefined ? {} : await parseUrl(secrets.url, source);
  return {
    ...base,
    ...(secrets.host !== undefined && { host: secrets.host }),
    ...(secrets.port !== undefined && { port: Number(secrets.port) }),
    ...(secrets.username !== undefined && { user: secrets.username }),
    ...(secrets.password !== undefined && { password: secrets.password }),
    ...(secrets.options !== undefined && { options: secrets.options }),
    ...(secrets.sslmode !== undefined && { sslmode: await checkSslMode(secrets.sslmode, source) }),
    ...(secrets.sslrootcert !== undefined && { sslrootcert: resolve(root, secrets.sslrootcert) }),
    database: secrets.database ?? base.database ?? database,
  };
}

async function checkSslMode(text: string, where: string): Promise<SslMode> {
  const { SSL_MODES } = await import("../postgres/ssl-mode.js");
  const mode = SSL_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new ConfigError("BAD_SSLMODE", `The sslmode is not one of ${SSL_MODES.join(", ")}.`, { where });
}

/** `WOV_SHOP_EU_URL` is both `shop` on the stage `eu` and a database `shop_eu` on any stage. */
function refuseAmbiguousVariable({ project, database, stage, env }: ConnectionRequest): void {
  const variable = urlVariable(database, stage);
  if (!env[variable]) return;
  const other = [...(project?.databases.keys() ?? [])].find((name) => urlVariable(name) === variable);
  if (other === undefined) return;
  throw new ConfigError(
    "AMBIGUOUS_CONNECTION",
    `${variable} could mean ${database} on the stage ${stage} or the database ${other}.`,
    { where: variable, hint: "Put the connection into wovtools/secrets and take the variable away." },
  );
}

/** One PGDATABASE cannot name several databases of a project. */
function libpqDatabase({ project, database, env }: ConnectionRequest): string {
  const named = env.PGDATABASE;
  if (!named || named === database) return database;
  if (project === null || project.databases.size <= 1) return named;
  throw new ConfigError(
    "AMBIGUOUS_CONNECTION",
    `PGDATABASE names one database, but the project has ${project.databases.size}.`,
    {
      where: "PGDATABASE",
      hint: `Unset it, or give each database its own ${urlVariable(database)}.`,
    },
  );
}

function nothingConfigured({ project, database, stage }: ConnectionRequest): ConfigError {
  const variables = [urlVariable(database, stage), urlVariable(database), ...LIBPQ_VARIABLES];
  const files =
    project === null
      ? []
      : secretsFiles(project, database, stage).map((file) => relative(project.root, file));
  return new ConfigError("SECRETS_MISSING", `Nothing says how to reach ${database} on the stage ${stage}.`, {
    where: `looked for ${[...files, ...variables].join(", ")}`,
    hint:
      project === null
        ? "Give --url, or set one of the variables."
        : `Make the secrets with:\n  wov init --database ${database}\nor give --url, or set one of the variables.`,
  });
}

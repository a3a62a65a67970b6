/** The files of `wovtools/secrets/`. Nothing of their values gets into a message. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../errors.js";
import { isMissing, readText } from "../files.js";
import { parseJson } from "../json.js";
import { nearest } from "../nearest.js";
import type { Project } from "./project.js";
import { type ConnectionSecrets, isPort, SecretsFile } from "./schemas.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The secrets of one database on one stage. */
export interface Secrets {
  /** The stage's settings over the shared ones, `${VAR}` replaced. */
  readonly settings: ConnectionSecrets;
  /** The files they come from, as paths. */
  readonly files: readonly string[];
}

/** The secrets files of a database on a stage, shared first; they need not exist. */
export function secretsFiles(
  project: Pick<Project, "secretsFolder">,
  database: string,
  stage: string,
): readonly [string, string] {
  return [
    join(project.secretsFolder, `${database}.json`),
    join(project.secretsFolder, `${database}_${stage}.json`),
  ];
}

/**
 * Reads and merges the secrets of a database on a stage.
 *
 * @returns null when neither file has anything about the database
 * @throws ConfigError `SECRETS_JSON`, `SECRETS_INVALID`, `SECRETS_OPEN` (others can read the file),
 *   `SECRETS_VARIABLE` (a `${VAR}` that is not set)
 */
export async function readSecrets(
  project: Project,
  database: string,
  stage: string,
  env: Environment,
): Promise<Secrets | null> {
  const [sharedFile, stageFile] = secretsFiles(project, database, stage);
  const shared = await readSecretsFile(project, sharedFile, database, env);
  const own = await readSecretsFile(project, stageFile, database, env);
  if (shared === null && own === null) return null;
  const files = [...(shared === null ? [] : [sharedFile]), ...(own === null ? [] : [stageFile])];
  return { settings: mergeSecrets(shared ?? {}, own ?? {}), files };
}

/** A stage's own URL says where the database is, so nothing of the shared settings may be mixed into it. */
function mergeSecrets(shared: ConnectionSecrets, own: ConnectionSecrets): ConnectionSecrets {
  if (own.url !== undefined) return own;
  // The other way round, a stage that names its own host is not where the shared URL leads.
  if (own.host !== undefined) {
    const { url: _elsewhere, ...rest } = shared;
    return { ...rest, ...own };
  }
  return { ...shared, ...own };
}

async function readSecretsFile(
  project: Project,
  file: string,
  database: string,
  env: Environment,
): Promise<ConnectionSecrets | null> {
  await refuseOpenFile(file);
  const text = await readText(file, ConfigError);
  if (text === null) return null;
  const content = parseJson(SecretsFile, text, file, "SECRETS", ConfigError);
  const names = [...project.databases.keys(), database];
  for (const name of Object.keys(content)) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    throw new ConfigError("SECRETS_INVALID", `The project has no database ${name}.`, {
      where: file,
      hint:
        meant === null ? `The file's outer key is the database, here ${database}.` : `Did you mean ${meant}?`,
    });
  }
  // shopdb_prod.json is both the file of shopdb on the stage prod and that of a database shopdb_prod.
  const own = content[database];
  return own === undefined ? null : substituteAll(own, file, env);
}

/**
 * Refuses a secrets file that other users of the machine can read, as ssh does with a private key. Windows has no
 * such bits. Whoever runs this, root too, is no exception: the question is who else can read.
 */
async function refuseOpenFile(file: string): Promise<void> {
  if (process.platform === "win32") return;
  let mode: number;
  try {
    mode = (await stat(file)).mode;
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if ((mode & 0o077) === 0) return;
  const bits = (mode & 0o777).toString(8).padStart(4, "0");
  throw new ConfigError("SECRETS_OPEN", `Other users can get at the secrets file (its mode is ${bits}).`, {
    where: file,
    hint: `Keep it to yourself with:\n  chmod 600 '${file.replaceAll("'", "'\\''")}'`,
  });
}

function substituteAll(secrets: ConnectionSecrets, file: string, env: Environment): ConnectionSecrets {
  const result: ConnectionSecrets = {};
  if (secrets.port !== undefined) {
    result.port = checkPort(
      typeof secrets.port === "string" ? substitute(secrets.port, file, env) : secrets.port,
      file,
    );
  }
  for (const key of TEXT_KEYS) {
    const value = secrets[key];
    if (value !== undefined) result[key] = substitute(value, file, env);
  }
  return result;
}

const TEXT_KEYS = [
  "url",
  "host",
  "database",
  "username",
  "password",
  "sslmode",
  "sslrootcert",
  "options",
] as const;

function checkPort(text: string | number, file: string): number {
  const port = Number(text);
  if (isPort(port)) return port;
  throw new ConfigError("SECRETS_INVALID", "The port is not a number from 1 to 65535.", { where: file });
}

/** Replaces `${NAME}` from the environment, once: what comes in is not looked at again. `$${` becomes `${`. */
function substitute(text: string, file: string, env: Environment): string {
  return text.replace(/\$\$\{|\$\{([^}]*)\}/g, (_whole, name: string | undefined) => {
    if (name === undefined) return "${";
    const value = env[name];
    if (value !== undefined) return value;
    throw new ConfigError(
      "SECRETS_VARIABLE",
      `The environment variable ${JSON.stringify(name)} is not set.`,
      {
        where: file,
        hint: `Set it, or write the value into the file; a literal \${ is written $\${.`,
      },
    );
  });
}

/** The stages that a file of the secrets folder is for, sorted. */
export async function stagesWithSecrets(project: Project): Promise<string[]> {
  let files: string[];
  try {
    files = await readdir(project.secretsFolder);
  } catch (error) {
    if (!isMissing(error)) throw error;
    files = [];
  }
  const named = [...project.databases.keys()].flatMap((database) =>
    files
      .filter((file) => file.startsWith(`${database}_`) && file.endsWith(".json"))
      .map((file) => file.slice(database.length + 1, -".json".length)),
  );
  return [...new Set(named)].sort();
}

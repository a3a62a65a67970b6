/** wo's environment variables. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import type { Environment } from "../../config/secrets.js";
import { ConfigError, WovError } from "../../errors.js";
import type { ConnectionSettings } from "../../postgres/connection.js";

/** What every command of `wo` can be told. */
export interface WoOptions {
  /** What `WO_DIR` is relative to; this process's folder unless given. */
  readonly cwd?: string | undefined;
  /** This process's environment unless given. */
  readonly env?: Environment | undefined;
  /** Told what is being done, a few words at a time. */
  readonly progress?: ((doing: string) => void) | undefined;
}

export interface WoSettings {
  /** `WO_DIR`, as it was written where this process can reach it so. */
  readonly dir: string;
  readonly rolePrefix: string;
  /** The database; its name and its role are known. */
  readonly connection: ConnectionSettings & { readonly database: string; readonly user: string };
  /** Where databases are made. */
  readonly admin: ConnectionSettings;
  /** Whether `wo drop` may drop. */
  readonly allowDrop: boolean;
  /** Schemas that a name without one is looked up in. */
  readonly searchPath: readonly string[];
}

const MANDATORY = [
  "WO_CONNECTION_STRING",
  "WO_ADMIN_CONNECTION_STRING",
  "WO_DIR",
  "WO_ROLE_PREFIX",
  "WO_ROOT_CERT",
] as const;
type Mandatory = (typeof MANDATORY)[number];

const PLAIN = /^[\p{L}\p{N}_]*$/u;

/**
 * Reads the variables. All five of wo's have to be set, so that environments are never mixed; `WO_ROLE_PREFIX` and
 * `WO_ROOT_CERT` may be empty.
 *
 * @throws ConfigError `WO_VARIABLE` naming the variable, whose value is never repeated; `WO_CERTIFICATE`
 */
export async function readSettings(options: WoOptions): Promise<WoSettings> {
  const env = options.env ?? process.env;
  const missing = MANDATORY.filter((name) => env[name] === undefined);
  if (missing.length > 0) {
    throw new ConfigError("WO_VARIABLE", `Not set: ${missing.join(", ")}.`, {
      where: missing.join(", "),
      hint: 'All five are mandatory, so that environments are never mixed; WO_ROLE_PREFIX and WO_ROOT_CERT may be empty:\n  export WO_ROLE_PREFIX=""',
    });
  }
  const value = (name: Mandatory) => env[name] ?? "";
  const cwd = options.cwd ?? process.cwd();
  const tls = await readTls(value("WO_ROOT_CERT"), cwd);
  const connection = await readConnection("WO_CONNECTION_STRING", value("WO_CONNECTION_STRING"), tls);
  const { database, user } = connection;
  if (database === undefined) throw variable("WO_CONNECTION_STRING", "names no database");
  if (user === undefined) throw variable("WO_CONNECTION_STRING", "names no role");
  const searchPath = readSearchPath(env.WO_SEARCH_PATH);
  return {
    dir: readDir(value("WO_DIR"), cwd),
    rolePrefix: readRolePrefix(value("WO_ROLE_PREFIX")),
    connection: {
      ...connection,
      database,
      user,
      ...(env.WO_SEARCH_PATH && withSearchPath(connection, searchPath)),
    },
    admin: await readConnection("WO_ADMIN_CONNECTION_STRING", value("WO_ADMIN_CONNECTION_STRING"), tls),
    allowDrop: env.WO_ALLOW_DROP?.trim().toLowerCase() !== "false",
    searchPath,
  };
}

/**
 * Reads the variables that say where a tree is and how its roles are called. `WO_ROLE_PREFIX` counts as empty where it
 * is not set: there is no database that it could be mixed up with.
 *
 * @param options.dir goes before `WO_DIR`
 * @throws ConfigError `WO_VARIABLE`
 */
export function readTreeSettings(
  options: WoOptions & { readonly dir?: string | undefined },
): Pick<WoSettings, "dir" | "rolePrefix"> {
  const env = options.env ?? process.env;
  const dir = options.dir ?? env.WO_DIR;
  if (dir === undefined) throw variable("WO_DIR", "is not set");
  return {
    dir: readDir(dir, options.cwd ?? process.cwd()),
    rolePrefix: readRolePrefix(env.WO_ROLE_PREFIX ?? ""),
  };
}

function readRolePrefix(prefix: string): string {
  if (PLAIN.test(prefix)) return prefix;
  throw variable("WO_ROLE_PREFIX", "has other characters than letters, digits and _");
}

function variable(name: string, what: string): ConfigError {
  return new ConfigError("WO_VARIABLE", `${name} ${what}.`, { where: name });
}

function readDir(dir: string, cwd: string): string {
  if (dir === "") throw variable("WO_DIR", "is empty");
  return isAbsolute(dir) || relative(cwd, process.cwd()) === "" ? dir : resolve(cwd, dir);
}

type Tls = Pick<ConnectionSettings, "sslmode" | "sslrootcert">;

/** An empty path: no TLS. A certificate is looked at here, so that what is wrong with it is said of the variable. */
async function readTls(path: string, cwd: string): Promise<Tls> {
  if (path === "") return { sslmode: "disable" };
  const file = resolve(cwd, path);
  try {
    new X509Certificate(await readFile(file));
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    throw new ConfigError("WO_CERTIFICATE", `The certificate of WO_ROOT_CERT cannot be read${reason}.`, {
      where: file,
      hint: 'It has to be a certificate in PEM or DER. Without TLS:\n  export WO_ROOT_CERT=""',
      cause,
    });
  }
  return { sslmode: "verify-full", sslrootcert: file };
}

/** What a connection string itself says of TLS goes before. */
async function readConnection(name: Mandatory, text: string, tls: Tls): Promise<ConnectionSettings> {
  if (text.trim() === "") throw variable(name, "is empty");
  const { parseConnectionString } = await import("../../postgres/conninfo.js");
  try {
    const { sslmode, sslrootcert, ...connection } = parseConnectionString(text.trim());
    return { ...connection, sslmode: sslmode ?? tls.sslmode, sslrootcert: sslrootcert ?? tls.sslrootcert };
  } catch (error) {
    if (!(error instanceof WovError)) throw error;
    throw new ConfigError(error.code, error.message, { where: name, hint: error.hint });
  }
}

function readSearchPath(text: string | undefined): string[] {
  if (text === undefined || text.trim() === "") return ["public"];
  const schemas = text.split(",").map((schema) => schema.trim());
  if (schemas.every((schema) => schema !== "" && PLAIN.test(schema)))
    return schemas.map((schema) => schema.toLowerCase());
  throw variable("WO_SEARCH_PATH", "is no list of schemas with commas between, of letters, digits and _");
}

/** The server looks names up where we do. */
function withSearchPath({ options }: ConnectionSettings, searchPath: readonly string[]) {
  return { options: `${options === undefined ? "" : `${options} `}-csearch_path=${searchPath.join(",")}` };
}

/**
 * What the scripts of `create/` and `drop/` may be told. Values with other characters than letters, digits and `_` are
 * refused, since they are put into SQL as they are.
 *
 * @throws ConfigError `WO_VARIABLE`
 */
export function putParameters(text: string, path: string, { connection }: WoSettings): string {
  const parameters = {
    database_name: connection.database,
    role_name: connection.user,
    password: connection.password,
  };
  return text.replaceAll(/\{(database_name|role_name|password)\}/g, (_, name: keyof typeof parameters) => {
    const value = parameters[name];
    const what = name.replace("_", " ");
    if (value === undefined || value === "") {
      throw new ConfigError(
        "WO_VARIABLE",
        `The script asks for the ${what}, and WO_CONNECTION_STRING has none.`,
        {
          where: path,
        },
      );
    }
    if (PLAIN.test(value)) return value;
    throw new ConfigError(
      "WO_VARIABLE",
      `The ${what} in WO_CONNECTION_STRING has other characters than letters, digits and _.`,
      { where: path, hint: "Take another one, or make role and database by hand." },
    );
  });
}

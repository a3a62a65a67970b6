/** What a database or a stage may be called. */
import { ConfigError } from "../errors.js";

/** The stage of a command that is told none, by option or configuration. */
export const DEFAULT_STAGE = "local";

/** The ledger's own database on a stage's server. */
const LEDGER = "wovtool";

/** PostgreSQL cuts an identifier at NAMEDATALEN - 1 bytes. */
const LONGEST_BYTES = 63;

/** File names that Windows keeps for devices, whatever follows the first dot. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

const NAME = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*$/u;

/**
 * Why a word cannot name a database or a stage, or null when it can. A name must serve as a PostgreSQL identifier
 * and, unchanged, as a file name on every system, so it holds letters, digits, `_` and `-`, does not begin with
 * `-`, and is at most 63 bytes long.
 */
export function nameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (Buffer.byteLength(name) > LONGEST_BYTES) return `is longer than ${LONGEST_BYTES} bytes`;
  if (!NAME.test(name)) return 'may hold only letters, digits, "_" and "-", and not begin with "-"';
  // The same letters in two encodings would be two files on one system and one on another.
  if (name.normalize("NFC") !== name) return "is not in Unicode's composed form (NFC)";
  if (DEVICES.test(name)) return "is the name of a device on Windows, so it cannot be a file name";
  return null;
}

/**
 * Like `nameProblem`, for databases: the name of the ledger is taken.
 */
export function databaseNameProblem(name: string): string | null {
  return name === LEDGER ? "is the name of the ledger" : nameProblem(name);
}

/**
 * Checks a database name from the command line or a caller.
 *
 * @returns the name
 * @throws ConfigError `BAD_DATABASE_NAME`
 */
export function checkDatabaseName(name: string): string {
  const problem = databaseNameProblem(name);
  if (problem === null) return name;
  throw new ConfigError("BAD_DATABASE_NAME", `The database name ${JSON.stringify(name)} ${problem}.`, {
    hint: 'Take a name of letters, digits, "_" and "-", for example shopdb.',
  });
}

/**
 * Checks a stage name from the command line, the configuration or a caller.
 *
 * @returns the name
 * @throws ConfigError `BAD_STAGE_NAME`
 */
export function checkStageName(name: string): string {
  const problem = nameProblem(name);
  if (problem === null) return name;
  throw new ConfigError("BAD_STAGE_NAME", `The stage name ${JSON.stringify(name)} ${problem}.`, {
    hint: 'Take a name of letters, digits, "_" and "-", for example prod.',
  });
}

/**
 * The environment variable that holds a connection URL.
 *
 * @example urlVariable("shop-db", "prod") // → "WOV_SHOP_DB_PROD_URL"
 * @example urlVariable("shop-db") // → "WOV_SHOP_DB_URL"
 */
export function urlVariable(database: string, stage?: string): string {
  const words = ["WOV", database, ...(stage === undefined ? [] : [stage]), "URL"];
  return words.map((word) => word.toUpperCase().replace(/[^A-Z0-9]/g, "_")).join("_");
}

/** A pg_dump that is not the package's own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ConfigError } from "../errors.js";
import { hasCode } from "../files.js";
import { type ConnectionSettings, libpqEnvironment, withStandardStrings } from "./connection.js";
import { dumpFailed } from "./dump-failed.js";

export interface SystemDump {
  /** Its name on `PATH`, or its path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Why there has to be one, to be said where there is none. */
  readonly because: string;
}

/** The opening of a dump tells whether a backslash in a string means something. */
const STRINGS =
  /^(?:--[^\n]*\n|\s|\\restrict [^\n]*\n|SET (?!standard)[^\n]*\n)*SET standard_conforming_strings = (on|off);/;

/** In UTF-16 units; it has some 500 of them. */
const LONGEST_OPENING = 65_536;

/**
 * Runs a pg_dump.
 *
 * @param take gets the dump piece by piece, in which a backslash is a character like any other
 * @throws DatabaseError when it fails; ConfigError `NO_PG_DUMP`
 */
export async function runSystemDump(
  settings: ConnectionSettings,
  take: (piece: string) => void,
  dump: SystemDump,
): Promise<void> {
  const child = spawn(dump.program, ["--no-password", ...dump.args], {
    env: { ...process.env, ...libpqEnvironment(settings) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  /** What has come of it; null when it has been given on. */
  let opening: string | null = "";
  let readsBackslashes = false;
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    if (opening === null) return take(piece);
    opening += piece;
    const [, value] = STRINGS.exec(opening) ?? [];
    if (value === undefined && opening.length < LONGEST_OPENING) return;
    readsBackslashes = value === "off";
    if (readsBackslashes) return child.kill();
    take(opening);
    opening = null;
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    said += piece;
  });
  const status = await statusOf(child, dump, settings);
  if (readsBackslashes) return runSystemDump(withStandardStrings(settings), take, dump);
  if (status !== 0) throw dumpFailed(said, settings);
  if (opening !== null) take(opening);
}

/** Waits for its end. @returns null where a signal has ended it */
async function statusOf(
  child: ReturnType<typeof spawn>,
  { program, because }: SystemDump,
  settings: ConnectionSettings,
): Promise<number | null> {
  try {
    const [status]: (number | null)[] = await once(child, "close");
    return status ?? null;
  } catch (error) {
    if (!hasCode(error, "ENOENT", "EACCES")) throw dumpFailed(String(error), settings, error);
    throw new ConfigError("NO_PG_DUMP", `There is no pg_dump to run at "${program}".${because}`, {
      hint: 'Install PostgreSQL\'s client programs, or set "pgDump" in wovtools/config.json.',
      cause: error,
    });
  }
}

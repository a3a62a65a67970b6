/** The project version, PVER. */
import parse from "semver/functions/parse.js";
import * as v from "valibot";
import { ConfigError } from "../errors.js";
import { readText } from "../files.js";
import { parseJson } from "../json.js";

const PackageJson = v.looseObject({ version: v.optional(v.string()) });

/** What `determinePver` asks of its surroundings. */
export interface PverSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly mode: "package.json" | "commits";
  /** Path of the project's package.json. */
  readonly packageJson: string;
  /** The number of commits of HEAD; asked only when it is needed. */
  readonly commitCount: () => Promise<number>;
}

/**
 * Determines the project version: `WOV_PVER`, then what the configuration names.
 *
 * @returns a semantic version without build metadata; a commit count or a bare number N becomes `N.0.0`
 * @throws ConfigError `BAD_PVER` when it is no version, or has build metadata, which the archive itself uses to
 *   number revisions; `NO_PVER` when package.json is missing or has no version
 * @example await determinePver({ env: { WOV_PVER: "12" }, … }) // → "12.0.0"
 */
export async function determinePver(sources: PverSources): Promise<string> {
  const named = sources.env.WOV_PVER;
  if (named !== undefined && named !== "") return checkPver(named, "WOV_PVER");
  if (sources.mode === "commits") return `${await sources.commitCount()}.0.0`;
  const text = await readText(sources.packageJson, ConfigError);
  const version =
    text === null
      ? undefined
      : parseJson(PackageJson, text, sources.packageJson, "PACKAGE", ConfigError).version;
  if (version !== undefined) return checkPver(version, sources.packageJson);
  throw new ConfigError(
    "NO_PVER",
    text === null
      ? "There is no package.json to read the project version from."
      : "package.json has no version.",
    {
      where: sources.packageJson,
      hint: 'Set one with:\n  npm pkg set version=1.0.0\nOr count commits: "pver": "commits" in wovtools/config.json.',
    },
  );
}

/**
 * Checks a project version that somebody wrote.
 *
 * @param where the variable, file or option that it comes from
 * @throws ConfigError `BAD_PVER`
 */
export function checkPver(text: string, where: string): string {
  const version = /^\d+$/.test(text) ? `${text}.0.0` : text;
  const parsed = parse(version);
  if (parsed === null || parsed.version !== version) {
    const problem =
      parsed !== null && parsed.build.length > 0
        ? "has build metadata, which the archive uses to number its revisions"
        : "is not a semantic version";
    throw new ConfigError("BAD_PVER", `The project version ${JSON.stringify(text)} ${problem}.`, {
      where,
      hint: "Write it as MAJOR.MINOR.PATCH, for example 1.4.0.",
    });
  }
  return version;
}

/** What a command line says twice, and not the same. */
import { ConfigError } from "../errors.js";

/** Options that take several words, and words that are no option's. */
const LISTS = new Set(["_", "databases", "snapshot"]);

/**
 * Takes an option that is given twice with the same value as given once.
 *
 * @param args as yargs has read them, with lists for what was given twice; they are changed
 * @throws ConfigError `USAGE` where the values differ; they are not repeated, since a URL may hold a password
 */
export function takeOnce(args: { [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(args)) {
    if (!Array.isArray(value) || LISTS.has(name)) continue;
    if (new Set(value).size > 1) throw twice(`${asTyped(name)} is given twice, and not the same.`);
    args[name] = value[0];
  }
}

/**
 * Refuses an option beside its opposite: yargs takes the last.
 *
 * @throws ConfigError `USAGE`
 */
export function refuseOpposites(argv: readonly string[]): void {
  const words = new Set(argv.map((word) => word.replace(/=.*/s, "")));
  for (const word of words) {
    const name = /^--no-(.+)$/.exec(word)?.[1];
    if (name !== undefined && words.has(`--${name}`))
      throw twice(`--${name} and ${word} do not go together.`);
  }
}

function twice(message: string): ConfigError {
  return new ConfigError("USAGE", message, { hint: "Give one of them." });
}

function asTyped(name: string): string {
  if (name.length === 1) return `-${name}`;
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

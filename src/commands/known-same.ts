import { ConfigError } from "../errors.js";
import { readText, sha256, writeAtomic } from "../files.js";

/**
 * Pairs of schemas that a server has found to be the same though their texts differ. Without it a database that
 * was made from the archive, and prints an expression in another way, would cost a question to a server at every
 * push.
 */
export interface KnownSame {
  has(from: string, to: string): Promise<boolean>;
  add(from: string, to: string): Promise<void>;
}

/** How many pairs are kept; the oldest go first. */
const KEPT = 100;

/**
 * Known pairs in a file, one SHA-256 a line. Losing it costs nothing but time.
 *
 * @param file best in git's own folder
 */
export function knownSameIn(file: string): KnownSame {
  const read = async () =>
    ((await readText(file, ConfigError)) ?? "").split("\n").filter((line) => line !== "");
  const key = (from: string, to: string) => sha256(`${from} ${to}`);
  return {
    has: async (from, to) => (await read()).includes(key(from, to)),
    add: async (from, to) => {
      const lines = [...(await read()), key(from, to)].slice(-KEPT);
      await writeAtomic(file, `${lines.join("\n")}\n`);
    },
  };
}

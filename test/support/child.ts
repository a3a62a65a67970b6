/** Processes of the tests' own code. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * How Node is told to run a module that lies beside another: compiled where that one is, by tsx where that one is.
 *
 * @param name without its ending, e.g. `archiving-child`
 * @example spawn(process.execPath, [...moduleBeside(import.meta.url, "archiving-child"), root])
 */
export function moduleBeside(url: string, name: string): string[] {
  return [...process.execArgv, fileURLToPath(new URL(`./${name}${extname(url)}`, url))];
}

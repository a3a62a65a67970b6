/** What can be made again and is kept all the same, because making it takes long. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { hasCode } from "./files.js";

/** Where it is kept: https://specifications.freedesktop.org/basedir-spec/latest/ */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: given = "" } = process.env;
  return join(isAbsolute(given) ? given : join(homedir(), ".cache"), "wovtools");
}

/** Whether an error says no more than that there is no place to keep something. */
export function isLackOfPlace(error: unknown): boolean {
  return hasCode(error, "EACCES", "EDQUOT", "ENOENT", "ENOSPC", "ENOTDIR", "EPERM", "EROFS");
}

/** What can be made again and is kept all the same, because making it takes long. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { hasCode } from "./files.js";

/** Where it is kept: https://specifications.freedesktop.org/basedir-spec/latest/. Null where there is no such place. */
export function cacheFolder(): string | null {
  const { XDG_CACHE_HOME: given = "" } = process.env;
  const folder = isAbsolute(given) ? given : join(home(), ".cache");
  return isAbsolute(folder) ? join(folder, "wovtools") : null;
}

/** Empty for a user of whom the system knows nothing, as in many a container. */
function home(): string {
  try {
    return homedir();
  } catch (error) {
    if (hasCode(error, "ERR_SYSTEM_ERROR")) return "";
    throw error;
  }
}

/** Whether an error says no more than that there is no place to keep something. */
export function isLackOfPlace(error: unknown): boolean {
  return hasCode(error, "EACCES", "EDQUOT", "ENOENT", "ENOSPC", "ENOTDIR", "EPERM", "EROFS");
}

/** Files that live for a second, kept in memory. */
import { statfsSync } from "node:fs";
import { hasCode } from "../files.js";

/** Linux's file system in memory, in which databases are made in a fifth of the time. */
export const IN_MEMORY = "/dev/shm";

/**
 * A folder in memory, where the system has one with that much room.
 *
 * @param room in bytes; the machine, or the container, has to have it free besides
 */
export function folderInMemory(room: number): string | null {
  if (process.platform !== "linux" || process.availableMemory() < room) return null;
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= room ? IN_MEMORY : null;
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES")) return null;
    throw error;
  }
}

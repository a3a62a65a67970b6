/** What a server tells of itself in its data directory. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../files.js";

/** The first process of a server. */
export interface Postmaster {
  readonly pid: number;
  /** In seconds since 1970. */
  readonly startedAt: number;
  /** Whether the server takes connections. */
  readonly isReady: boolean;
}

/**
 * Reads `postmaster.pid`. Its eighth line is the server's state since PostgreSQL 10.
 *
 * @returns null where there is no such file, or the server has not written all of it yet; a server that was killed
 *   leaves its own behind
 */
export async function postmasterOf(dataDir: string): Promise<Postmaster | null> {
  const text = await textOf(join(dataDir, "postmaster.pid"));
  const [pid = "", , startedAt = "", , , , , state = ""] = text.split("\n");
  if (pid === "" || startedAt === "") return null;
  return { pid: Number(pid), startedAt: Number(startedAt), isReady: state.trim() === "ready" };
}

/** A file's text; nothing where there is none, or it is not for this user's eyes. */
export function textOf(file: string): Promise<string> {
  return unlessGone(readFile(file, "utf8"), "");
}

/** What is read, or a value in its stead where there is nothing to read, or it is not for this user's eyes. */
export async function unlessGone<T>(reading: Promise<T>, instead: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES")) return instead;
    throw error;
  }
}

export function isAlive(pid: number): boolean {
  return signal(pid, 0);
}

/** @returns whether there is such a process, be it another user's */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (hasCode(error, "EPERM", "ESRCH")) return hasCode(error, "EPERM");
    throw error;
  }
}

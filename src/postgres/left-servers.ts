/** Servers to be thrown away whose processes were killed before they could do so. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAlive, postmasterOf, signal, textOf, unlessGone } from "./postmaster.js";

/** What the folders of such servers begin with. */
export const THROW_AWAY_PREFIX = "wovtools-server-";

const OWNER_FILE = "owner";

/** Notes in a server's folder that it is this process's. */
export function takeOwnership(folder: string): void {
  writeFileSync(join(folder, OWNER_FILE), `${process.pid}\n${hostname()}\n`);
}

/**
 * Ends and removes the servers of processes that are gone. What belongs to other users, or to processes of another
 * host or container that has the same folder, is left alone.
 *
 * @param inside the folder that the servers' folders are in
 */
export async function clearLeftServers(inside: string): Promise<void> {
  const all = await unlessGone(readdir(inside), []);
  const names = all.filter((name) => name.startsWith(THROW_AWAY_PREFIX));
  await Promise.all(names.map((name) => clearIfLeft(join(inside, name))));
}

async function clearIfLeft(folder: string): Promise<void> {
  const made = await unlessGone(lstat(folder), null);
  if (made === null || made.uid !== (process.getuid?.() ?? made.uid)) return;
  const [owner, host] = (await textOf(join(folder, OWNER_FILE))).split("\n");
  if (owner === undefined || owner === "" || host !== hostname() || isAlive(Number(owner))) return;
  const dataDir = join(folder, "data");
  const postmaster = await postmasterOf(dataDir);
  if (postmaster !== null && isAlive(postmaster.pid)) {
    // The number may be another process's by now.
    if (!(await argumentsOf(postmaster.pid)).includes(dataDir)) return;
    // Immediate shutdown: https://www.postgresql.org/docs/current/server-shutdown.html
    signal(postmaster.pid, "SIGQUIT");
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** The command line of a process; nothing where the system does not tell. */
async function argumentsOf(pid: number): Promise<string> {
  try {
    return (await promisify(execFile)("ps", ["-p", String(pid), "-o", "args="])).stdout;
  } catch {
    // There is no ps, or no such process any more.
    return "";
  }
}

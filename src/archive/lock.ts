/** One archiving at a time: a lock file that says who holds it and outlives nobody. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import * as v from "valibot";
import { BlockedError } from "../errors.js";
import { isMissing } from "../files.js";

const Holder = v.strictObject({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  host: v.string(),
  /** When the process started, in the system's own terms; null where it does not tell. */
  started: v.nullable(v.string()),
});
type Holder = v.InferOutput<typeof Holder>;

/**
 * Does some work while holding a lock file. A lock whose process is gone (killed, or its number given to another
 * process since) is taken over.
 *
 * @param file the lock file; its folder is made as needed
 * @throws BlockedError `ARCHIVING_LOCKED` while another process holds it, or another machine may
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  await acquire(file);
  try {
    return await work();
  } finally {
    await unlink(file);
  }
}

/** Takes away a lock that a killed process has left; any other is left where it is. */
export async function clearDeadLock(file: string): Promise<void> {
  const text = await readIfThere(file);
  const holder = text === null ? null : parseHolder(text);
  if (holder !== null && !(await mayLive(holder))) await clearStale(file);
}

async function acquire(file: string): Promise<void> {
  const own = `${file}.${process.pid}.${randomUUID()}`;
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    started: (await processState(process.pid)).started,
  };
  // A link appears with its whole content, so nobody ever reads half a lock.
  try {
    await writeFile(own, JSON.stringify(holder));
    while (!(await tryLink(own, file))) await clearStale(file);
  } finally {
    await rm(own, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Takes a dead process's lock away; a living one's is an error. Returns when it is worth another try. */
async function clearStale(file: string): Promise<void> {
  const text = await readIfThere(file);
  if (text === null) return;
  const holder = parseHolder(text);
  if (holder === null || (await mayLive(holder))) throw locked(file, holder);
  // Whoever renames first has it. Should another process have taken over in between, its lock goes back.
  const aside = `${file}.${process.pid}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if ((await readFile(aside, "utf8")) !== text) await tryLink(aside, file);
  await unlink(aside);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function parseHolder(text: string): Holder | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No lock of ours; `locked` tells the user, who alone can know whose it is.
    return null;
  }
  const checked = v.safeParse(Holder, value);
  return checked.success ? checked.output : null;
}

function locked(file: string, holder: Holder | null): BlockedError {
  const who =
    holder === null
      ? "something"
      : `process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`;
  return new BlockedError("ARCHIVING_LOCKED", `Another archiving is at work (${who}).`, {
    where: file,
    hint:
      holder?.host === hostname()
        ? "Wait until it has ended, then run this again."
        : "Wait until it has ended. If it no longer runs, remove the lock file.",
  });
}

/** Whether the holder may still be at work. Of another machine's processes nothing can be known. */
async function mayLive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  const state = await processState(holder.pid);
  if (!state.alive) return false;
  return holder.started === null || state.started === null || holder.started === state.started;
}

/** Whether a process of this machine runs, and its start time, which tells it from a later one of the same number. */
async function processState(pid: number): Promise<{ alive: boolean; started: string | null }> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    const alive = error instanceof Error && "code" in error && error.code === "EPERM";
    if (!alive) return { alive, started: null };
  }
  // proc(5): the state and the start time, in clock ticks since boot, are fields 3 and 22. Field 2, the name in
  // parentheses, may hold anything, so the count begins behind its end.
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === null) return { alive: true, started: null };
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ended = fields[0] === "Z" || fields[0] === "X";
  return { alive: !ended, started: fields[19] ?? null };
}

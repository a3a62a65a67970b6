/** A process that runs commands one after the other; its own side is kept-process-child.ts. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Program } from "#src/cli/main.js";
import { moduleBeside } from "./child.js";

/** What a command came to. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as a terminal would show them. */
  readonly output: string;
}

/** One of the package's programs, and how it is run. */
export interface KeptCommand {
  readonly program: Program;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface KeptProcess {
  readonly child: ChildProcess;
  /** Is refused when the process ends. */
  readonly ended: Promise<never>;
}

let kept: KeptProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in a process that is kept for the next one, when those before it have ended. To start a process and
 * to load the package into it takes longer than most commands work.
 */
export function runKept(command: KeptCommand): Promise<Ended> {
  const ended = last.then(() => ask(command));
  last = ended.catch(() => undefined);
  return ended;
}

async function ask(command: KeptCommand): Promise<Ended> {
  kept ??= start();
  const { child, ended } = kept;
  // It keeps this process from ending only while it works.
  child.channel?.ref();
  try {
    child.send(command);
    const [answer]: Ended[] = await Promise.race([once(child, "message"), ended]);
    if (answer === undefined) throw new Error("no answer came");
    return answer;
  } finally {
    child.channel?.unref();
  }
}

function start(): KeptProcess {
  const child = spawn(process.execPath, moduleBeside(import.meta.url, "kept-process-child"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.unref();
  const ended = once(child, "exit").then(([status, signal]) => {
    throw new Error(`the process that runs the commands ended with ${status ?? signal}`);
  });
  ended.catch(() => (kept = undefined));
  return { child, ended };
}

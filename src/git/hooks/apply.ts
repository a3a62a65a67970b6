import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ConfigError } from "../../errors.js";
import { git } from "../git.js";
import type { Repository } from "../repository.js";
import type { HookPlan } from "./plan.js";

const execute = promisify(execFile);

/**
 * Carries out a plan of `planHooks`.
 *
 * @throws ConfigError HOOKS_INSTALL when husky or lefthook fails, with what it said; the files are written
 */
export async function applyHooks({ root }: Repository, plan: HookPlan): Promise<void> {
  for (const { path, content, mode } of plan.writes) await write(join(root, path), content, mode);
  for (const { key, value } of plan.config) await git(root, ["config", "--local", key, value]);
  for (const [program, ...args] of plan.run) await run(root, program, args);
}

async function write(path: string, content: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      // The mode that a file is opened with is cut by the umask.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function run(root: string, program: string, args: readonly string[]): Promise<void> {
  try {
    await execute(program, args, { cwd: root });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const said = "stderr" in cause && typeof cause.stderr === "string" ? cause.stderr.trim() : "";
    throw new ConfigError("HOOKS_INSTALL", `a program that installs hooks failed: ${said || cause.message}`, {
      where: program,
      hint: "Mend that, then run again:\n  npx wov init",
      cause,
    });
  }
}

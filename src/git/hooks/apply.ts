import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConfigError } from "../../errors.js";
import { writeAtomic } from "../../files.js";
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
  for (const { path, content, mode } of plan.writes) await writeAtomic(join(root, path), content, { mode });
  for (const { key, value } of plan.config) await git(root, ["config", "--local", key, value]);
  for (const [program, ...args] of plan.run) await run(root, program, args);
}

async function run(root: string, program: string, args: readonly string[]): Promise<void> {
  try {
    await execute(program, args, { cwd: root });
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const said = "stderr" in cause && typeof cause.stderr === "string" ? cause.stderr.trim() : "";
    throw new ConfigError(
      "HOOKS_INSTALL",
      `A program that installs hooks failed:\n${said || cause.message}`,
      {
        where: program,
        hint: "Mend that, then run again:\n  npx wov init",
        cause,
      },
    );
  }
}

import { type HookName, hook } from "../../commands/hook.js";
import type { HookResult } from "../../commands/results.js";
import type { ExitStatus } from "../../errors.js";
import { checkText } from "../check-text.js";
import type { Output } from "../output.js";
import { commandOptions, type GlobalArguments } from "../verb.js";

/** Runs a hook as git's own scripts call it: nothing is printed unless there is something to say. */
export async function runHook(
  name: HookName,
  args: readonly string[],
  globals: Pick<GlobalArguments, "stage" | "url">,
  output: Output,
): Promise<ExitStatus> {
  const stdin = name === "pre-push" ? await readStdin() : "";
  const result = await hook(name, { ...commandOptions(globals, output), args, stdin });
  for (const note of result.notes) output.note(`wovtools: ${note}`);
  output.result(result, (colors) => {
    const check = result.check?.blocked ? checkText(result.check, colors) : "";
    return [check, ...problemLines(result), ...(result.blocked ? wayAround(name) : [])]
      .filter((text) => text !== "")
      .join("\n");
  });
  return result.blocked ? 1 : 0;
}

function problemLines({ problems }: HookResult): string[] {
  return problems.map(({ where, message, hint }) => `${where}: ${message}\n${hint.replaceAll(/^/gm, "  ")}`);
}

/** How to go on without a hook that has stopped git; nothing for a hook that cannot. */
export function wayAround(name: HookName): string[] {
  if (name !== "pre-push" && name !== "pre-commit") return [];
  const command = name === "pre-push" ? "git push --no-verify" : "git commit --no-verify";
  return [
    `wovtools has stopped this ${name === "pre-push" ? "push" : "commit"}. To go on all the same: ${command}`,
  ];
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

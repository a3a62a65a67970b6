/**
 * Runs one of the package's programs after the other: each with its arguments, in its folder and environment, until it
 * is through. What it prints is part of the answer.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Ended, KeptCommand } from "./kept-process.js";
import { PACKAGE } from "./project.js";

/** What each program's file calls. */
const { start }: typeof import("#src/cli/start.js") = createRequire(import.meta.url)(
  join(PACKAGE, "dist/cli/start.js"),
);

async function run({ program, args, cwd, env }: KeptCommand): Promise<Ended> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.execPath, program, ...args];
  process.exitCode = undefined;
  const printed = capture();
  try {
    await start(program);
    return { ...printed.text, status: Number(process.exitCode ?? 0) };
  } finally {
    printed.end();
    process.exitCode = undefined;
  }
}

/** Keeps what is written to the standard streams. */
function capture() {
  const text = { stdout: "", stderr: "", output: "" };
  const ends = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    stream.write = (chunk: string | Uint8Array, ...more: unknown[]) => {
      const part = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      text[name] += part;
      text.output += part;
      const written = more.at(-1);
      if (typeof written === "function") process.nextTick(() => Reflect.apply(written, stream, []));
      return true;
    };
    return () => (stream.write = write);
  });
  return { text, end: () => ends.forEach((end) => void end()) };
}

process.on("message", async (command: KeptCommand) => {
  process.send?.(await run(command));
});
process.once("disconnect", () => process.exit());

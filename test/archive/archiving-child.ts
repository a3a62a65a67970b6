/** Archives in a process of its own. Arguments: the repository, a step, and what to do there: die, or hold still. */
import { setTimeout } from "node:timers/promises";
import { WovError } from "#src/errors.js";
import { archivePending, describeRepository } from "./repository.js";

const [root = "", stop, what] = process.argv.slice(2);
try {
  const result = await archivePending(await describeRepository(root), async (step) => {
    if (step !== stop) return;
    if (what === "hold") process.stdout.write("holding\n");
    else process.kill(process.pid, "SIGKILL");
    // Nothing more may happen here, however long the signal takes to arrive.
    await setTimeout(600_000);
  });
  process.stdout.write(`${result?.outcome ?? "nothing"}\n`);
} catch (error) {
  if (!(error instanceof WovError)) throw error;
  process.stdout.write(`${error.code}\n`);
}

/** Measures deploys on their own: npx tsx bench/deploy-run.ts [--versions N] [--rounds N] [--pg-dump PATH] [--json] */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { deployReport, measureDeploys, peersAreInstalled } from "./deploy.js";

/** @returns the exit status */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      versions: { type: "string", default: "300" },
      rounds: { type: "string", default: "5" },
      "pg-dump": { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const [versions, rounds] = [Number(values.versions), Number(values.rounds)];
  if (![versions, rounds].every((value) => Number.isInteger(value) && value > 0)) {
    process.stderr.write("--versions and --rounds take whole numbers above 0.\n");
    return 2;
  }
  if (!(await peersAreInstalled())) {
    process.stderr.write(
      "The programs to compare with are not installed:\n  npm ci --prefix bench/peers --ignore-scripts\n",
    );
    return 2;
  }
  const parts = await measureDeploys(versions, rounds, values["pg-dump"]);
  const machine = { node: process.versions.node, cores: cpus().length, processor: cpus()[0]?.model ?? "" };
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine, parts }, null, 2)}\n`
      : `Node ${machine.node}, ${machine.cores} cores (${machine.processor.trim()})\n\n${deployReport(parts)}\n`,
  );
  return 0;
}

process.exitCode = await main();

/**
 * Runs the tests: one embedded server for all of them, a process for each file, one more at once than there
 * are processors, since each of them waits now and then. Arguments narrow the run to the files whose path contains one of them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { folderInMemory } from "#src/postgres/memory-folder.js";
import { dropDatabasesOf, SERVER_VARIABLE, urlOf } from "./support/server.js";

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

/** Hundreds of databases are made on it, most of them for a second, and thousands of sessions log in by a password. */
const SERVER_SETTINGS = {
  scram_iterations: "1",
  max_connections: "200",
  autovacuum: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
};

const here = dirname(fileURLToPath(import.meta.url));
const compiled = join(dirname(here), "build-test");

/** In bytes: many databases are there at once. */
const ROOM_FOR_DATABASES = 4e9;

/**
 * Compiles the tests to a folder beside theirs, which takes a fifth of a second: a file that is compiled as it is
 * loaded takes one to start.
 */
async function compileTests(): Promise<void> {
  const entries = await readdir(here, { recursive: true });
  const sources = entries.filter((file) => file.endsWith(".ts") && !file.includes("node_modules"));
  await rm(compiled, { recursive: true, force: true });
  await build({
    entryPoints: sources.map((file) => join(here, file)),
    outbase: here,
    outdir: compiled,
    format: "esm",
    platform: "node",
    target: "node20",
  });
}

/**
 * What takes longest, in that order: begun last, it would go on alone when all else is through. The order of the
 * rest matters little, since there are many of them and none is long: with these four first, the run takes 1% longer
 * than in the best order there is, and by the size of the files or the number of their tests 3% to 8%.
 */
const LONGEST = ["commands/kill", "cli/hooks", "scenarios/demo", "stage/objects"];

/** The files of tests in the order in which they are begun. */
async function testFiles(wanted: readonly string[]): Promise<string[]> {
  const entries = await readdir(here, { recursive: true });
  const files = entries.filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules"));
  const chosen = files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  const rank = (file: string) => LONGEST.findIndex((name) => file === `${name}.test.ts`) + 1 || Infinity;
  return chosen.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Runs one file and reads how it went off uvu's closing lines. */
async function runFile(file: string, env: NodeJS.ProcessEnv, server: ConnectionSettings): Promise<Outcome> {
  const child = spawn(process.execPath, [join(compiled, file.replace(/\.ts$/, ".js"))], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const started = performance.now();
  const [status]: (number | null)[] = await once(child, "close");
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const figure = (name: string) =>
    [...output.matchAll(new RegExp(`${name}:\\s+(\\d+)`, "g"))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  const passed = figure("Passed");
  // A file that ends early, or in which a test is skipped or none is run, has failed too.
  const failed = figure("Total") - passed || (status === 0 && passed > 0 ? 0 : 1);
  console.log(`${failed === 0 ? "ok  " : "FAIL"} ${file}  ${passed} passed, ${failed} failed, ${seconds} s`);
  if (failed > 0) console.log(output);
  await dropDatabasesOf(child.pid, server);
  return { passed, failed };
}

async function main(): Promise<void> {
  const files = await testFiles(process.argv.slice(2));
  await compileTests();
  const inside = folderInMemory(ROOM_FOR_DATABASES) ?? tmpdir();
  const server = await startThrowAwayServer({ settings: SERVER_SETTINGS, inside });
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    [SERVER_VARIABLE]: urlOf(server.connection),
    FORCE_COLOR: "0",
  };
  // Node reads a file of certificates whenever it starts, which takes a quarter of a short command's time.
  delete env.NODE_EXTRA_CA_CERTS;
  const outcomes: Outcome[] = [];
  try {
    const queue = files.values();
    const worker = async () => {
      for (const file of queue) outcomes.push(await runFile(file, env, server.connection));
    };
    await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
  } finally {
    await server.stop();
  }
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  if (files.length === 0) console.log(`no test file matches; they are in ${relative(process.cwd(), here)}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

await main();

import type { Argv } from "yargs";
import { ConfigError, type ExitStatus } from "../errors.js";
import { packageVersion } from "../package.js";
import { refuseOpposites, takeOnce } from "./contradictions.js";
import { Output } from "./output.js";
import { nameRuntime } from "./runtime.js";
import type { GlobalArguments, RegisteredVerb } from "./verb.js";

/** The names under which the program is installed. */
export type Program = "wov" | "wov-push-db" | "wov-db" | "wov-deploy" | "wo";

/**
 * Runs the command line.
 *
 * @param argv the arguments, without node and script
 * @param program the name it was called by: `wov-push-db …` is `wov push-db …`
 * @returns the exit status; see `ExitStatus`
 */
export async function main(argv: readonly string[], program: Program): Promise<ExitStatus> {
  nameRuntime();
  return (await runGitHook(argv, program)) ?? runProgram(argv.map(spellOut), program);
}

/** The seed's options of several letters after one dash, which yargs would take for several options. */
const SEED_OPTIONS: Readonly<Record<string, string>> = { "-pc": "--push-check", "-lwdb": "--lwdb" };

function spellOut(word: string): string {
  return SEED_OPTIONS[word] ?? word;
}

/** yargs leaves what follows `--` out of a command's words, unseen. No word here needs it: none begins with a dash. */
function withoutDashes(argv: readonly string[]): string[] {
  const at = argv.indexOf("--");
  if (at < 0) return [...argv];
  const rest = argv.slice(at + 1);
  const dashed = rest.find((word) => word.startsWith("-"));
  if (dashed === undefined) return [...argv.slice(0, at), ...rest];
  throw new ConfigError("USAGE", `The word "${dashed}" begins with a dash; no name does.`, {
    hint: `A file of that name is written ./${dashed}.`,
  });
}

/**
 * `wov hook NAME ARGS` as git's hooks call it. They run at every push, and loading yargs would take a fifth of
 * the time that a push may cost; options go the usual way.
 */
async function runGitHook(
  [verb, name, ...args]: readonly string[],
  program: Program,
): Promise<ExitStatus | undefined> {
  if (program !== "wov" || verb !== "hook" || [name, ...args].some((word) => word?.startsWith("-")))
    return undefined;
  const [{ HOOK_NAMES }, { runHook, wayAround }] = await Promise.all([
    import("../commands/hook.js"),
    import("./verbs/hook-run.js"),
  ]);
  const known = HOOK_NAMES.find((hook) => hook === name);
  if (known === undefined) return undefined;
  const output = new Output({ json: false, quiet: false, verbose: false });
  try {
    return await runHook(known, args, { stage: undefined, url: undefined }, output);
  } catch (error) {
    const status = output.error(error);
    for (const line of wayAround(known)) output.note(line);
    return status;
  } finally {
    output.done();
  }
}

async function runProgram(argv: readonly string[], program: Program): Promise<ExitStatus> {
  const { default: yargs } = await import("yargs");
  let status: ExitStatus = 0;
  const fail = (message: string): never => {
    throw new ConfigError("USAGE", message, { hint: `See how it is used:\n  ${program} --help` });
  };
  const globals: Argv<GlobalArguments> = yargs()
    .scriptName(program)
    .version(packageVersion())
    .option("stage", { describe: "The stage to work on", type: "string", requiresArg: true, global: true })
    .option("url", {
      describe: "A connection URL, before every other setting",
      type: "string",
      requiresArg: true,
      global: true,
    })
    .option("json", { describe: "Print one JSON document", type: "boolean", default: false, global: true })
    .option("quiet", {
      alias: "q",
      describe: "Print results and errors only",
      type: "boolean",
      default: false,
      global: true,
    })
    .option("verbose", {
      alias: "v",
      describe: "Print whole errors",
      type: "boolean",
      default: false,
      global: true,
    })
    .group(["stage", "url", "json", "quiet", "verbose", "help", "version"], "Everywhere:");
  let configured = globals;
  for (const [add, words] of await verbsOf(program, argv))
    configured = add(configured, words, (end) => (status = end));
  configured = configured
    .parserConfiguration({ "strip-dashed": true })
    .middleware(takeOnce, true)
    .strict()
    .recommendCommands()
    .demandCommand(program === "wov" || program === "wo" ? 1 : 0, "Which command?")
    .completion("completion", "Print a script that completes commands in bash or zsh")
    .alias("help", "h")
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => fail(message ?? error?.message ?? "The command line cannot be read."));
  try {
    refuseOpposites(argv);
    await configured.parseAsync(withoutDashes(argv));
  } catch (error) {
    const has = (word: string, letter: string) => argv.includes(word) || argv.includes(letter);
    return new Output({
      json: argv.includes("--json"),
      quiet: has("--quiet", "-q"),
      verbose: has("--verbose", "-v"),
    }).error(error);
  }
  return status;
}

type Words = (command: string) => string;

type Verbs = Readonly<Record<string, () => Promise<RegisteredVerb>>>;

/** In the order of the help. Each brings along all that it needs, so it is loaded only where it may be asked for. */
const WOV_VERBS: Verbs = {
  init: async () => (await import("./verbs/init.js")).initVerb,
  status: async () => (await import("./verbs/status.js")).statusVerb,
  "push-db": async () => (await import("./verbs/push-db.js")).pushDbVerb,
  db: async () => (await import("./verbs/db.js")).dbVerb,
  hash: async () => (await import("./verbs/schema.js")).hashVerb,
  diff: async () => (await import("./verbs/schema.js")).diffVerb,
  deploy: async () => (await import("./verbs/deploy.js")).deployVerb,
  deltas: async () => (await import("./verbs/deltas.js")).deltasVerb,
  hook: async () => (await import("./verbs/hook.js")).hookVerb,
};

const WO_VERBS: Verbs = {
  init: async () => (await import("./verbs/wo.js")).woInitVerb,
  plan: async () => (await import("./verbs/wo.js")).woPlanVerb,
  migrate: async () => (await import("./verbs/wo.js")).woMigrateVerb,
  import: async () => (await import("./verbs/wo-import.js")).woImportVerb,
  drop: async () => (await import("./verbs/wo.js")).woDropVerb,
};

/** `wov` and `wo` have every command by its name; the other programs are one of them. */
async function verbsOf(
  program: Program,
  argv: readonly string[],
): Promise<(readonly [RegisteredVerb, Words])[]> {
  if (program !== "wov" && program !== "wo") {
    const load = WOV_VERBS[program.slice("wov-".length)];
    if (load === undefined) throw new RangeError(`${program} is no command of wov`);
    return [[await load(), (command) => command.replace(/^\S+/, "$0")]];
  }
  const verbs = program === "wo" ? WO_VERBS : WOV_VERBS;
  const meant = Object.entries(verbs).filter(([name]) => argv.includes(name));
  // For the help, and for what is no command, all are needed.
  const loaded = meant.length > 0 ? meant : Object.entries(verbs);
  return Promise.all(loaded.map(async ([, load]) => [await load(), (command: string) => command] as const));
}

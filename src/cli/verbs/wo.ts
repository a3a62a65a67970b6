import type { WoDropResult, WoMigrateResult } from "../../commands/results.js";
import { woDrop } from "../../commands/wo/drop.js";
import { woInit } from "../../commands/wo/init.js";
import { woMigrate } from "../../commands/wo/migrate.js";
import type { WoOptions } from "../../commands/wo/settings.js";
import { ConfigError, type ExitStatus } from "../../errors.js";
import type { Colors, Output } from "../output.js";
import { shownPath, stepLines, stepRow } from "../steps-text.js";
import { type GlobalArguments, verb } from "../verb.js";

/** wo is told by its variables alone, so that environments are never mixed. */
function options(args: Pick<GlobalArguments, "stage" | "url">, output: Output): WoOptions {
  for (const name of ["stage", "url"] as const) {
    if (args[name] === undefined) continue;
    throw new ConfigError("WO_USAGE", `--${name} is not for wo.`, {
      hint: "Say where the database is by WO_CONNECTION_STRING.",
    });
  }
  return { progress: output.progress };
}

const SECONDS = { type: "number", requiresArg: true } as const;

export const woInitVerb = verb({
  command: "init",
  describe: "Make an empty tree of object scripts at WO_DIR",
  options: (yargs) => yargs.example("wo init", "with the five WO_ variables set"),
  run: async (args, output) => {
    const result = await woInit(options(args, output));
    output.result(result, (colors) =>
      result.created.length === 0
        ? `${result.dir} is there already: nothing to do`
        : [
            ...result.created.map((path) => `${colors.green("made")} ${path}`),
            "",
            "next:",
            "  wo migrate",
          ].join("\n"),
    );
    return 0;
  },
});

export const woPlanVerb = verb({
  command: "plan",
  describe: "Say what wo migrate would do",
  options: (yargs) => yargs.example("wo plan", "what would be done; changes nothing"),
  run: async (args, output) => tellPlan(await woMigrate({ ...options(args, output), plan: true }), output),
});

export const woMigrateVerb = verb({
  command: "migrate",
  describe: "Bring the database to its tree of object scripts, in one transaction",
  options: (yargs) =>
    yargs
      .option("plan", { describe: "Only say what would be done", type: "boolean", default: false })
      .option("plan-id", {
        describe: "Stop unless this is the plan, by the id that wo plan printed",
        type: "string",
        requiresArg: true,
      })
      .option("lock-timeout", {
        describe: "Seconds that a statement may wait for a lock, 5 unless given",
        ...SECONDS,
      })
      .option("wait", { describe: "Seconds to wait for another run, 60 unless given", ...SECONDS })
      .example("wo migrate", "make the database where it is missing, and bring it up to date"),
  run: async (args, output) => {
    const { plan, planId, lockTimeout, wait } = args;
    const result = await woMigrate({ ...options(args, output), plan, planId, lockTimeout, wait });
    return plan ? tellPlan(result, output) : tellMigrate(result, output);
  },
});

export const woDropVerb = verb({
  command: "drop",
  describe: "Drop the database and its roles",
  options: (yargs) =>
    yargs
      .option("no-joke", { describe: "Do it", type: "boolean" })
      // What yargs makes of --no-joke.
      .option("joke", { type: "boolean", default: true, hidden: true })
      .example("wo drop", "what would be gone")
      .example("wo drop --no-joke", "do it"),
  run: async (args, output) => {
    const announce = (names: readonly string[]) => {
      if (names.length > 0)
        output.note(["this will be gone:", ...names.map((name) => `  ${name}`)].join("\n"));
    };
    const result = await woDrop({ ...options(args, output), noJoke: !args.joke, announce });
    for (const note of result.notes) output.note(`note: ${note}`);
    output.result(result, (colors) => dropText(result, colors));
    return 0;
  },
});

function dropText({ database, dropped, roles }: WoDropResult, colors: Colors): string {
  if (!dropped) return `${database} was not there; the scripts of drop/ ran`;
  const also =
    roles.length === 0 ? "" : `, and the ${roles.length === 1 ? "role" : "roles"} ${roles.join(", ")}`;
  return `${colors.red("dropped")} ${database}${also}`;
}

function tellPlan(result: WoMigrateResult, output: Output): ExitStatus {
  for (const note of result.notes) output.note(`note: ${note}`);
  output.result(result, (colors) => planText(result, colors));
  return result.blockers.length > 0 && result.migrations.length === 0 ? 1 : 0;
}

function tellMigrate(result: WoMigrateResult, output: Output): ExitStatus {
  for (const note of result.notes) output.note(`note: ${note}`);
  output.result(result, (colors) => migrateText(result, colors));
  return 0;
}

function migrateText(result: WoMigrateResult, colors: Colors): string {
  const { database, applied } = result;
  if (!applied) return `${colors.bold(database)} is as its scripts say: nothing to do`;
  return [
    `${colors.green("migrated")} ${colors.bold(database)}${result.created ? ", which was made" : ""}`,
    ...rows(result, colors),
  ].join("\n");
}

function planText(result: WoMigrateResult, colors: Colors): string {
  const lines = rows(result, colors);
  const blocked = result.blockers.flatMap(({ message, where, hint }) => [
    `${colors.red("blocked")} ${message}`,
    ...[where, hint].flatMap((more) => (more === null ? [] : [more.replaceAll(/^/gm, "  ")])),
  ]);
  if (lines.length + blocked.length === 0)
    return `${colors.bold(result.database)} is as its scripts say: nothing to do`;
  const id = result.plan === null ? [] : [colors.dim(`  plan ${result.plan}`)];
  const head = `${colors.bold(result.database)}${colors.dim(`  ${result.target}`)}`;
  return [head, ...id, ...lines, ...blocked].join("\n");
}

/** One line a script or an object: what is done, to what, by which file, and why. */
function rows(result: WoMigrateResult, colors: Colors): string[] {
  const script = (why: string) => (path: string) => ["run", shownPath(path), "", why];
  const lines = [
    ...result.create.map(script("makes the database")),
    ...result.initial.map(script("once, in a new database")),
    ...result.migrations.map(script("migration")),
    ...result.steps.filter(({ action, certain }) => certain || action !== "grant").map(stepRow),
    ...result.final.map(script("after the objects")),
    ...(result.recordedMigration
      ? [["record", result.recordedMigration, "", "the last migration, not run"]]
      : []),
  ];
  return stepLines(lines, colors);
}

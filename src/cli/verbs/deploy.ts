import type { Argv } from "yargs";
import { deploy } from "../../commands/deploy.js";
import type { DatabaseDeploy, DeployResult } from "../../commands/results.js";
import type { ExitStatus } from "../../errors.js";
import type { Colors, Output } from "../output.js";
import { stepLines, stepRow } from "../steps-text.js";
import { table } from "../table.js";
import { type ArgumentsOf, commandOptions, type GlobalArguments, verb } from "../verb.js";

const SECONDS = { type: "number", requiresArg: true } as const;

const options = (yargs: Argv<GlobalArguments>) =>
  yargs
    .positional("databases", {
      describe: "The databases; all of the project unless given",
      type: "string",
      array: true,
      default: [],
    })
    .option("pver", {
      describe: "The version to go to; the newest in the archive unless given",
      type: "string",
      requiresArg: true,
    })
    .option("plan", { describe: "Only say what would be done", type: "boolean", default: false })
    .option("dry-run", {
      describe: "Say what would be done, and rehearse it on a shadow",
      type: "boolean",
      default: false,
    })
    .option("plan-id", {
      describe: "Stop unless this is the plan, by the id that --plan printed",
      type: "string",
      requiresArg: true,
    })
    .option("rehearse", {
      describe: "Try the plan on a shadow first; by itself where one can be had",
      type: "boolean",
    })
    .option("baseline", {
      describe: "The version that a database without a ledger has",
      type: "string",
      requiresArg: true,
    })
    .option("accept-drift", {
      describe: "Leave objects that are not as their version has them, and deploy all the same",
      type: "boolean",
      default: false,
    })
    .option("jobs", { describe: "How many databases at once", type: "number", requiresArg: true, default: 1 })
    .option("statement-timeout", { describe: "Seconds that a statement may take", ...SECONDS })
    .option("lock-timeout", {
      describe: "Seconds that a statement may wait for a lock, 5 unless given",
      ...SECONDS,
    })
    .option("wait", { describe: "Seconds to wait for another deploy, 60 unless given", ...SECONDS })
    .example("wov-deploy --stage 'eu,us-*' --jobs 8", "several stages, eight databases at once")
    .example("wov-deploy --stage prod --plan", "what would be done to every database of prod")
    .example("wov-deploy --stage prod", "do it")
    .example("wov-deploy shopdb --stage prod --pver 1.2.0", "go no further than 1.2.0");

type Arguments = ArgumentsOf<typeof options>;

export const deployVerb = verb({
  command: "deploy [databases..]",
  describe: "Bring a stage to a version, each delta exactly once",
  options,
  run: async (args, output) => {
    const result = await deploy({
      ...commandOptions(args, output),
      databases: args.databases,
      pver: args.pver,
      plan: args.plan,
      dryRun: args.dryRun,
      planId: args.planId,
      rehearse: args.rehearse,
      baseline: args.baseline,
      acceptDrift: args.acceptDrift,
      jobs: args.jobs,
      statementTimeout: args.statementTimeout,
      lockTimeout: args.lockTimeout,
      wait: args.wait,
    });
    return tell(result, args, output);
  },
});

function tell(result: DeployResult, args: Arguments, output: Output): ExitStatus {
  for (const { notes } of result.databases) for (const note of notes) output.note(`note: ${note}`);
  output.result(result, (colors) =>
    [...result.databases.map((one) => databaseText(one, result, colors)), ...summary(result)].join(
      args.plan || args.dryRun ? "\n\n" : "\n",
    ),
  );
  return statusOf(result);
}

/** A deploy that can be resumed, before all else; otherwise the highest. */
function statusOf({ databases }: DeployResult): ExitStatus {
  const failed = databases.flatMap(({ error }) => (error === null ? [] : [error.exitStatus]));
  return ([5, 4, 3, 2, 1] as const).find((status) => failed.includes(status)) ?? 0;
}

function summary({ databases, stage }: DeployResult): string[] {
  if (databases.length < 2) return [];
  const count = (outcome: DatabaseDeploy["outcome"]) =>
    databases.filter((one) => one.outcome === outcome).length;
  const parts = [
    [count("applied"), "deployed"],
    [count("planned"), "to be deployed"],
    [count("nothing"), "with nothing to do"],
    [count("failed"), "failed"],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return [`${databases.length} databases on ${stage}: ${said.join(", ")}`];
}

/** A database by its name in the project, and where there are several of that name, by where it is. */
function nameIn({ databases }: DeployResult, { database, target }: DatabaseDeploy): string {
  const isOne = databases.filter((one) => one.database === database).length === 1;
  return isOne ? database : `${database} ${target}`;
}

function databaseText(one: DatabaseDeploy, result: DeployResult, colors: Colors): string {
  const name = colors.bold(nameIn(result, one));
  switch (one.outcome) {
    case "nothing":
      return `${name} is at ${one.to}: nothing to do${one.recovered ? colors.dim("  (an interrupted deploy was cleared up)") : ""}`;
    case "applied":
      return [
        `${colors.green("deployed")} ${name} ${way(one)}${colors.dim(`  (${details(one)})`)}`,
        ...objectLines(one, colors),
      ].join("\n");
    case "planned":
      return planText(one, name, colors);
    case "failed":
      return failureText(one, name, colors);
  }
}

/** From where to where; a deploy of the objects alone stays where it is. */
function way({ from, to }: DatabaseDeploy): string {
  return from === to ? `at ${to}` : `${from ?? "empty"} → ${to}`;
}

/** How many objects are told one by one. */
const TOLD = 40;

function objectLines({ objects }: DatabaseDeploy, colors: Colors): string[] {
  const told = objects.filter(({ action }) => action !== "adopt" && action !== "record");
  const rest = told.length - TOLD;
  const lines = stepLines(told.slice(0, TOLD).map(stepRow), colors);
  return rest > 0 ? [...lines, `  and ${rest} objects more`] : lines;
}

function details(one: DatabaseDeploy): string {
  const { versions, transactions, rehearsed, recovered, seconds, objects } = one;
  return [
    versions.length === 0 ? "" : versions.length === 1 ? "1 version" : `${versions.length} versions`,
    objects.length === 0 ? "" : objects.length === 1 ? "1 object" : `${objects.length} objects`,
    transactions === 1 ? "" : `${transactions} transactions`,
    rehearsed ? "rehearsed" : "",
    recovered ? "an interrupted deploy was cleared up" : "",
    `${seconds.toFixed(1)} s`,
  ]
    .filter((detail) => detail !== "")
    .join(", ");
}

function failureText({ error }: DatabaseDeploy, name: string, colors: Colors): string {
  const lines = [`${colors.red("failed")} ${name} ${error?.message ?? ""}`];
  for (const more of [error?.where, error?.hint]) if (more) lines.push(more.replaceAll(/^/gm, "  "));
  return lines.join("\n");
}

function planText(one: DatabaseDeploy, name: string, colors: Colors): string {
  const how = one.transactions === 1 ? "one transaction" : `${one.transactions} transactions`;
  const lines = [
    `${name} ${way(one)}, in ${how}${one.rehearsed ? ", rehearsed" : ""}`,
    colors.dim(`  plan ${one.plan}`),
    ...sumLines(one),
  ];
  const explained = new Set<string>();
  for (const { version, how: manner, file, statements } of one.statements) {
    lines.push(`  ${colors.bold(version)}  ${file}${manner === "loaded" ? "  loaded as it is" : ""}`);
    if (manner === "loaded") continue;
    const rows = statements.map(statementRow);
    const paint = (cell: string, row: number, column: number) => {
      if (column !== 2) return cell;
      const { destructive, outsideTransaction, kind } = statements[row] ?? {};
      return destructive
        ? colors.red(cell)
        : outsideTransaction || kind !== "metadata"
          ? colors.yellow(cell)
          : cell;
    };
    const told = table(rows, paint);
    for (const [index, line] of told.entries())
      lines.push(`    ${line}`, ...hazardLines(statements[index], explained, colors));
  }
  const objects = objectLines(one, colors);
  if (objects.length > 0) lines.push(`  ${colors.bold("objects")}`, ...objects.map((line) => `  ${line}`));
  return lines.join("\n");
}

type Statement = DatabaseDeploy["statements"][number]["statements"][number];

/** What one rule says is told once in a plan; a long one would say it a hundred times. */
function hazardLines(
  statement: Statement | undefined,
  explained: Set<string>,
  { yellow, dim }: Colors,
): string[] {
  const known = new Set<string>();
  const lines: string[] = [];
  for (const { rule, message, help } of statement?.hazards ?? []) {
    const key = `${rule} ${message} ${help}`;
    if (explained.has(key)) known.add(rule);
    else lines.push(`       ${yellow(rule)} ${message}${help === null ? "" : dim(` ${help}`)}`);
    explained.add(key);
  }
  return known.size === 0 ? lines : [...lines, `       ${yellow([...known].join(", "))}`];
}

/** So many statements are taken in at a glance. */
const AT_A_GLANCE = 20;

/** How much of what kind a long plan holds. */
function sumLines({ statements: versions }: DatabaseDeploy): string[] {
  const all = versions.flatMap(({ how, statements }) => (how === "loaded" ? [] : statements));
  if (all.length <= AT_A_GLANCE) return [];
  const kinds: readonly (readonly [string, (statement: Statement) => boolean])[] = [
    ["destroy data", ({ destructive }) => destructive !== null],
    ["rewrite", ({ kind }) => kind === "rewrite"],
    ["scan", ({ kind }) => kind === "scan"],
    ["change rows", ({ kind }) => kind === "data"],
    ["outside a transaction", ({ outsideTransaction }) => outsideTransaction],
  ];
  const counts = kinds.map(([what, is]) => [what, all.filter(is).length] as const);
  const told = counts.filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
  return [`  ${all.length} statements: ${told.join(", ") || "metadata only"}`];
}

const LONGEST_SQL = 60;

function statementRow(statement: Statement): string[] {
  const { line, sql, kind, locks, destructive, outsideTransaction, unclear } = statement;
  const short = sql.replaceAll(/\s+/g, " ");
  const facts = [
    kind ?? "",
    ...locks.map(({ mode, object }) => `${mode} on ${object}`),
    destructive ? `destroys ${destructive}` : "",
    outsideTransaction ? "outside a transaction" : "",
    ...unclear,
  ];
  return [
    String(line),
    short.length > LONGEST_SQL ? `${short.slice(0, LONGEST_SQL - 1)}…` : short,
    facts.filter((fact) => fact !== "").join("; "),
  ];
}

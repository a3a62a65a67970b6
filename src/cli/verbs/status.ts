import type { StatusResult } from "../../commands/results.js";
import { status } from "../../commands/status.js";
import { firstOf, someNames } from "../check-text.js";
import type { Colors } from "../output.js";
import { table } from "../table.js";
import { commandOptions, verb } from "../verb.js";

export const statusVerb = verb({
  command: "status [databases..]",
  describe: "Show every database and stage on one screen",
  options: (yargs) =>
    yargs
      .positional("databases", {
        describe: "The databases; all unless given",
        type: "string",
        array: true,
        default: [],
      })
      .example("$0 status", "all stages that this machine has secrets for")
      .example("$0 status --stage prod", "one stage"),
  run: async (args, output) => {
    const result = await status({ ...commandOptions(args, output), databases: args.databases });
    output.result(result, (colors) => statusText(result, colors));
    return 0;
  },
});

type DatabaseStatus = StatusResult["databases"][number];
type StageStatus = DatabaseStatus["stages"][number];

function statusText(result: StatusResult, colors: Colors): string {
  const changes = result.uncommitted === 0 ? "clean" : `${result.uncommitted} uncommitted`;
  const head = `project version ${colors.bold(result.pver)}, ${result.branch === null ? "no branch" : `branch ${result.branch}`}, ${changes}`;
  // Where nobody works there is nobody to be stopped.
  const lacksHooks = !result.hooks && !process.env.CI;
  const hooks = lacksHooks
    ? `\n${colors.yellow("git calls no hooks of wovtools in this clone, so that a push is not stopped: run wov init")}`
    : "";
  return [head + hooks, ...result.databases.map((database) => databaseText(database, colors))].join("\n\n");
}

function databaseText(database: DatabaseStatus, colors: Colors): string {
  const archive =
    database.newest === null ? "no version yet" : `newest ${database.newest} of ${database.versions}`;
  const notes = [
    database.pending === null
      ? ""
      : `${database.pending} pending ${database.pending === 1 ? "statement" : "statements"}`,
    database.archiveUncommitted ? "archive not committed" : "",
    database.scriptsUncommitted.length > 0
      ? `object scripts not as HEAD has them: ${database.scriptsUncommitted.join(", ")}`
      : "",
    database.interrupted ? "an archiving was interrupted: run wov-push-db" : "",
    database.heads.length > 1
      ? `forked: ${database.heads.join(", ")} (wov-db ${database.database} --rebase)`
      : "",
    database.unproven.length > 0 ? `archived without proof: ${database.unproven.join(", ")}` : "",
    database.strays.length > 0 ? `files that no version names: ${database.strays.join(", ")}` : "",
  ].filter((note) => note !== "");
  const groups = groupsOf(database.stages);
  const rows = groups.map(({ where, like, names }) => [
    where,
    like.version ?? "?",
    stageState(like),
    lacking(like),
    names,
  ]);
  const paint = (cell: string, row: number, column: number) =>
    column === 2 ? stageColor(groups[row]?.like, colors)(cell) : cell;
  const steps = new Set(database.stages.flatMap((stage) => nextSteps(database.database, stage)));
  return [
    `${colors.bold(database.database)}  ${archive}`,
    ...notes.map((note) => `  ${colors.yellow(note)}`),
    ...table(rows, paint).map((line) => `  ${line}`),
    ...[...steps].map((line) => colors.dim(`  ${line}`)),
  ].join("\n");
}

/** Databases of a stage that are in the same state. */
interface Group {
  /** The stage, and how many of its databases. */
  readonly where: string;
  readonly like: StageStatus;
  /** Some of their names on the server; none where all is well. */
  readonly names: string;
}

function groupsOf(stages: readonly StageStatus[]): Group[] {
  const names = [...new Set(stages.map(({ stage }) => stage))];
  return names.flatMap((name) => groupsOn(stages.filter(({ stage }) => stage === name)));
}

/** A stage's databases by what is the same about them, the most first. */
function groupsOn(databases: readonly StageStatus[]): Group[] {
  const alike = new Map<string, StageStatus[]>();
  for (const one of databases) {
    const key = JSON.stringify([one.version, stageState(one), one.behind]);
    const same = alike.get(key);
    if (same === undefined) alike.set(key, [one]);
    else same.push(one);
  }
  const groups = [...alike.values()].sort((a, b) => b.length - a.length);
  return groups.flatMap((same) => {
    const [like] = same;
    if (like === undefined) return [];
    if (like.onServer === null) return { where: like.stage, like, names: "" };
    const names = isInOrder(like) ? "" : firstOf(same.map(({ onServer }) => onServer ?? ""));
    return { where: `${like.stage}, ${same.length} of ${databases.length}`, like, names };
  });
}

function isInOrder({ drift, behind, unapplied }: StageStatus): boolean {
  return drift === false && behind.length + unapplied.length === 0;
}

function stageState({ reachable, problem, drift, ledger, stopped, unapplied }: StageStatus): string {
  if (!reachable) return `unreachable: ${problem}`;
  if (stopped !== null) {
    const statements = stopped.statements === 1 ? "1 statement" : `${stopped.statements} statements`;
    return `stopped within ${stopped.version}, ${statements} applied`;
  }
  if (unapplied.length > 0) return `not as its script says: ${someNames(unapplied)}`;
  return `${drift ? "drift" : "no drift"}${ledger ? "" : ", not in the ledger"}`;
}

/** What a deploy is to finish or to apply. */
function nextSteps(database: string, { stage, stopped, unapplied }: StageStatus): string[] {
  return stopped === null && unapplied.length === 0 ? [] : [`wov-deploy ${database} --stage ${stage}`];
}

function lacking({ behind }: StageStatus): string {
  return behind.length === 0 ? "" : `lacks ${behind.join(", ")}`;
}

function stageColor(stage: StageStatus | undefined, colors: Colors): (text: string) => string {
  if (stage?.drift || stage?.reachable === false) return colors.red;
  const isBehind = stage !== undefined && stage.behind.length + stage.unapplied.length > 0;
  return isBehind || stage?.stopped ? colors.yellow : colors.green;
}

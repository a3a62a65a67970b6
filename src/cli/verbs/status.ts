import type { StatusResult } from "../../commands/results.js";
import { status } from "../../commands/status.js";
import { someNames } from "../check-text.js";
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
  return [head, ...result.databases.map((database) => databaseText(database, colors))].join("\n\n");
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
  const rows = database.stages.map((stage) => [
    stage.stage,
    stage.version ?? "?",
    stageState(stage),
    lacking(stage),
  ]);
  const paint = (cell: string, row: number, column: number) =>
    column === 2 ? stageColor(database.stages[row], colors)(cell) : cell;
  const steps = database.stages.flatMap((stage) => nextSteps(database.database, stage));
  return [
    `${colors.bold(database.database)}  ${archive}`,
    ...notes.map((note) => `  ${colors.yellow(note)}`),
    ...table(rows, paint).map((line) => `  ${line}`),
    ...steps.map((line) => colors.dim(`  ${line}`)),
  ].join("\n");
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

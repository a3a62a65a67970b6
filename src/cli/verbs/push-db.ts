import type { Argv } from "yargs";
import { check } from "../../commands/check.js";
import { hash } from "../../commands/hash.js";
import { log } from "../../commands/log.js";
import { pushDb } from "../../commands/push-db.js";
import type { HashResult, LogResult, PushDbResult } from "../../commands/results.js";
import { ConfigError, type ExitStatus } from "../../errors.js";
import { checkText } from "../check-text.js";
import type { Colors, Output } from "../output.js";
import { table } from "../table.js";
import { type ArgumentsOf, commandOptions, type GlobalArguments, verb } from "../verb.js";

const options = (yargs: Argv<GlobalArguments>) =>
  yargs
    .positional("databases", {
      describe: "The databases; all of the project unless given",
      type: "string",
      array: true,
      default: [],
    })
    .option("check", {
      describe: "Only say whether anything blocks a push; changes nothing",
      alias: ["push-check", "any-push-blockage"],
      type: "boolean",
      default: false,
    })
    .option("checksum", {
      describe: "Print the checksum of the schema as it is now",
      type: "boolean",
      default: false,
    })
    .option("log", { describe: "Print the version history", type: "boolean", default: false })
    .option("snapshot", {
      describe: "Archive the schema as it is as the first version: DB NAME",
      type: "string",
      nargs: 2,
      array: true,
    })
    .option("proof", {
      describe: "Prove first what is archived, by itself; where that is left out, the history says so",
      type: "boolean",
    })
    .option("skip-git-checks", {
      describe: "Uncommitted changes of the repository do not block",
      type: "boolean",
      default: false,
    })
    .example("wov-push-db --check", "does anything block a push? (also -pc)")
    .example("wov-push-db --snapshot shopdb initial", "archive the first version")
    .example("wov-push-db shopdb", "archive the pending deltas of shopdb");

type Arguments = ArgumentsOf<typeof options>;

export const pushDbVerb = verb({
  command: "push-db [databases..]",
  describe: "Archive what changed in a database, or say what blocks a push",
  options,
  run: async (args, output) => {
    refuseTogether(args);
    if (args.check) return runCheck(args, output);
    if (args.checksum) return runChecksum(args, output);
    if (args.log) {
      const result = await log({ ...commandOptions(args, output), databases: args.databases });
      output.result(result, (colors) => logText(result, colors));
      return 0;
    }
    return runPush(args, output);
  },
});

function refuseTogether({ check: checks, checksum, log: logs, snapshot, proof }: Arguments): void {
  const given = Object.entries({ check: checks, checksum, log: logs, snapshot: snapshot !== undefined });
  const names = given.filter(([, isGiven]) => isGiven).map(([name]) => `--${name}`);
  // What looks only proves nothing.
  if (proof === true && (checks || checksum || logs)) names.push("--proof");
  if (names.length > 1) {
    throw new ConfigError("PUSH_DB_USAGE", `${names.join(" and ")} do not go together.`, {
      hint: "Give one of them.",
    });
  }
}

async function runCheck(args: Arguments, output: Output): Promise<ExitStatus> {
  const { databases, skipGitChecks } = args;
  const result = await check({ ...commandOptions(args, output), databases, skipGitChecks });
  for (const { warnings } of result.databases)
    for (const warning of warnings) output.note(`warning: ${warning}`);
  output.result(result, (colors) => checkText(result, colors));
  return statusOf(result);
}

/** A database that cannot be reached ends with 3 where nothing else blocks. */
export function statusOf(result: Awaited<ReturnType<typeof check>>): ExitStatus {
  const states = result.databases.flatMap(({ blockers }) => blockers.map(({ state }) => state));
  if (states.length === 0) return 0;
  return states.every((state) => state === "unreachable") ? 3 : 1;
}

async function runChecksum(args: Arguments, output: Output): Promise<ExitStatus> {
  const { databases: logged } = await log({ ...commandOptions(args, output), databases: args.databases });
  const results: HashResult[] = [];
  for (const { database } of logged) results.push(await hash(database, commandOptions(args, output)));
  output.result({ databases: results }, () =>
    table(results.map(({ checksum, source }) => [checksum, source])).join("\n"),
  );
  return 0;
}

async function runPush(args: Arguments, output: Output): Promise<ExitStatus> {
  const [database, snapshot, ...more] = args.snapshot ?? [];
  if (database !== undefined && args.databases.length + more.length > 0) {
    throw new ConfigError(
      "SNAPSHOT_USAGE",
      "--snapshot takes the database and the snapshot's name, and nothing else is named.",
      {
        hint: `Write it as:\n  wov-push-db --snapshot ${database} ${snapshot ?? "NAME"}`,
      },
    );
  }
  const result = await pushDb({
    ...commandOptions(args, output),
    databases: database === undefined ? args.databases : [database],
    snapshot,
    proof: args.proof,
    skipGitChecks: args.skipGitChecks,
  });
  for (const { warnings } of result.databases)
    for (const warning of warnings) output.note(`warning: ${warning}`);
  output.result(result, (colors) => pushText(result, colors));
  return 0;
}

function pushText({ databases }: PushDbResult, colors: Colors): string {
  return databases
    .map(({ database, archived, parent, proven, commit, pushed, resumed }) => {
      if (archived === null) return `${colors.bold(database)} nothing to archive`;
      const after = parent === null ? "as the first version" : `after ${parent}`;
      const details = [
        provenText(proven),
        commit === null ? "" : `commit ${commit.slice(0, 10)}`,
        pushed ? "pushed" : "",
        resumed ? "begun by an earlier run" : "",
      ];
      const tail = details.filter((detail) => detail !== "").join(", ");
      return `${colors.green("archived")} ${colors.bold(database)} ${archived} ${after}${tail === "" ? "" : colors.dim(`  (${tail})`)}`;
    })
    .join("\n");
}

function provenText(proven: boolean | null): string {
  if (proven === null) return "";
  return proven ? "proven" : "not proven";
}

function logText({ databases }: LogResult, colors: Colors): string {
  return databases
    .map(({ database, versions }) => {
      if (versions.length === 0) return `${colors.bold(database)} has no version yet`;
      const rows = versions.map(({ version, parent, archived, checksum, proven }) => [
        version,
        parent === null ? "snapshot" : `after ${parent}`,
        archived.slice(0, 16).replace("T", " "),
        checksum.slice(0, 12),
        provenText(proven),
      ]);
      return [colors.bold(database), ...table(rows).map((line) => `  ${line}`)].join("\n");
    })
    .join("\n");
}

import { changeLines } from "../../commands/change-text.js";
import { diff } from "../../commands/diff.js";
import { hash } from "../../commands/hash.js";
import type { DiffResult, HashResult } from "../../commands/results.js";
import type { ExitStatus } from "../../errors.js";
import { paintChange } from "../check-text.js";
import type { Colors, Output } from "../output.js";
import { table } from "../table.js";
import { commandOptions, type GlobalArguments, verb } from "../verb.js";

const SOURCE = "shopdb, prod:shopdb, shopdb@1.2.0, shopdb@head, postgres://… or path/file.sql";

export const hashVerb = verb({
  command: "hash <source>",
  describe: "Print the checksum of a schema",
  options: (yargs) =>
    yargs
      .positional("source", { describe: `What to read: ${SOURCE}`, type: "string", demandOption: true })
      .example("$0 hash shopdb", "the database on the current stage")
      .example("$0 hash shopdb@head --json", "the newest archived version, with a checksum for each object"),
  run: async (args, output) => {
    const result = await hash(args.source, commandOptions(args, output));
    printHash(result, args, output);
    return 0;
  },
});

export function printHash(
  result: HashResult,
  { verbose }: Pick<GlobalArguments, "verbose">,
  output: Output,
): void {
  for (const warning of result.warnings) output.note(`warning: ${warning}`);
  output.result(result, (colors) => {
    if (!verbose) return result.checksum;
    const rows = result.objects.map(({ type, name, checksum }) => [checksum.slice(0, 16), type, name]);
    return [
      `${result.checksum}  ${colors.dim(`form ${result.form}`)}`,
      `left out: ${leftOut(result.settings)}`,
      ...table(rows).map((line) => `  ${line}`),
    ].join("\n");
  });
}

/** What does not count, in words. */
function leftOut(settings: HashResult["settings"]): string {
  const { owners, tablespaces, subscriptions, columnOrder, ignoreSchemas, ignoreTables } = settings;
  return [
    ...(owners ? [] : ["owners"]),
    ...(tablespaces ? [] : ["tablespaces"]),
    ...(subscriptions ? [] : ["subscriptions"]),
    ...(columnOrder ? [] : ["the order of columns"]),
    ...ignoreSchemas.map((pattern) => `schemas like ${pattern}`),
    ...ignoreTables.map((pattern) => `tables like ${pattern}`),
    "the tables of wovtools",
  ].join(", ");
}

export const diffVerb = verb({
  command: "diff <from> <to>",
  describe: "Show what differs between two schemas; exit status 1 when they differ",
  options: (yargs) =>
    yargs
      .positional("from", { describe: `One schema: ${SOURCE}`, type: "string", demandOption: true })
      .positional("to", { describe: "The other", type: "string", demandOption: true })
      .option("stat", { describe: "One line for each object", type: "boolean", default: false })
      .example("$0 diff shopdb@head shopdb", "what has changed since the newest version")
      .example("$0 diff prod:shopdb dev:shopdb --stat", "two stages, one line for each object"),
  run: async (args, output) => {
    const result = await diff(args.from, args.to, commandOptions(args, output));
    return printDiff(result, args.stat, output);
  },
});

export function printDiff(result: DiffResult, stat: boolean, output: Output): ExitStatus {
  for (const warning of result.warnings) output.note(`warning: ${warning}`);
  output.result(result, (colors) => {
    if (!result.differs) return "";
    return stat
      ? changeLines(result.changes.map((change) => ({ ...change, details: [] })))
          .map((line) => paintChange(line, colors))
          .join("\n")
      : GROUPS.flatMap((group) => groupText(group, result.changes, colors)).join("\n\n");
  });
  return result.differs ? 1 : 0;
}

const GROUPS = ["added", "changed", "dropped"] as const;

/** All objects that came, all that changed, or all that went, under one title. */
function groupText(group: (typeof GROUPS)[number], changes: DiffResult["changes"], colors: Colors): string[] {
  const members = changes.filter(({ change }) => change === group);
  if (members.length === 0) return [];
  const paint = { added: colors.green, changed: colors.yellow, dropped: colors.red }[group];
  const objects = members.length === 1 ? "object" : "objects";
  const title = `${colors.bold(paint(group))} ${colors.dim(`${members.length} ${objects}`)}`;
  return [title, ...members.map((change) => changeText(change, colors))];
}

/** How many unchanged lines are shown around a changed one. */
const CONTEXT = 3;

function changeText(change: DiffResult["changes"][number], colors: Colors): string {
  const title = colors.bold(`${change.type} ${change.name}`);
  const near = change.lines.map((_, index) =>
    change.lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== " "),
  );
  const lines = change.lines.flatMap(({ sign, text }, index) => {
    if (!near[index]) return near[index - 1] ? [colors.dim("  …")] : [];
    const line = `${sign} ${text}`.trimEnd();
    return [sign === "+" ? colors.green(line) : sign === "-" ? colors.red(line) : line];
  });
  return [title, ...change.details.map((detail) => `  ${detail}`), ...lines].join("\n");
}

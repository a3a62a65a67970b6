import { firstChangeLines } from "../commands/change-text.js";
import type { Blocker, CheckResult, DatabaseCheck, ObjectChange } from "../commands/results.js";
import type { Colors } from "./output.js";

/** How many names a line has. */
const NAMED = 5;

/** What a check found, for a person. */
export function checkText(result: CheckResult, colors: Colors): string {
  const parts = result.databases.map((database) => databaseText(database, result, colors));
  return parts.join("\n");
}

function databaseText(checked: DatabaseCheck, { pver, stage }: CheckResult, colors: Colors): string {
  const at = checked.version === null ? "" : ` at ${checked.version}`;
  const title = `${colors.bold(checked.database)} on ${stage}${at}, project version ${pver}`;
  const scripts = [...byScripts(checked, colors), ...unapplied(checked, stage, colors)];
  if (checked.blockers.length === 0) return [`${colors.green("ok")} ${title}`, ...scripts].join("\n");
  return [
    `${colors.red("blocked")} ${title}`,
    ...scripts,
    ...checked.blockers.map((blocker) => blockerText(blocker, checked, colors)),
  ].join("\n");
}

function byScripts({ byScripts: changes }: DatabaseCheck, colors: Colors): string[] {
  if (changes.length === 0) return [];
  return [colors.dim(`  other than archived by script: ${someNames(changes)}`)];
}

function unapplied({ database, unapplied: changes }: DatabaseCheck, stage: string, colors: Colors): string[] {
  if (changes.length === 0) return [];
  return [
    colors.yellow(`  not as its script says: ${someNames(changes)}`),
    colors.dim(`    wov-deploy ${database} --stage ${stage}`),
  ];
}

/** The first of some objects, and how many more there are. */
export function someNames(changes: readonly ObjectChange[]): string {
  return firstOf(changes.map(({ type, name }) => `${type} ${name}`));
}

/** The first of some names, and how many more there are. */
export function firstOf(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`;
}

function blockerText(blocker: Blocker, checked: DatabaseCheck, colors: Colors): string {
  const lines = [
    blocker.where === null ? blocker.message : `${blocker.message}\n${colors.dim(blocker.where)}`,
  ];
  if (blocker.state === "schemaDiffers") {
    lines.push(...firstChangeLines(checked.changes).map((line) => paintChange(line, colors)));
  }
  lines.push(colors.dim(blocker.hint));
  return lines.join("\n").replaceAll(/^/gm, "  ");
}

/** Colours the word of a line of `changeLines`. */
export function paintChange(line: string, colors: Colors): string {
  return line
    .replace(/^ {2}added/, (word) => colors.green(word))
    .replace(/^ {2}changed/, (word) => colors.yellow(word))
    .replace(/^ {2}dropped/, (word) => colors.red(word));
}

/** The scripts of `initial/` and `final/`: statements in the order of the dump, a file for each run of one kind. */
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import type { Unit } from "./gather.js";
import { orReplace } from "./plain.js";
import { scriptOf } from "./script.js";

/** A script of those folders. */
export interface LooseScript {
  /** For its file's name, e.g. `text-search-configuration`. */
  readonly label: string;
  readonly content: string;
}

/** Statements under a label. */
interface Run {
  readonly label: string;
  readonly statements: string[];
}

function labelOf({ address }: Unit): string {
  return address.type.replaceAll(" ", "-");
}

/** Puts statements to those before them where the label is the same. */
function append(runs: Run[], label: string, statements: readonly string[]): void {
  const open = runs.at(-1);
  if (open?.label === label) open.statements.push(...statements);
  else runs.push({ label, statements: [...statements] });
}

/**
 * What runs once, before all else.
 *
 * @param statements all of the dump
 * @param privileges of each unit, which follow its last statement
 */
export function onceScripts(
  units: ReadonlySet<Unit>,
  statements: readonly DumpStatement[],
  privileges: ReadonlyMap<Unit, readonly string[]>,
): LooseScript[] {
  const unitOf = new Map(
    [...units].flatMap((unit) => unit.statements.map((statement) => [statement, unit] as const)),
  );
  const runs: Run[] = [];
  for (const unit of units)
    if (unit.statements.length === 0) append(runs, labelOf(unit), privileges.get(unit) ?? []);
  for (const statement of statements) {
    const unit = unitOf.get(statement);
    if (unit === undefined) continue;
    const isLast = unit.statements.at(-1) === statement;
    append(runs, labelOf(unit), [statement.sql, ...(isLast ? (privileges.get(unit) ?? []) : [])]);
  }
  return runs.map(({ label, statements: texts }) => ({ label, content: scriptOf([texts]) }));
}

/** What runs whenever something was done, and so makes an object only where it is not there yet. */
export function repeatedScripts(
  units: ReadonlySet<Unit>,
  privileges: ReadonlyMap<Unit, readonly string[]>,
): LooseScript[] {
  const runs: Run[] = [];
  for (const unit of units) {
    const isSaid = ({ kind }: DumpStatement) => kind === "CommentStmt" || kind === "SecLabelStmt";
    const made = unit.statements.filter((statement) => !isSaid(statement)).map(({ sql }) => sql);
    const said = unit.statements.filter(isSaid).map(({ sql }) => sql);
    append(runs, labelOf(unit), [unlessThere(made), ...said, ...(privileges.get(unit) ?? [])]);
  }
  return runs.map(({ label, statements }) => ({ label, content: scriptOf(statements.map((one) => [one])) }));
}

/** What needs each other in a circle, in the order of the dump, with the placeholders that open it. */
export function knotScript(
  units: ReadonlySet<Unit>,
  statements: readonly DumpStatement[],
  privileges: ReadonlyMap<Unit, readonly string[]>,
): LooseScript {
  const ofKnot = new Set([...units].flatMap((unit) => unit.statements));
  const made = statements.filter((statement) => ofKnot.has(statement)).map(orReplace);
  const said = [...units].flatMap((unit) => privileges.get(unit) ?? []);
  return { label: "circle", content: scriptOf([...made.map((statement) => [statement]), said]) };
}

/** Few of these statements know IF NOT EXISTS, and the errors that they have instead are three. */
function unlessThere(statements: readonly string[]): string {
  const text = statements.map((statement) => `  ${statement};`).join("\n");
  let tag = "$wo$";
  for (let number = 2; text.includes(tag); number++) tag = `$wo${number}$`;
  return `DO ${tag}
BEGIN
${text}
EXCEPTION
  -- It is there already.
  WHEN duplicate_object OR duplicate_function OR unique_violation THEN NULL;
END
${tag}`;
}

/** Scripts under paths whose numbers say their order; those without content are left out. */
export function numbered(
  folder: string,
  scripts: readonly LooseScript[],
): { readonly path: string; readonly content: string }[] {
  const full = scripts.filter(({ content }) => content !== "");
  const digits = Math.max(2, String(full.length).length);
  return full.map(({ label, content }, index) => ({
    path: `${folder}/${String(index + 1).padStart(digits, "0")}-${label}.sql`,
    content,
  }));
}

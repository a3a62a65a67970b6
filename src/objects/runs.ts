/** Scripts made ready to run. */
import { loadParser } from "../schema/parser.js";
import { refuseTransactions } from "./check-script.js";
import type { PlainRun, ScriptRun } from "./plan.js";
import { readScriptFacts, type ScriptFacts } from "./script.js";
import type { Script } from "./tree.js";

/** Scripts of the tree that are no object's, ready to run. @throws BlockedError `OBJECT_TRANSACTION` */
export async function plainRuns(scripts: readonly Script[]): Promise<PlainRun[]> {
  if (scripts.length === 0) return [];
  const parser = await loadParser();
  return scripts.map(({ id, path, text }) => {
    const facts = readScriptFacts(parser, text);
    refuseTransactions(path, facts);
    return { id, run: runOf(path, facts, false) };
  });
}

/** A script ready to run. */
export function runOf(
  path: string,
  { statements, settings, parsed }: ScriptFacts,
  unchecked: boolean,
): ScriptRun {
  return {
    path,
    statements: statements.map(({ sql, line }) => ({ sql, line })),
    parsed,
    settings: [...new Set(settings)],
    unchecked,
  };
}

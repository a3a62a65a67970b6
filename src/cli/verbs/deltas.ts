import { once } from "node:events";
import { notesOn } from "../../commands/deltas/notes.js";
import { RENAME_MODES, type RenameCandidate, type RenameMode } from "../../commands/deltas/renames.js";
import type { WritingOptions } from "../../commands/deltas.js";
import type { DeltasResult } from "../../commands/results.js";
import type { ExitStatus } from "../../errors.js";
import { hasCode } from "../../files.js";
import type { Output } from "../output.js";
import { commandOptions, type GlobalArguments, verb } from "../verb.js";

const SOURCE = "shopdb, prod:shopdb, shopdb@1.2.0, shopdb@head, postgres://… or path/file.sql";

export const deltasVerb = verb({
  command: "deltas <from> <to>",
  describe: "Write the SQL that leads from one schema to another; exit status 1 where it is not proven",
  options: (yargs) =>
    yargs
      .positional("from", { describe: `One schema: ${SOURCE}`, type: "string", demandOption: true })
      .positional("to", { describe: "The other", type: "string", demandOption: true })
      .option("out", { describe: "Write it to a file", type: "string", requiresArg: true })
      .option("renames", RENAMES)
      .option("online", ONLINE)
      .example("$0 deltas shopdb@head shopdb", "what was done to the database since the newest version")
      .example(
        "$0 deltas prod:shopdb shopdb@head --out up.sql",
        "what would bring a stage to the newest version",
      ),
  run: async (args, output) => {
    const { out } = args;
    const { deltas } = await import("../../commands/deltas.js");
    const result = await deltas(args.from, args.to, { ...writingOptions(args, output), out });
    noteWriting(result, output);
    output.result(result, () =>
      result.file === null ? result.sql : `${result.file}: ${statementCount(result)}`,
    );
    return writingStatus(result);
  },
});

export const RENAMES = {
  describe:
    "Take what is dropped and added alike for renamed: ask on a terminal (by itself), never, or always where it is certain",
  choices: RENAME_MODES,
} as const;

export const ONLINE = {
  describe: "Write the safer ways, which hold up nobody who uses a table for long",
  type: "boolean",
  default: false,
} as const;

interface WritingArguments extends GlobalArguments {
  readonly renames: RenameMode | undefined;
  readonly online: boolean;
}

/** What the writing is told; somebody can be asked on a terminal only. */
export function writingOptions(args: WritingArguments, output: Output): WritingOptions {
  const { renames, online, json } = args;
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const askRename =
    isTerminal && !json ? (candidate: RenameCandidate) => askWhetherRenamed(candidate, output) : undefined;
  return { ...commandOptions(args, output), renames, online, askRename };
}

async function askWhetherRenamed({ kind, from, to }: RenameCandidate, output: Output): Promise<boolean> {
  output.done();
  const { createInterface } = await import("node:readline/promises");
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  // It takes ^C for itself; here it ends the command, as it does elsewhere.
  asking.once("SIGINT", () => {
    asking.close();
    process.kill(process.pid, "SIGINT");
  });
  // Where the input ends there comes no answer, or an error.
  const unanswered = once(asking, "close").then(() => "");
  const question = `Was the ${kind} ${from} renamed to ${to}? Otherwise it is dropped. [y/N] `;
  try {
    const answer = await Promise.race([asking.question(question).catch(noAnswer), unanswered]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}

function noAnswer(error: unknown): string {
  if (hasCode(error, "ABORT_ERR")) return "";
  throw error;
}

type Writing = Pick<DeltasResult, "outcome" | "open" | "renames" | "reasons" | "warnings" | "statements">;

export function statementCount({ statements }: Pick<Writing, "statements">): string {
  return statements.length === 1 ? "1 statement" : `${statements.length} statements`;
}

/** Tells beside the deltas what whoever uses them has to know. */
export function noteWriting(written: Writing, output: Output): void {
  for (const note of notesOn(written)) output.note(note);
  if (written.outcome === "nothing") output.note("nothing differs");
  if (written.outcome === "proven") output.note("proven on a shadow");
}

export function writingStatus({ outcome }: Pick<Writing, "outcome">): ExitStatus {
  return outcome === "open" || outcome === "unproven" ? 1 : 0;
}

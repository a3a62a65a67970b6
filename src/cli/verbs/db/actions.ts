/** What each option of `wov-db` does. A command is loaded when it is asked for. */
import type { DatabaseOptions } from "../../../commands/db/ledger.js";
import { ConfigError, type ExitStatus } from "../../../errors.js";
import type { Output } from "../../output.js";
import { commandOptions } from "../../verb.js";
import { noteWriting, statementCount, writingOptions, writingStatus } from "../deltas.js";
import type { DbArguments } from "./options.js";
import { infoText, logText, rebaseText, sqlText, versionsText } from "./text.js";

type Action = (args: DbArguments, output: Output) => Promise<ExitStatus>;

function databaseOptions(args: DbArguments, output: Output): DatabaseOptions {
  return { ...commandOptions(args, output), database: args.database };
}

/** The database that was named, or the project's only one. */
async function databaseName(args: DbArguments, output: Output): Promise<string> {
  const { onlyDatabase, openSession } = await import("../../../commands/session.js");
  return onlyDatabase(await openSession(commandOptions(args, output)), args.database).name;
}

const printSchema: Action = async (args, output) => {
  const { schemaOf } = await import("../../../commands/db/info.js");
  const result = await schemaOf(databaseOptions(args, output));
  output.result(result, () => result.databases.map(({ schema }) => schema).join("\n"));
  return 0;
};

const printChecksum: Action = async (args, output) => {
  const { hash } = await import("../../../commands/hash.js");
  const { printHash } = await import("../schema.js");
  printHash(await hash(await databaseName(args, output), commandOptions(args, output)), args, output);
  return 0;
};

const printDifference: Action = async (args, output) => {
  const { diff } = await import("../../../commands/diff.js");
  const { printDiff } = await import("../schema.js");
  const database = await databaseName(args, output);
  const from = `${database}@${args.schemaDiff || "head"}`;
  return printDiff(await diff(from, database, commandOptions(args, output)), false, output);
};

const printInfo: Action = async (args, output) => {
  const { info } = await import("../../../commands/db/info.js");
  const result = await info(databaseOptions(args, output));
  output.result(result, (colors) => infoText(result, colors));
  return result.databases.some(({ problem }) => problem !== null) ? 3 : 0;
};

const endFork: Action = async (args, output) => {
  const { rebase } = await import("../../../commands/rebase.js");
  const result = await rebase({ ...databaseOptions(args, output), onto: args.rebase || undefined });
  for (const warning of result.warnings) output.note(`warning: ${warning}`);
  output.result(result, (colors) => rebaseText(result, colors));
  return 0;
};

const makeLedger: Action = async (args, output) => {
  const { initLedger } = await import("../../../commands/db/ledger.js");
  const result = await initLedger(databaseOptions(args, output));
  output.result(result, () =>
    result.created ? "the ledger is made: database wovtool" : "the ledger is there already",
  );
  return 0;
};

const makeInstance: Action = async (args, output) => {
  const { createInstance } = await import("../../../commands/db/ledger.js");
  const result = await createInstance(databaseOptions(args, output));
  const made = result.created ? "made, " : "";
  const at = result.version === null ? "no version archived yet" : `at ${result.version}`;
  output.result(result, (colors) => `${colors.bold(result.database)} on ${result.stage}: ${made}${at}`);
  return 0;
};

const printVersion: Action = async (args, output) => {
  const { ledgerVersions } = await import("../../../commands/db/ledger.js");
  const result = await ledgerVersions(databaseOptions(args, output));
  output.result(result, () => versionsText(result));
  return 0;
};

const printLog: Action = async (args, output) => {
  const { ledgerLog } = await import("../../../commands/db/ledger.js");
  const result = await ledgerLog(databaseOptions(args, output));
  output.result(result, () => logText(result));
  return 0;
};

const writeDeltas: Action = async (args, output) => {
  const { writePending } = await import("../../../commands/db/deltas.js");
  const result = await writePending({ ...databaseOptions(args, output), ...writingOptions(args, output) });
  noteWriting(result, output);
  output.result(result, () =>
    result.outcome === "nothing" ? "" : `${result.file}: ${statementCount(result)}\n\n${result.sql}`,
  );
  return writingStatus(result);
};

const openDeltas: Action = async (args, output) => {
  const { editDeltas } = await import("../../../commands/db/edit.js");
  const result = await editDeltas({
    ...databaseOptions(args, output),
    ...writingOptions(args, output),
    apart: args.json,
  });
  for (const note of result.notes) output.note(note);
  const count = result.statements === 1 ? "1 statement" : `${result.statements} statements`;
  output.result(result, () => `${result.file}: ${count}`);
  return 0;
};

const runOrOpen: Action = async (args, output) => {
  const { command, file, lwdb } = args;
  if (command !== undefined && file !== undefined) {
    throw new ConfigError("DB_USAGE", "-c and -f do not go together.", { hint: "Give one of them." });
  }
  if (command === undefined && file === undefined) {
    if (args.json) throw noDocument("psql");
    const { openPsql } = await import("../../../commands/db/psql.js");
    await openPsql({ ...databaseOptions(args, output), ledger: lwdb });
    return 0;
  }
  const { runSql } = await import("../../../commands/db/sql.js");
  const result = await runSql({ ...databaseOptions(args, output), command, file, ledger: lwdb });
  if (result.version !== null) output.detail(`The ledger has it at ${result.version}.`);
  output.result(result, (colors) => sqlText(result, colors));
  return 0;
};

/** What a person works in cannot share the output with a document. */
function noDocument(what: string): ConfigError {
  return new ConfigError("DB_USAGE", `--json prints a document, and ${what} needs the output for itself.`, {
    hint: 'Have SQL run there, for example:\n  wov-db -lwdb -c "SELECT * FROM wovtool.log" --json',
  });
}

const startServer: Action = async (args, output) => {
  const { startLocalServer } = await import("../../../commands/db/server.js");
  const result = await startLocalServer(databaseOptions(args, output));
  output.result(result, () => `${result.changed ? "started" : "running already"}: ${result.connection}`);
  return 0;
};

const stopServer: Action = async (args, output) => {
  const { stopLocalServer } = await import("../../../commands/db/server.js");
  const result = await stopLocalServer(databaseOptions(args, output));
  output.result(result, () => (result.changed ? "stopped" : "not running"));
  return 0;
};

/** By the option that asks for it. -lwdb goes with -c and -f. */
const ACTIONS: readonly (readonly [isAsked: (args: DbArguments) => boolean, action: Action])[] = [
  [({ schema }) => schema, printSchema],
  [({ schemaHash }) => schemaHash, printChecksum],
  [({ schemaDiff }) => schemaDiff !== undefined, printDifference],
  [({ info }) => info, printInfo],
  [({ rebase }) => rebase !== undefined, endFork],
  [({ wdbInit }) => wdbInit, makeLedger],
  [({ wdbCreateinstance }) => wdbCreateinstance, makeInstance],
  [({ wdbVer }) => wdbVer, printVersion],
  [({ wdbLog }) => wdbLog, printLog],
  [({ wdbDeltas }) => wdbDeltas, writeDeltas],
  [({ wdbEdit }) => wdbEdit, openDeltas],
  [({ command, file, lwdb }) => command !== undefined || file !== undefined || lwdb, runOrOpen],
  [({ postgresStart }) => postgresStart, startServer],
  [({ postgresStop }) => postgresStop, stopServer],
];

/** The one thing that was asked for. @throws ConfigError `DB_USAGE` for none, or several */
export function actionOf(args: DbArguments): Action {
  const [action, ...others] = ACTIONS.filter(([isAsked]) => isAsked(args));
  const writes = args.wdbDeltas || args.wdbEdit;
  if (!writes && (args.online || args.renames !== undefined)) {
    const option = args.online ? "--online" : "--renames";
    throw new ConfigError("DB_USAGE", `${option} goes with --wdb-deltas or --wdb-edit.`, {
      hint: "See what there is:\n  wov-db --help",
    });
  }
  if (action !== undefined && others.length === 0) return action[1];
  const message = action === undefined ? "There is nothing to do." : "One thing at a time.";
  throw new ConfigError("DB_USAGE", message, { hint: "See what there is:\n  wov-db --help" });
}

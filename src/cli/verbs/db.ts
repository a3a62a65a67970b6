import type { Argv } from "yargs";
import { info, schemaOf } from "../../commands/db/info.js";
import {
  createInstance,
  type DatabaseOptions,
  initLedger,
  ledgerLog,
  ledgerVersions,
} from "../../commands/db/ledger.js";
import { openPsql } from "../../commands/db/psql.js";
import { startLocalServer, stopLocalServer } from "../../commands/db/server.js";
import { runSql } from "../../commands/db/sql.js";
import { diff } from "../../commands/diff.js";
import { hash } from "../../commands/hash.js";
import type { InfoResult, RebaseResult, SqlResult } from "../../commands/results.js";
import { onlyDatabase, openSession } from "../../commands/session.js";
import { ConfigError, type ExitStatus } from "../../errors.js";
import type { Colors, Output } from "../output.js";
import { table } from "../table.js";
import { type ArgumentsOf, commandOptions, type GlobalArguments, verb } from "../verb.js";
import { noteWriting, ONLINE, RENAMES, statementCount, writingOptions, writingStatus } from "./deltas.js";
import { printDiff, printHash } from "./schema.js";

const flag = (describe: string) => ({ describe, type: "boolean" as const, default: false });

const lower = (text: string) => `${text.charAt(0).toLowerCase()}${text.slice(1)}`;

const options = (yargs: Argv<GlobalArguments>) =>
  yargs
    .positional("database", {
      describe: "The database; may be left out where the project has one",
      type: "string",
    })
    .option("schema", flag("Print the schema as the archive stores it"))
    .option("schema-hash", flag("Print the checksum of the schema"))
    .option("schema-diff", {
      describe: "Show what differs from an archived version (the newest unless given)",
      type: "string",
    })
    .option("info", flag("Print how the database is reached, its server, size and version"))
    .option("rebase", {
      describe:
        "End a fork: put your line of versions behind the other (named by its last version where several are)",
      type: "string",
    })
    .option("wdb-init", flag("Make the ledger: the database wovtool on the server"))
    .option(
      "wdb-createinstance",
      flag("Make the database from the archive where it is missing, and enter it in the ledger"),
    )
    .option("wdb-ver", flag("Print the version that the ledger gives the database"))
    .option("wdb-log", flag("Print what the ledger knows of the database, oldest first"))
    .option("wdb-deltas", flag("Write the SQL that the pending deltas lack"))
    .option("renames", {
      ...RENAMES,
      describe: `With --wdb-deltas or --wdb-edit: ${lower(RENAMES.describe)}`,
    })
    .option("online", { ...ONLINE, describe: `With --wdb-deltas or --wdb-edit: ${lower(ONLINE.describe)}` })
    .option("wdb-edit", flag("Open the pending deltas in $VISUAL or $EDITOR, with what they lack at the end"))
    .option("command", { alias: "c", describe: "Run SQL", type: "string", requiresArg: true })
    .option("file", {
      alias: "f",
      describe: "Run a file of SQL, in one transaction",
      type: "string",
      requiresArg: true,
    })
    .option("lwdb", flag("Go to the ledger: psql, or with -c or -f run that there (also -lwdb)"))
    .option("postgres-start", flag("Start the embedded server as the secrets describe it"))
    .option("postgres-stop", flag("Stop it; the data stay"))
    .example("wov-db shopdb --schema-diff", "what has changed since the newest archived version")
    .example("wov-db shopdb --wdb-deltas", "write pending deltas for what was done to the database")
    .example("wov-db shopdb --rebase", "two branches have archived: yours is put behind the other")
    .example('wov-db shopdb -c "SELECT count(*) FROM orders"', "run SQL");

type Arguments = ArgumentsOf<typeof options>;
type Action = (args: Arguments, output: Output) => Promise<ExitStatus>;

export const dbVerb = verb({
  command: "db [database]",
  describe: "Look into a database, its ledger and its pending deltas; run SQL; the embedded server",
  options,
  run: async (args, output) => {
    const chosen = ACTIONS.filter(([isChosen]) => isChosen(args));
    const [action, ...others] = chosen;
    if (action === undefined || others.length > 0) {
      throw new ConfigError(
        "DB_USAGE",
        action === undefined ? "There is nothing to do." : "One thing at a time.",
        {
          hint: "See what there is:\n  wov-db --help",
        },
      );
    }
    return action[1](args, output);
  },
});

/** What each option does. -lwdb goes with -c and -f. */
const ACTIONS: readonly (readonly [(args: Arguments) => boolean, Action])[] = [
  [({ schema }) => schema, printSchema],
  [
    ({ schemaHash }) => schemaHash,
    async (args, output) => {
      printHash(await hash(await databaseName(args, output), commandOptions(args, output)), args, output);
      return 0;
    },
  ],
  [
    ({ schemaDiff }) => schemaDiff !== undefined,
    async (args, output) => {
      const database = await databaseName(args, output);
      const from = `${database}@${args.schemaDiff || "head"}`;
      return printDiff(await diff(from, database, commandOptions(args, output)), false, output);
    },
  ],
  [
    (args) => args.info,
    async (args, output) => {
      const result = await info(databaseOptions(args, output));
      output.result(result, (colors) => infoText(result, colors));
      return result.databases.some(({ problem }) => problem !== null) ? 3 : 0;
    },
  ],
  [
    ({ rebase: onto }) => onto !== undefined,
    async (args, output) => {
      const { rebase } = await import("../../commands/rebase.js");
      const result = await rebase({ ...databaseOptions(args, output), onto: args.rebase || undefined });
      for (const warning of result.warnings) output.note(`warning: ${warning}`);
      output.result(result, (colors) => rebaseText(result, colors));
      return 0;
    },
  ],
  [
    ({ wdbInit }) => wdbInit,
    async (args, output) => {
      const result = await initLedger(databaseOptions(args, output));
      output.result(result, () =>
        result.created ? "the ledger is made: database wovtool" : "the ledger is there already",
      );
      return 0;
    },
  ],
  [
    ({ wdbCreateinstance }) => wdbCreateinstance,
    async (args, output) => {
      const result = await createInstance(databaseOptions(args, output));
      output.result(result, (colors) => {
        const made = result.created ? "made, " : "";
        return `${colors.bold(result.database)} on ${result.stage}: ${made}${result.version === null ? "no version archived yet" : `at ${result.version}`}`;
      });
      return 0;
    },
  ],
  [
    ({ wdbVer }) => wdbVer,
    async (args, output) => {
      const result = await ledgerVersions(databaseOptions(args, output));
      output.result(result, () =>
        table(
          result.databases.map(({ database, version, since }) => [
            database,
            version ?? "unknown",
            since ?? "",
          ]),
        ).join("\n"),
      );
      return 0;
    },
  ],
  [
    ({ wdbLog }) => wdbLog,
    async (args, output) => {
      const result = await ledgerLog(databaseOptions(args, output));
      output.result(result, () =>
        table(
          result.entries.map(({ at, database, version, event, by, commit }) => [
            at.slice(0, 19).replace("T", " "),
            database,
            version,
            event,
            by,
            commit?.slice(0, 10) ?? "",
          ]),
        ).join("\n"),
      );
      return 0;
    },
  ],
  [
    ({ wdbDeltas }) => wdbDeltas,
    async (args, output) => {
      const { writePending } = await import("../../commands/db/deltas.js");
      const result = await writePending({
        ...databaseOptions(args, output),
        ...writingOptions(args, output),
      });
      noteWriting(result, output);
      output.result(result, () =>
        result.outcome === "nothing" ? "" : `${result.file}: ${statementCount(result)}\n\n${result.sql}`,
      );
      return writingStatus(result);
    },
  ],
  [
    ({ wdbEdit }) => wdbEdit,
    async (args, output) => {
      const { editDeltas } = await import("../../commands/db/edit.js");
      const result = await editDeltas({ ...databaseOptions(args, output), ...writingOptions(args, output) });
      for (const note of result.notes) output.note(note);
      output.result(
        result,
        () =>
          `${result.file}: ${result.statements === 1 ? "1 statement" : `${result.statements} statements`}`,
      );
      return 0;
    },
  ],
  [({ command, file, lwdb }) => command !== undefined || file !== undefined || lwdb, runOrOpen],
  [
    ({ postgresStart }) => postgresStart,
    async (args, output) => {
      const result = await startLocalServer(databaseOptions(args, output));
      output.result(result, () => `${result.changed ? "started" : "running already"}: ${result.connection}`);
      return 0;
    },
  ],
  [
    ({ postgresStop }) => postgresStop,
    async (args, output) => {
      const result = await stopLocalServer(databaseOptions(args, output));
      output.result(result, () => (result.changed ? "stopped" : "not running"));
      return 0;
    },
  ],
];

function databaseOptions(args: Arguments, output: Output): DatabaseOptions {
  return { ...commandOptions(args, output), database: args.database };
}

/** The database that was named, or the project's only one. */
async function databaseName(args: Arguments, output: Output): Promise<string> {
  return onlyDatabase(await openSession(commandOptions(args, output)), args.database).name;
}

async function printSchema(args: Arguments, output: Output): Promise<ExitStatus> {
  const result = await schemaOf(databaseOptions(args, output));
  output.result(result, () => result.databases.map(({ schema }) => schema).join("\n"));
  return 0;
}

async function runOrOpen(args: Arguments, output: Output): Promise<ExitStatus> {
  const { command, file, lwdb } = args;
  if (command !== undefined && file !== undefined) {
    throw new ConfigError("DB_USAGE", "-c and -f do not go together.", { hint: "Give one of them." });
  }
  if (command === undefined && file === undefined) {
    await openPsql({ ...databaseOptions(args, output), ledger: lwdb });
    return 0;
  }
  const result = await runSql({ ...databaseOptions(args, output), command, file, ledger: lwdb });
  if (result.version !== null) output.detail(`The ledger has it at ${result.version}.`);
  output.result(result, (colors) => sqlText(result, colors));
  return 0;
}

/** Rows as tables; statements without any are counted, or named where there is one. */
function sqlText({ results }: SqlResult, colors: Colors): string {
  const [only] = results;
  if (only !== undefined && results.length === 1 && only.columns.length === 0) {
    return only.count === null ? "done" : `${only.command} ${only.count}`;
  }
  const tables = results.filter(({ columns }) => columns.length > 0).map((one) => rowsText(one, colors));
  const others = results.length - tables.length;
  return [...tables, ...(others > 0 ? [`${others} statements done`] : [])].join("\n\n");
}

function rowsText({ columns, rows }: SqlResult["results"][number], colors: Colors): string {
  const text = (value: unknown) => {
    if (value instanceof Date) return value.toISOString();
    return value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const cells = [columns, ...rows.map((row) => row.map(text))];
  return table(cells, (cell, row) => (row === 0 ? colors.bold(cell) : cell)).join("\n");
}

function rebaseText(result: RebaseResult, colors: Colors): string {
  const { database, stage, onto, rebased, applied, commit, pushed, resumed } = result;
  const finished =
    resumed === null
      ? []
      : [`${colors.green("archived")} ${colors.bold(database)} ${resumed}, begun by an earlier run`];
  if (onto === null)
    return [...finished, `${colors.bold(database)} has no other line to go behind`].join("\n");
  const details = [commit === null ? "" : `commit ${commit.slice(0, 10)}`, pushed ? "pushed" : ""];
  const tail = details.filter((detail) => detail !== "").join(", ");
  const keys = rebased.map(({ from, to }) => `${from} is now ${to}`).join(", ");
  return [
    ...finished,
    `${colors.green("rebased")} ${colors.bold(database)} ${keys}, after ${onto}${tail === "" ? "" : colors.dim(`  (${tail})`)}`,
    applied.length === 0
      ? `${colors.bold(database)} on ${stage} had all of it`
      : `${colors.bold(database)} on ${stage} got ${applied.join(", ")}`,
  ].join("\n");
}

function infoText({ databases }: InfoResult, colors: Colors): string {
  return databases
    .map((one) => {
      const rows = [
        ["stage", one.stage],
        ["connection", one.connection],
        ["from", one.source],
        ["server", one.server === null ? colors.red(one.problem ?? "") : `PostgreSQL ${one.server}`],
        ...(one.size === null ? [] : [["size", `${(one.size / 2 ** 20).toFixed(1)} MiB`]]),
        ["version", one.version ?? (one.ledger ? "unknown" : "not in the ledger")],
      ];
      return [colors.bold(one.database), ...table(rows).map((line) => `  ${line}`)].join("\n");
    })
    .join("\n");
}

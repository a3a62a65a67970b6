/** How the results of `wov-db` are told to a person. */
import type {
  InfoResult,
  LedgerLogResult,
  LedgerVersionResult,
  RebaseResult,
  SqlResult,
} from "../../../commands/results.js";
import type { Colors } from "../../output.js";
import { table } from "../../table.js";

/** Rows as tables; statements without any are counted, or named where there is one. */
export function sqlText({ results }: SqlResult, colors: Colors): string {
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

export function rebaseText(result: RebaseResult, colors: Colors): string {
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

export function infoText({ databases }: InfoResult, colors: Colors): string {
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

export function versionsText({ databases }: LedgerVersionResult): string {
  const nameOf = namesIn(databases);
  const rows = databases.map((one) => [nameOf(one), one.version ?? "unknown", one.since ?? ""]);
  return table(rows).join("\n");
}

export function logText({ entries }: LedgerLogResult): string {
  const nameOf = namesIn(entries);
  const rows = entries.map(({ at, version, event, by, commit, ...one }) => [
    at.slice(0, 19).replace("T", " "),
    nameOf(one),
    version,
    event,
    by,
    commit?.slice(0, 10) ?? "",
  ]);
  return table(rows).join("\n");
}

interface Named {
  readonly database: string;
  readonly onServer: string;
}

/** A database by its name in the project, or where several have that name by what the server calls it. */
function namesIn(all: readonly Named[]): (one: Named) => string {
  const onServers = new Map<string, Set<string>>();
  for (const { database, onServer } of all)
    onServers.set(database, (onServers.get(database) ?? new Set()).add(onServer));
  return ({ database, onServer }) =>
    (onServers.get(database)?.size ?? 0) > 1 ? `${database} ${onServer}` : database;
}

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type QueryArrayResult, DatabaseError as ServerError } from "pg";
import { BlockedError, ConfigError, DatabaseError } from "../../errors.js";
import { isMissing } from "../../files.js";
import { withClient } from "../../postgres/connection.js";
import { ledgerConnection } from "../../stage/ledger.js";
import type { SqlResult } from "../results.js";
import { onlyDatabase, openSession } from "../session.js";
import { type DatabaseOptions, noLedger, placeOf } from "./ledger.js";

export interface SqlOptions extends DatabaseOptions {
  /** SQL to run. Several statements run in one transaction. */
  readonly command?: string | undefined;
  /** A file of SQL to run, instead. */
  readonly file?: string | undefined;
  /** Run it in the ledger of the database's server. */
  readonly ledger?: boolean | undefined;
}

/**
 * Runs SQL on a database. The ledger is told where it is a version's archived deltas.
 *
 * @throws BlockedError `SQL_REFUSED` with the server's message and the line; nothing was changed then
 */
export async function runSql(options: SqlOptions): Promise<SqlResult> {
  const session = await openSession(options);
  const database = onlyDatabase(session, options.database);
  const { name, sql } = await sqlOf(options);
  const { settings } = await placeOf(session, database, options.ledger === true);
  let results: SqlResult["results"];
  try {
    results = await withClient(options.ledger ? ledgerConnection(settings) : settings, async (client) => {
      const answer: QueryArrayResult | QueryArrayResult[] = await client.query({
        text: sql,
        rowMode: "array",
      });
      return (Array.isArray(answer) ? answer : [answer]).map(describe);
    });
  } catch (error) {
    if (options.ledger && error instanceof DatabaseError && error.code === "NO_SUCH_DATABASE")
      throw noLedger(database.name, session.stage);
    if (!(error instanceof ServerError)) throw error;
    const line =
      error.position === undefined ? "" : `:${sql.slice(0, Number(error.position)).split("\n").length}`;
    throw new BlockedError("SQL_REFUSED", `The server refuses the SQL: ${error.message}.`, {
      where: `${name}${line}`,
      hint: error.hint ?? "Nothing was changed.",
      cause: error,
    });
  }
  if (options.file === undefined || options.ledger === true) return { results, version: null };
  const { recordArchivedFile } = await import("./archived-file.js");
  const file = resolve(options.cwd ?? process.cwd(), options.file);
  return { results, version: await recordArchivedFile(database, settings, file) };
}

async function sqlOf({ command, file, cwd }: SqlOptions): Promise<{ name: string; sql: string }> {
  if (command !== undefined) return { name: "-c", sql: command };
  if (file === undefined)
    throw new ConfigError("NO_SQL", "There is no SQL to run.", { hint: "Give -c SQL or -f FILE." });
  try {
    return { name: file, sql: await readFile(resolve(cwd ?? process.cwd(), file), "utf8") };
  } catch (error) {
    throw new ConfigError(
      "NO_SUCH_FILE",
      isMissing(error) ? "There is no such file." : "The file cannot be read.",
      { where: file, cause: error },
    );
  }
}

function describe({ command, rowCount, fields, rows }: QueryArrayResult): SqlResult["results"][number] {
  return { command, count: rowCount, columns: fields.map((field) => field.name), rows };
}

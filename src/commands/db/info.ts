import { atOnce } from "../../at-once.js";
import { DatabaseError } from "../../errors.js";
import { describeConnection, withClient } from "../../postgres/connection.js";
import { readLedger } from "../database-state.js";
import { readLiveSchema } from "../live-schema.js";
import type { InfoResult, SchemaResult } from "../results.js";
import { chosenDatabases, connectionOf, openSession } from "../session.js";
import { type Target, targetsOf } from "../targets.js";
import type { DatabaseOptions } from "./ledger.js";

/** How a database is reached, and what it is: an unreachable one is part of the answer. */
export async function info(options: DatabaseOptions = {}): Promise<InfoResult> {
  const session = await openSession(options);
  const names = options.database === undefined ? [] : [options.database];
  const databases: InfoResult["databases"] = [];
  for (const database of chosenDatabases(session, names))
    databases.push(...(await atOnce(await targetsOf(session, database), AT_ONCE, infoOf)));
  return { databases };
}

/** How many databases are asked at once. */
const AT_ONCE = 4;

async function infoOf({
  stage,
  database,
  settings,
  source,
}: Target): Promise<InfoResult["databases"][number]> {
  const known = { database: database.name, stage, connection: describeConnection(settings), source };
  try {
    const [server, ledger] = await Promise.all([
      withClient(settings, async (client) => {
        const { rows } = await client.query<{ version: string; size: string }>(
          "SELECT current_setting('server_version') AS version, pg_catalog.pg_database_size(current_database()) AS size",
        );
        return rows[0];
      }),
      readLedger(settings),
    ]);
    return {
      ...known,
      server: server?.version ?? null,
      size: Number(server?.size ?? 0),
      version: ledger?.version ?? null,
      ledger: ledger !== null,
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { ...known, server: null, size: null, version: null, ledger: false, problem: error.message };
  }
}

/** The schema of a database as the archive would store it. */
export async function schemaOf(options: DatabaseOptions = {}): Promise<SchemaResult> {
  const session = await openSession(options);
  const names = options.database === undefined ? [] : [options.database];
  const databases = await Promise.all(
    chosenDatabases(session, names).map(async (database) => {
      const { settings } = await connectionOf(session, database.name);
      session.progress(`reading the schema of ${database.name}`);
      return { database: database.name, schema: (await readLiveSchema(settings, database)).text };
    }),
  );
  return { databases };
}

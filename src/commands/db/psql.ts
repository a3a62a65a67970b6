import { spawn } from "node:child_process";
import { once } from "node:events";
import { ConfigError } from "../../errors.js";
import { libpqEnvironment } from "../../postgres/connection.js";
import { ledgerConnection } from "../../stage/ledger.js";
import { onlyDatabase, openSession } from "../session.js";
import { type DatabaseOptions, placeOf } from "./ledger.js";

/**
 * Opens psql on a database, or on the ledger of its server. The terminal is psql's until it ends.
 *
 * @throws ConfigError `NO_PSQL` where psql is not installed
 */
export async function openPsql(options: DatabaseOptions & { readonly ledger: boolean }): Promise<void> {
  const session = await openSession(options);
  const { settings } = await placeOf(session, onlyDatabase(session, options.database), options.ledger);
  const connection = options.ledger ? ledgerConnection(settings) : settings;
  const child = spawn("psql", [], {
    stdio: "inherit",
    env: { ...process.env, ...libpqEnvironment(connection) },
  });
  try {
    await once(child, "exit");
  } catch (cause) {
    throw new ConfigError("NO_PSQL", "psql is not installed.", {
      hint: 'Run SQL without it:\n  wov-db -lwdb -c "SELECT * FROM wovtool.log"',
      cause,
    });
  }
}

/** Reaching the database of a tree, and making it where it is missing. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError, DatabaseError } from "../../errors.js";
import { scriptFailure } from "../../objects/failures.js";
import { readScriptFacts } from "../../objects/script.js";
import type { Script, Tree } from "../../objects/tree.js";
import { type Client, connect, describeConnection, withClient } from "../../postgres/connection.js";
import { loadParser } from "../../schema/parser.js";
import { putParameters, type WoSettings } from "./settings.js";

/**
 * Connects to the database.
 *
 * @returns null where the server has no such database
 * @throws DatabaseError: one that exists but refuses the login is not taken for missing
 */
export async function openDatabase(settings: WoSettings): Promise<Client | null> {
  try {
    return await connect(settings.connection);
  } catch (error) {
    const mayBeMissing =
      error instanceof DatabaseError && ["NO_SUCH_DATABASE", "LOGIN_REFUSED"].includes(error.code);
    if (!mayBeMissing) throw told(error, "WO_CONNECTION_STRING");
    // A server that does not know the role does not say whether it has the database.
    if (await databaseExists(settings)) throw told(error, "WO_CONNECTION_STRING");
    return null;
  }
}

/** The error of a connection, with the variable that says how to connect. */
function told(error: unknown, variable: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  return new DatabaseError(error.code, error.message, {
    where: error.where,
    hint: `Check ${variable}.`,
    cause: error,
  });
}

/** Hands over a session on the admin connection. */
export async function asAdmin<T>(
  { admin }: Pick<WoSettings, "admin">,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  let client: Client;
  try {
    client = await connect(admin);
  } catch (error) {
    throw told(error, "WO_ADMIN_CONNECTION_STRING");
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseExists(settings: WoSettings): Promise<boolean> {
  return asAdmin(settings, async (client) => {
    const { rows } = await client.query("SELECT FROM pg_catalog.pg_database WHERE datname = $1", [
      settings.connection.database,
    ]);
    return rows.length > 0;
  });
}

const DUPLICATE_OBJECT = "42710";

/**
 * Runs the scripts of `create/` on the admin connection. A role that is there already is left as it is.
 *
 * @returns the paths of the scripts, in their order
 * @throws BlockedError `OBJECT_SCRIPT_FAILED`, `DATABASE_NOT_MADE`; ConfigError `WO_VARIABLE`
 */
export async function createDatabase(
  tree: Tree,
  settings: WoSettings,
  progress: (doing: string) => void,
): Promise<void> {
  await runAsAdmin(tree.create, settings, progress);
  try {
    await withClient(settings.connection, async () => undefined);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new BlockedError(
      "DATABASE_NOT_MADE",
      `The scripts of create/ ran, and the database is not there: ${error.message}`,
      {
        where: describeConnection(settings.connection),
        hint: "They have to make the database and the role that WO_CONNECTION_STRING names.",
        cause: error,
      },
    );
  }
}

/** Runs scripts on the admin connection, statement by statement: a database is not made within a transaction. */
export async function runAsAdmin(
  scripts: readonly Script[],
  settings: WoSettings,
  progress: (doing: string) => void,
): Promise<void> {
  const parser = await loadParser();
  const prepared = scripts.map(({ path, text }) => {
    const put = putParameters(text, path, settings);
    return { path, statements: readScriptFacts(parser, put).statements };
  });
  await asAdmin(settings, async (client) => {
    for (const { path, statements } of prepared) {
      progress(path);
      for (const statement of statements) {
        try {
          await client.query(statement.sql);
        } catch (error) {
          const isThere = error instanceof ServerError && error.code === DUPLICATE_OBJECT;
          if (isThere && statement.type === "CreateRoleStmt") continue;
          // The statement may hold the password.
          throw scriptFailure(error, path, { ...statement, sql: hidden(statement.sql, settings) });
        }
      }
    }
  });
}

function hidden(sql: string, { connection: { password } }: WoSettings): string {
  return password ? sql.replaceAll(password, "…") : sql;
}

import { DatabaseError as ServerError } from "pg";
import { ConfigError } from "../errors.js";
import { withClient } from "./connection.js";
import { dumpSchema } from "./dump.js";
import { startThrowAwayServer } from "./embedded.js";

/**
 * Runs SQL in an empty database of a throw-away server and reads the schema that it makes.
 *
 * @param name what the SQL is called in messages, e.g. its file
 * @throws ConfigError `SQL_FAILED` with the place where the server refused it; `NO_EMBEDDED_SERVER`
 */
export async function dumpOfSql(sql: string, name: string): Promise<string> {
  const server = await startThrowAwayServer();
  try {
    await withClient(server.connection, (client) => client.query(sql));
    return await dumpSchema(server.connection, {
      program: "bundled",
      owners: false,
      tablespaces: false,
      subscriptions: false,
    });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const line =
      error.position === undefined ? "" : `:${sql.slice(0, Number(error.position)).split("\n").length}`;
    throw new ConfigError("SQL_FAILED", `The server refuses the SQL: ${error.message}.`, {
      where: `${name}${line}`,
      cause: error,
    });
  } finally {
    await server.stop();
  }
}

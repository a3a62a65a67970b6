import { DatabaseError } from "../errors.js";
import { type ConnectionSettings, describeConnection } from "./connection.js";

/** @param reason what pg_dump has said */
export function dumpFailed(reason: string, settings: ConnectionSettings, cause?: unknown): DatabaseError {
  const message = readable(reason);
  return new DatabaseError("PG_DUMP_FAILED", `pg_dump could not read the schema: ${message}`, {
    where: describeConnection(settings),
    hint: /permission denied/i.test(message)
      ? "The role needs to be able to lock and read every table: connect as the owner of the tables."
      : "Run the command again with -v to see the whole error.",
    cause,
  });
}

/** The bundled program does not know its own name, and its lines come without line ends between them. */
function readable(reason: string): string {
  return reason
    .replace(/^pg_dump failed with exit code \d+\.\s*Error message: /, "")
    .replace(/invalid binary ".*?": No such file or directory/, "")
    .replaceAll(/(?:dump-worker\.js|pg_dump): (?:error: )?/g, "\n")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");
}

/** Why there is no connection. */
import { DatabaseError } from "../errors.js";
import { quoteIdentifier } from "./quote.js";

/** Whether another way to use TLS may get a connection that was refused. */
export function isAboutTls(error: unknown): boolean {
  return error instanceof Error && /SSL|TLS|certificate|pg_hba\.conf/i.test(error.message);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

const UNREACHABLE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENOENT",
  "ENETUNREACH",
  "ECONNRESET",
  "EACCES",
]);

/**
 * Turns what a failed connection threw into an error that says what to do.
 *
 * @param where the connection in words
 */
export function connectionError(
  error: unknown,
  where: string,
  { database, user }: { readonly database?: string | undefined; readonly user?: string | undefined },
): DatabaseError {
  const code = codeOf(error);
  // Node tries every address of a name and reports them together, with an empty message.
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const reason = inner instanceof Error ? inner.message : String(inner);
  const fail = (name: string, message: string, hint: string) =>
    new DatabaseError(name, message, { where, hint, cause: error });
  if (
    code === "28P01" ||
    code === "28000" ||
    /client password must be a string|no password supplied/i.test(reason)
  ) {
    return fail(
      "LOGIN_REFUSED",
      `The server refuses the login: ${reason}.`,
      "Check username and password of this stage in wovtools/secrets, in the WOV_…_URL variable or in ~/.pgpass.",
    );
  }
  if (code === "3D000") {
    return fail(
      "NO_SUCH_DATABASE",
      `The server has no such database: ${reason}.`,
      "Check the database's name, or make it with:\n  wov-db DATABASE --wdb-createinstance",
    );
  }
  if (code === "42501") {
    return fail(
      "NO_RIGHT_TO_CONNECT",
      `The role may not connect: ${reason}.`,
      `Let the database's owner run:\n  GRANT CONNECT ON DATABASE ${quoteIdentifier(database ?? "DATABASE")} TO ${quoteIdentifier(user ?? "ROLE")};`,
    );
  }
  if (code === "53300") return fail("TOO_MANY_CONNECTIONS", reason, "Wait until other sessions end.");
  if (UNREACHABLE.has(code) || /timeout|terminated/i.test(reason)) {
    return fail(
      "UNREACHABLE",
      `The server cannot be reached: ${reason}.`,
      "Start it, or correct host and port. The embedded server is started with:\n  wov-db --postgres-start",
    );
  }
  if (isAboutTls(error))
    return fail("TLS", `No TLS connection: ${reason}.`, "Check sslmode and sslrootcert.");
  return fail("CONNECTION", `No connection: ${reason}.`, "Check the connection's settings.");
}

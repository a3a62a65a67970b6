import { parse as parseConnectionString } from "pg-connection-string";
import { ConfigError } from "../errors.js";
import type { ConnectionSettings } from "./connection.js";
import { checkSslMode } from "./ssl-mode.js";

/**
 * Reads a connection URL as libpq does, TLS parameters included.
 *
 * @param url e.g. `postgres://me@db.example:5432/shop?sslmode=verify-full`
 * @throws ConfigError `BAD_URL` when it is no PostgreSQL URL; the message never repeats the URL, which may hold a password
 */
export function parseConnectionUrl(url: string): ConnectionSettings {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new ConfigError("BAD_URL", "The connection URL does not start with postgres:// or postgresql://.");
  }
  const [base = "", query = ""] = url.split("?", 2);
  const parameters = new URLSearchParams(query);
  const tls: Record<string, string> = {};
  for (const name of ["sslmode", "sslrootcert", "sslcert", "sslkey"]) {
    const value = parameters.get(name);
    if (value !== null) tls[name] = value;
    parameters.delete(name);
  }
  let parsed: ReturnType<typeof parseConnectionString>;
  try {
    parsed = parseConnectionString(parameters.size > 0 ? `${base}?${parameters}` : base);
  } catch {
    // The parser's own message repeats the URL, password included.
    throw new ConfigError("BAD_URL", "The connection URL cannot be read.", {
      hint: "Write it as postgres://USER@HOST:PORT/DATABASE, special characters percent-encoded.",
    });
  }
  const port = parsed.port ? Number(parsed.port) : undefined;
  if (port !== undefined && !Number.isInteger(port)) {
    throw new ConfigError("BAD_URL", "The connection URL's port is not a number.");
  }
  return {
    host: parsed.host || undefined,
    port,
    database: databaseIn(base) ?? (parsed.database || undefined),
    user: parsed.user || undefined,
    password: parsed.password || undefined,
    options: parsed.options,
    sslmode: tls.sslmode === undefined ? undefined : checkSslMode(tls.sslmode),
    sslrootcert: tls.sslrootcert,
    sslcert: tls.sslcert,
    sslkey: tls.sslkey,
  };
}

/** The name behind the server, every character of it decoded: the parser leaves those that mean something in a URL. */
function databaseIn(base: string): string | undefined {
  const name = /^[a-z]+:\/\/[^/]*\/([^#]+)/.exec(base)?.[1];
  if (name === undefined) return undefined;
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new ConfigError("BAD_URL", "The database's name in the connection URL cannot be read.", {
      hint: "Write a % in it as %25.",
      cause,
    });
  }
}

/** Connection strings of the two kinds that libpq knows. */
import { ConfigError } from "../errors.js";
import type { ConnectionSettings } from "./connection.js";
import { parseConnectionUrl } from "./connection-url.js";
import { SSL_MODES } from "./ssl-mode.js";

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS, those that this program has no use for. */
const UNUSED: ReadonlySet<string> = new Set([
  "application_name",
  "channel_binding",
  "client_encoding",
  "connect_timeout",
  "fallback_application_name",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "passfile",
  "sslcompression",
  "target_session_attrs",
  "tcp_user_timeout",
]);

/** One `key = value`, the value plain or in single quotes; a backslash takes the next character as it is. */
const PAIR = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'|((?!')(?:[^\s\\]|\\[\s\S])*))(?=\s|$)/y;

/**
 * Reads a connection string as libpq does: a URL, or `key=value` pairs.
 *
 * @param text e.g. `host=db.example user=me dbname=shop`
 * @throws ConfigError `BAD_URL`, `BAD_SSLMODE`, `BAD_CONNINFO`; no message repeats a value, which may be a password
 */
export function parseConnectionString(text: string): ConnectionSettings {
  if (/^postgres(?:ql)?:\/\//.test(text)) return parseConnectionUrl(text);
  const pairs = pairsOf(text);
  const { host, hostaddr, port, dbname, user, password, sslmode, options } = Object.fromEntries(pairs);
  const mode = SSL_MODES.find((known) => known === sslmode);
  if (sslmode !== undefined && mode === undefined)
    throw new ConfigError("BAD_SSLMODE", `The sslmode is not one of ${SSL_MODES.join(", ")}.`);
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && !Number.isInteger(number)) throw bad("its port is not a number");
  return {
    host: hostaddr ?? host,
    port: number,
    database: dbname,
    user,
    password,
    options,
    sslmode: mode,
    sslrootcert: pairs.get("sslrootcert"),
    sslcert: pairs.get("sslcert"),
    sslkey: pairs.get("sslkey"),
  };
}

const USED: ReadonlySet<string> = new Set([
  "host",
  "hostaddr",
  "port",
  "dbname",
  "user",
  "password",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "options",
]);

function pairsOf(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  const end = text.trimEnd().length;
  for (let offset = 0; offset < end; offset = PAIR.lastIndex) {
    PAIR.lastIndex = offset;
    const [, key = "", quoted, plain = ""] = PAIR.exec(text) ?? [];
    if (key === "") throw bad(`it cannot be read from character ${offset + 1} on`);
    if (!USED.has(key) && !UNUSED.has(key)) throw bad(`"${key}" is none of libpq's keys`);
    pairs.set(key, (quoted ?? plain).replaceAll(/\\([\s\S])/g, "$1"));
  }
  return pairs;
}

function bad(what: string): ConfigError {
  return new ConfigError("BAD_CONNINFO", `The connection string is not as libpq has it: ${what}.`, {
    hint: "Write it as postgres://USER@HOST:PORT/DATABASE or as host=HOST port=PORT user=USER dbname=DATABASE.",
  });
}

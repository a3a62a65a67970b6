import { ConfigError } from "../errors.js";

/** The `sslmode` values of libpq: https://www.postgresql.org/docs/current/libpq-ssl.html */
export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** @throws ConfigError `BAD_SSLMODE` */
export function checkSslMode(value: string): SslMode {
  const mode = SSL_MODES.find((known) => known === value);
  if (mode !== undefined) return mode;
  throw new ConfigError("BAD_SSLMODE", `sslmode "${value}" is not one of ${SSL_MODES.join(", ")}.`);
}

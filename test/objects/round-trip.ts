/** From a schema to a tree of scripts, and from the tree to a database with the same schema. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diff } from "#src/commands/diff.js";
import type { WoImportResult, WoMigrateResult } from "#src/commands/results.js";
import { woDrop } from "#src/commands/wo/drop.js";
import { woImport } from "#src/commands/wo/import.js";
import { woMigrate } from "#src/commands/wo/migrate.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { urlOf } from "../support/server.js";

/** wo's variables for a tree and a database that need not be there yet. */
export function woEnvironment(
  server: ConnectionSettings,
  of: { readonly dir: string; readonly database: string; readonly role?: string; readonly prefix?: string },
): Record<string, string> {
  const connection = { ...server, user: of.role ?? of.database, password: "secret", database: of.database };
  return {
    WO_CONNECTION_STRING: urlOf(connection),
    WO_ADMIN_CONNECTION_STRING: urlOf({ ...server, database: "postgres" }),
    WO_DIR: of.dir,
    WO_ROLE_PREFIX: of.prefix ?? "",
    WO_ROOT_CERT: "",
  };
}

/** What came of a round trip. */
export interface RoundTrip {
  readonly imported: WoImportResult;
  readonly migrated: WoMigrateResult;
  /** What `wo plan` says after the migrate. */
  readonly planned: WoMigrateResult;
  /** What a second migrate did. */
  readonly again: WoMigrateResult;
  /** Lines about what differs between the source and what was made from the tree; empty where nothing does. */
  readonly differences: readonly string[];
}

export interface RoundTripOptions {
  /** Of roles; empty unless given. */
  readonly prefix?: string;
  /** Called with the tree's folder, the new database's URL and wo's variables while they are there. */
  readonly look?: (dir: string, url: string, env: Readonly<Record<string, string>>) => Promise<void>;
}

/**
 * Imports a database, migrates an empty one from the tree, looks at both, and drops what was made.
 *
 * @param source the database; what is on its server is left as it is
 * @param server where the other one is made; another server, so that roles have to be made too
 */
export async function roundTrip(
  source: ConnectionSettings,
  server: ConnectionSettings,
  { prefix = "", look = async () => undefined }: RoundTripOptions = {},
): Promise<RoundTrip> {
  const folder = await mkdtemp(join(tmpdir(), "wo import-"));
  const dir = join(folder, "wo");
  const database = `from_tree_${Math.random().toString(36).slice(2, 10)}`;
  const env = woEnvironment(server, { dir, database, prefix });
  try {
    const imported = await woImport({ source: urlOf(source), dir, env });
    const migrated = await woMigrate({ env });
    const planned = await woMigrate({ env, plan: true });
    const again = await woMigrate({ env });
    const url = urlOf({ ...server, database });
    await look(dir, url, env);
    const { changes } = await diff(urlOf(source), url);
    const differences = changes.flatMap(({ change, type, name, details, lines }) => [
      `${change} ${type} ${name} ${details.join("; ")}`,
      ...lines.filter(({ sign }) => sign !== " ").map(({ sign, text }) => `  ${sign} ${text}`),
    ]);
    return { imported, migrated, planned, again, differences };
  } finally {
    await woDrop({ env, noJoke: true, announce: () => undefined });
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes roles on a server that it does not have. */
export async function makeRoles(server: ConnectionSettings, roles: readonly string[]): Promise<void> {
  await withClient(server, async (client) => {
    const { rows } = await client.query<{ rolname: string }>("SELECT rolname FROM pg_catalog.pg_roles");
    for (const role of roles)
      if (!rows.some(({ rolname }) => rolname === role))
        await client.query(`CREATE ROLE ${quoteIdentifier(role)}`);
  });
}

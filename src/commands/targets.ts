/** The databases that a database of the project is on a stage: mostly one, or many by a pattern. */
import type { ProjectDatabase } from "../config/project.js";
import { ConfigError } from "../errors.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import { patternIn, resolvedConnection, type Session } from "./session.js";

/** One database on one server. */
export interface Target {
  readonly stage: string;
  readonly database: ProjectDatabase;
  readonly settings: ConnectionSettings;
  /** What the settings were taken from. */
  readonly source: string;
  /** The pattern that brought it up; null where the stage has one database of this name. */
  readonly pattern: string | null;
}

/**
 * Finds the databases. Where a stage's secrets or URL give a pattern for the database's name, e.g. `tenant_*`, all
 * databases of that server count that match it; only then is it asked.
 *
 * @throws ConfigError `NO_SUCH_TARGET` where a pattern matches nothing; DatabaseError as `connect` does
 */
export async function targetsOf(session: Session, database: ProjectDatabase): Promise<Target[]> {
  const { settings, source } = await resolvedConnection(session, database.name);
  const { stage } = session;
  const pattern = patternIn(settings);
  if (pattern === null) return [{ stage, database, settings, source, pattern }];
  const names = (await databasesOn(settings)).filter(matches(pattern));
  if (names.length === 0) {
    throw new ConfigError("NO_SUCH_TARGET", `No database of ${stage} is called like ${pattern}.`, {
      hint: "Make such a database, or correct the pattern: it stands in the stage's secrets, or in its URL.",
    });
  }
  return names.map((name) => ({
    stage,
    database,
    settings: { ...settings, database: name },
    source,
    pattern,
  }));
}

/** The names of a server's databases that somebody may connect to, sorted, the ledger's and shadows aside. */
async function databasesOn(server: ConnectionSettings): Promise<string[]> {
  // Loaded here since a stage without a pattern needs no server for this.
  const [{ withClient }, { SHADOW_NAME }] = await Promise.all([
    import("../postgres/connection.js"),
    import("../postgres/shadow.js"),
  ]);
  return withClient({ ...server, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT datname AS name FROM pg_catalog.pg_database
       WHERE datallowconn AND NOT datistemplate AND datname <> 'wovtool' AND datname !~ $1 ORDER BY datname`,
      [SHADOW_NAME],
    );
    return rows.map(({ name }) => name);
  });
}

/** @param pattern `*` stands for any characters */
export function matches(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const whole = new RegExp(`^${parts.join(".*")}$`, "su");
  return (name) => whole.test(name);
}

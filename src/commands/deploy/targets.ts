/** Which databases a deploy is for: stages by name or pattern, and on a stage one database or many by a pattern. */
import type { Project, ProjectDatabase } from "../../config/project.js";
import { stagesWithSecrets } from "../../config/secrets.js";
import { ConfigError } from "../../errors.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";
import type { DeployOptions } from "../deploy.js";
import { chosenDatabases, connectionOf, type Session, sessionIn } from "../session.js";

/** One database on one server. */
export interface DeployTarget {
  readonly stage: string;
  readonly database: ProjectDatabase;
  readonly settings: ConnectionSettings;
}

/**
 * Finds the targets. `--stage` takes several names with commas between them, and patterns with `*` over the stages
 * that have secrets. Where a stage's secrets or URL give a pattern for the database's name, e.g. `tenant_*`, all
 * databases of that server count that match it.
 *
 * @throws ConfigError `NO_SUCH_STAGE`, `NO_SUCH_TARGET` where a pattern matches nothing; `DEPLOY_USAGE` for a URL
 *   beside several stages
 */
export async function deployTargets(project: Project, options: DeployOptions): Promise<DeployTarget[]> {
  const targets: DeployTarget[] = [];
  const stages = await stagesOf(project, options.stage);
  if (stages.length > 1 && options.url !== undefined) {
    throw new ConfigError("DEPLOY_USAGE", `--url is of one server, and --stage names ${stages.join(", ")}.`, {
      hint: "Name one stage with --url, or let each stage's secrets say where it is.",
    });
  }
  for (const stage of stages) {
    const session = sessionIn(project, { ...options, stage });
    for (const database of chosenDatabases(session, options.databases))
      targets.push(...(await targetsOf(session, database)));
  }
  return targets;
}

async function stagesOf(project: Project, named: string | undefined): Promise<string[]> {
  if (named === undefined) return [project.stage];
  const stages: string[] = [];
  for (const word of named.split(",").map((part) => part.trim())) {
    if (!word.includes("*")) {
      stages.push(word);
      continue;
    }
    const matching = (await stagesWithSecrets(project)).filter(matches(word));
    if (matching.length === 0) {
      throw new ConfigError("NO_SUCH_STAGE", `No stage that has secrets is called like ${word}.`, {
        where: project.secretsFolder,
      });
    }
    stages.push(...matching);
  }
  return [...new Set(stages)];
}

async function targetsOf(session: Session, database: ProjectDatabase): Promise<DeployTarget[]> {
  const { settings } = await connectionOf(session, database.name);
  const { stage } = session;
  const pattern = settings.database ?? database.name;
  if (!pattern.includes("*")) return [{ stage, database, settings }];
  const names = await withClient({ ...settings, database: "postgres" }, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT datname AS name FROM pg_catalog.pg_database
       WHERE datallowconn AND NOT datistemplate AND datname <> 'wovtool' ORDER BY datname`,
    );
    return rows.map(({ name }) => name).filter(matches(pattern));
  });
  if (names.length === 0) {
    throw new ConfigError("NO_SUCH_TARGET", `No database of ${stage} is called like ${pattern}.`, {
      hint: "The pattern stands in the stage's secrets, or in its URL.",
    });
  }
  return names.map((name) => ({ stage, database, settings: { ...settings, database: name } }));
}

/** @param pattern `*` stands for any characters */
function matches(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const whole = new RegExp(`^${parts.join(".*")}$`, "su");
  return (name) => whole.test(name);
}

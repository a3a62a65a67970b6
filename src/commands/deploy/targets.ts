/** Which databases a deploy is for: stages by name or pattern, and on a stage one database or many by a pattern. */
import type { Project } from "../../config/project.js";
import { stagesWithSecrets } from "../../config/secrets.js";
import { ConfigError, DatabaseError } from "../../errors.js";
import type { DeployOptions } from "../deploy.js";
import type { DatabaseDeploy } from "../results.js";
import { chosenDatabases, sessionIn } from "../session.js";
import { matches, type Target, targetsOf } from "../targets.js";
import { failedDeploy } from "./fleet.js";

/** What was found. */
export interface DeployTargets {
  readonly targets: readonly Target[];
  /** Those of several stages whose server could not tell. */
  readonly lost: readonly DatabaseDeploy[];
}

/**
 * Finds the targets. `--stage` takes several names with commas between them, and patterns with `*` over the stages
 * that have secrets. Where a stage's secrets or URL give a pattern for the database's name, e.g. `tenant_*`, all
 * databases of that server count that match it. Of several stages, one whose server cannot tell is a failure in the
 * result, and stops no other.
 *
 * @throws ConfigError `NO_SUCH_STAGE`, `NO_SUCH_TARGET` where a pattern matches nothing; `DEPLOY_USAGE` for a URL
 *   beside several stages
 */
export async function deployTargets(project: Project, options: DeployOptions): Promise<DeployTargets> {
  const targets: Target[] = [];
  const lost: DatabaseDeploy[] = [];
  const stages = await stagesOf(project, options.stage);
  if (stages.length > 1 && options.url !== undefined) {
    throw new ConfigError("DEPLOY_USAGE", `--url is of one server, and --stage names ${stages.join(", ")}.`, {
      hint: "Name one stage with --url, or let each stage's secrets say where it is.",
    });
  }
  for (const stage of stages) {
    const session = sessionIn(project, { ...options, stage });
    for (const database of chosenDatabases(session, options.databases))
      try {
        targets.push(...(await targetsOf(session, database)));
      } catch (error) {
        if (stages.length < 2 || !(error instanceof DatabaseError)) throw error;
        lost.push(failedDeploy({ database: database.name, stage, target: error.where ?? "" }, error));
      }
  }
  return { targets, lost };
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

/** What brings a database to a later version of its archive. */
import { relative } from "node:path";
import { quotePath } from "../archive/history.js";
import { newest, pathBetween } from "../archive/versions.js";
import { isFolder } from "../files.js";
import type { DatabaseState, LiveDatabase } from "./database-state.js";
import type { Session } from "./session.js";

/** A database without changes of its own, and what it lacks. */
export interface Lagging {
  readonly database: string;
  readonly stage: string;
  /** Its own version, and the versions that it lacks, oldest first. */
  readonly at: string;
  readonly lacking: readonly string[];
  /** The path of a version's archived deltas, relative to the project. */
  readonly deltasOf: (version: string) => string;
  readonly hasScripts: boolean;
  /** Whether the ledger knows the database. */
  readonly hasLedger: boolean;
  /** The version that a deploy stopped within; null for none. */
  readonly stopped: string | null;
  /** Whether the last of them is the archive's newest. */
  readonly toNewest: boolean;
}

/**
 * The commands that bring a database to a later version. Only a deploy knows of object scripts, and of what another one
 * has done of a version. The ledger learns of deltas that are run where it knows the database.
 */
export function bringingThere({ database, stage, at, lacking, ...facts }: Lagging): string {
  if (facts.hasScripts || facts.stopped !== null) {
    const from = facts.hasLedger ? "" : ` --baseline ${at}`;
    const to = facts.toNewest ? "" : ` --pver ${lacking.at(-1)}`;
    return `  wov-deploy ${database} --stage ${stage}${from}${to}`;
  }
  const run = lacking.map((version) => `  wov-db ${database} -f ${quotePath(facts.deltasOf(version))}`);
  if (!facts.hasLedger) run.push(`  wov-db ${database} --wdb-createinstance`);
  return run.join("\n");
}

/** The commands that bring the database of a state to the archive's newest version. */
export async function bringingToNewest(
  { database, archive: { versions } }: Pick<DatabaseState, "database" | "archive">,
  { ledger }: Pick<LiveDatabase, "ledger">,
  at: string | null,
  { stage, project }: Pick<Session, "stage" | "project">,
): Promise<string> {
  return bringingThere({
    database: database.name,
    stage,
    at: at ?? "",
    lacking: pathBetween(versions, at ?? "", newest(versions)?.key ?? "") ?? [],
    deltasOf: (version) => relative(project.root, database.paths.archivedDeltas(version)),
    hasScripts: await isFolder(database.paths.objects),
    hasLedger: ledger !== null,
    stopped: ledger?.stopped?.version ?? null,
    toNewest: true,
  });
}

/** One walk: a schema changes at random, and a second stage follows it by the deltas that are written. */
import { DatabaseError as ServerError } from "pg";
import { compareSchemas } from "#src/commands/compare.js";
import { readLiveSchema } from "#src/commands/live-schema.js";
import { BlockedError } from "#src/errors.js";
import { deploy, type PendingResult, pushDb, writePending } from "#src/index.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { TestProject } from "../../support/project.js";
import { freshDatabase, type TestDatabase } from "../../support/server.js";
import type { Walk } from "./statements.js";

/** What a walk came to. */
export interface WalkResult {
  /**
   * `open` where an object was held open by its name; nothing was archived then. `unprovable` where no proof could be
   * had: what pg_dump writes of the database, no server loads.
   */
  readonly outcome: "proven" | "nothing" | "open" | "unprovable";
  readonly open: PendingResult["open"];
  /** Why it is unprovable. */
  readonly reasons: readonly string[];
  /** The statements that the server took, of those that it was asked. */
  readonly taken: readonly string[];
  readonly asked: number;
  /** How many statements were written. */
  readonly written: number;
}

const NO_WALK: Pick<WalkResult, "open" | "asked" | "written"> = { open: [], asked: 0, written: 0 };

/** Roles that walks name; made once for a server. */
export const WALK_ROLES = "CREATE ROLE walk_reader; CREATE ROLE walk_writer;";

/** The project whose archive all walks use, each under a database's name of its own. */
export class WalkProject {
  #walks = 0;

  private constructor(private readonly project: TestProject) {}

  static async create(): Promise<WalkProject> {
    return new WalkProject(await TestProject.create());
  }

  /** @throws Error where the second stage does not come to the same schema, with what was written */
  async walk({ beginning, changes, renames }: Walk): Promise<WalkResult> {
    const name = await this.#newName();
    const [live, stage] = await Promise.all([freshDatabase(), freshDatabase()]);
    try {
      const common = { cwd: this.project.root, env: {}, skipGitChecks: true };
      const taken = await takeAll(live.connection, beginning);
      const first = { ...common, url: live.url, databases: [name], snapshot: "beginning" };
      const refused = await pushDb(first).catch(refusalOf);
      if (typeof refused === "string")
        return { ...NO_WALK, outcome: "unprovable", taken, reasons: [refused] };
      const toStage = { ...common, url: stage.url, databases: [name], rehearse: false };
      await deploy(toStage);
      taken.push(...(await takeAll(live.connection, changes)));
      const order = { ...common, url: live.url, database: name, renames };
      const written = await writePending(order).catch(refusalOf);
      if (typeof written === "string")
        return { ...NO_WALK, outcome: "unprovable", taken, reasons: [written] };
      const { outcome, open, reasons, statements } = written;
      if (outcome === "unproven") throw new Error(`not proven: ${reasons.join("; ")}\n${written.sql}`);
      if (outcome === "proven") {
        await pushDb({ ...common, url: live.url, databases: [name] });
        await deploy(toStage);
      }
      if (outcome !== "open") await refuseDifference(live, stage, written.sql);
      const asked = beginning.length + changes.length;
      return { outcome, open, reasons, taken, asked, written: statements.length };
    } finally {
      await drop([live, stage]);
    }
  }

  async #newName(): Promise<string> {
    const name = `walk_${this.#walks++}`;
    const config = { databases: { [name]: {} } };
    await this.project.write("wovtools/config.json", JSON.stringify(config));
    return name;
  }

  remove(): Promise<void> {
    return this.project.remove();
  }
}

const UNPROVABLE: ReadonlySet<string> = new Set(["NOT_PROVABLE", "SHADOW_REFUSED"]);

function refusalOf(error: unknown): string {
  if (error instanceof BlockedError && UNPROVABLE.has(error.code)) return error.message;
  throw error;
}

/** @returns the statements that the server took */
async function takeAll(connection: ConnectionSettings, statements: readonly string[]): Promise<string[]> {
  return withClient(connection, async (client) => {
    const taken: string[] = [];
    for (const statement of statements) {
      try {
        await client.query(statement);
        taken.push(statement);
      } catch (error) {
        if (!(error instanceof ServerError)) throw error;
      }
    }
    return taken;
  });
}

async function refuseDifference(live: TestDatabase, stage: TestDatabase, sql: string): Promise<void> {
  const database = { pgDump: "bundled", schema: DEFAULT_SETTINGS } as const;
  const [to, from] = [
    await readLiveSchema(live.connection, database),
    await readLiveSchema(stage.connection, database),
  ];
  const options = { near: live.connection, progress: () => undefined };
  const { differs, diff } = await compareSchemas(from, to, options);
  if (!differs) return;
  const ids = [...diff.added, ...diff.changed.map(({ after }) => after), ...diff.dropped].map(({ id }) => id);
  throw new Error(`the second stage differs: ${ids.join(", ")}\n${sql}`);
}

async function drop(databases: readonly TestDatabase[]): Promise<void> {
  for (const { connection, name } of databases)
    await withClient({ ...connection, database: "postgres" }, (client) =>
      client.query(`DROP DATABASE ${quoteIdentifier(name)} WITH (FORCE)`),
    );
}

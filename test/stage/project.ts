/** A project in a temporary folder, its archive made from a database as `wov-push-db` makes it, without git. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatHistory, versionId } from "#src/archive/history.js";
import type { Version } from "#src/archive/versions.js";
import { readLiveSchema } from "#src/commands/live-schema.js";
import {
  type DatabasePaths,
  loadProject,
  type ProjectDatabase,
  projectDatabase,
} from "#src/config/project.js";
import { sha256 } from "#src/files.js";
import { type DeployOptions, deploy } from "#src/index.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { ledgerConnection } from "#src/stage/ledger.js";
import { temporaryFolder } from "../config/support.js";
import { freshDatabase, type TestDatabase, urlOf } from "../support/server.js";

export class StageProject {
  readonly versions = new Map<string, Version>();

  private constructor(
    readonly root: string,
    private readonly database: ProjectDatabase,
    /** Where the versions are developed. */
    readonly dev: TestDatabase,
  ) {}

  /** A project whose first version, 1.0.0, is what some SQL makes. */
  static async create(sql: string, settings: Readonly<Record<string, unknown>> = {}): Promise<StageProject> {
    const root = temporaryFolder();
    await mkdir(join(root, "wovtools", "db", "shopdb", "schemas"), { recursive: true });
    await writeFile(
      join(root, "wovtools", "config.json"),
      JSON.stringify({ databases: { shopdb: settings } }),
    );
    const database = projectDatabase(await loadProject(root), "shopdb");
    const project = new StageProject(root, database, await freshDatabase(sql));
    await project.archive("1.0.0", null, null);
    return project;
  }

  get paths(): DatabasePaths {
    return this.database.paths;
  }

  /**
   * Runs statements on the development database and archives them.
   *
   * @param before undoes what must not count for another line
   */
  async version(
    key: string,
    statements: readonly string[],
    options: { readonly parent?: string; readonly on?: TestDatabase } = {},
  ): Promise<void> {
    const on = options.on ?? this.dev;
    for (const sql of statements) await on.query(sql);
    const deltas = statements.map((sql) => `${sql};\n`).join("");
    const parent = options.parent ?? [...this.versions.keys()].at(-1) ?? "";
    await this.archive(key, parent, deltas, on);
  }

  /** Archives a version whose deltas are another text than what makes its schema. */
  async archive(key: string, parent: string | null, deltas: string | null, on = this.dev): Promise<void> {
    const schema = await readLiveSchema(on.connection, this.database);
    const { checksum, form } = await schema.canonical();
    const unchained = {
      key,
      parent:
        parent === null
          ? { type: "snapshot" as const, snapshot: "initial" }
          : { type: "pver" as const, pver: parent },
      checksum,
      deltas: deltas === null ? null : sha256(deltas),
      schema: { sha256: schema.sha256, form, settings: {} },
      proven: null,
    };
    const id = versionId(unchained, this.versions.get(parent ?? "")?.id ?? null);
    this.versions.set(key, { ...unchained, id, archived: "2025-01-31T12:00:00.000Z" });
    await writeFile(this.paths.archivedSchema(key), schema.text);
    if (deltas !== null) await writeFile(this.paths.archivedDeltas(key), deltas);
    await writeFile(this.paths.history, formatHistory(this.versions));
  }

  /** Deploys to a database; without a rehearsal unless asked for. */
  deploy(to: Pick<TestDatabase, "url">, options: DeployOptions = {}) {
    return deploy({ cwd: this.root, url: to.url, rehearse: false, ...options });
  }

  /** A database that a deploy has brought to a version. */
  async stage(pver: string, rows = ""): Promise<TestDatabase> {
    const db = await freshDatabase();
    await this.deploy(db, { pver });
    if (rows !== "") await db.query(rows);
    return db;
  }
}

/** Runs SQL in the ledger beside a database; `$1` is the database's name. */
export async function inLedger(
  { connection, name }: Pick<TestDatabase, "connection" | "name">,
  sql: string,
): Promise<Record<string, unknown>[]> {
  return withClient(
    ledgerConnection(connection),
    async (client) => (await client.query<Record<string, unknown>>(sql, [name])).rows,
  );
}

/** The versions that deploys have applied to a database, in that order. */
export async function appliedTo(db: TestDatabase): Promise<unknown[]> {
  const rows = await inLedger(db, "SELECT version FROM wovtool.applied WHERE database = $1 ORDER BY number");
  return rows.map(({ version }) => version);
}

/** The same database, logged in to as another. */
export function as(db: TestDatabase, login: Partial<ConnectionSettings>): Pick<TestDatabase, "url"> {
  return { url: urlOf({ ...db.connection, ...login }) };
}

/** A tree of object scripts in a temporary folder, and a database for it. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { WoMigrateResult } from "#src/commands/results.js";
import { type WoMigrateOptions, woMigrate } from "#src/commands/wo/migrate.js";
import { freshDatabase, type TestDatabase, testServer, urlOf } from "../support/server.js";

/** Files by their path in the tree; null takes one away. */
export type Files = Readonly<Record<string, string | null>>;

export class WoTree {
  private constructor(
    readonly folder: string,
    readonly db: TestDatabase,
    readonly env: Readonly<Record<string, string>>,
    /** `WO_ROLE_PREFIX`: roles are the server's, and tests share one. */
    readonly prefix: string,
  ) {}

  /** A tree for an empty database. */
  static async create(
    files: Files = {},
    sql = "",
    prefix = `p${randomBytes(4).toString("hex")}_`,
  ): Promise<WoTree> {
    const [folder, db] = await Promise.all([mkdtemp(join(tmpdir(), "wo tree-é-")), freshDatabase(sql)]);
    const env = {
      WO_CONNECTION_STRING: db.url,
      WO_ADMIN_CONNECTION_STRING: urlOf(await testServer()),
      WO_DIR: join(folder, "wo"),
      WO_ROLE_PREFIX: prefix,
      WO_ROOT_CERT: "",
    };
    const tree = new WoTree(folder, db, env, prefix);
    await mkdir(join(folder, "wo"));
    await tree.write(files);
    return tree;
  }

  async write(files: Files): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, "wo", path);
      await mkdir(dirname(file), { recursive: true });
      if (text === null) await rm(file);
      else await writeFile(file, text);
    }
  }

  migrate(files: Files = {}, options: WoMigrateOptions = {}): Promise<WoMigrateResult> {
    return this.write(files).then(() => woMigrate({ env: this.env, ...options }));
  }

  plan(files: Files = {}): Promise<WoMigrateResult> {
    return this.migrate(files, { plan: true });
  }

  /** The first column of each row. */
  async values(sql: string): Promise<unknown[]> {
    return (await this.db.query(sql)).map((row) => Object.values(row)[0]);
  }

  /** The first column of the only row. */
  async value(sql: string): Promise<unknown> {
    return (await this.values(sql))[0];
  }

  /** Ids of `wo_objects`, sorted. */
  async recorded(): Promise<unknown[]> {
    return this.values('SELECT po_id FROM wo_objects ORDER BY po_id COLLATE "C"');
  }

  async paths(): Promise<string[]> {
    const entries = await readdir(join(this.folder, "wo"), { recursive: true });
    return entries.filter((path) => path.endsWith(".sql")).sort();
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What was, or would be, done, e.g. `create view.public.v`; what is not certain with a question mark. */
export function actions({ steps }: WoMigrateResult): string[] {
  return steps
    .filter(({ action, certain }) => certain || action !== "grant")
    .map(({ action, id, certain }) => `${action}${certain ? "" : "?"} ${id}`);
}

/** Writes files into a folder of its own, and takes it away afterwards. */
export async function inFolder<T>(
  files: Readonly<Record<string, string | Uint8Array | null>>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "wo tree-é-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      if (content === null) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

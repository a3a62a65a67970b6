/** A shop in a real repository, on a real server, with the commands as a library and as programs. */
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import * as assert from "uvu/assert";
import { isMissing } from "#src/files.js";
import { createInstance, init, ledgerLog, log, pushDb } from "#src/index.js";
import { copied, type ProjectWithDatabase } from "../support/copies.js";
import {
  type CommandRunOptions,
  type Ended,
  goWithoutHooks,
  PACKAGE,
  TestProject,
} from "../support/project.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";

// What the hooks do is shown where git is what calls them, in test/cli/hooks.test.ts.
goWithoutHooks();

/** What the shop's database holds at 1.0.0. */
export const SHOP = `
  CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers);
`;
/** What leads from 1.0.0 to 1.1.0. */
export const ADD_NOTE = "ALTER TABLE orders ADD COLUMN note text;\n";

export const ADD_MAIL = "ALTER TABLE customers ADD COLUMN mail text;\n";

export const PENDING = "wovtools/db/shopdb.deltas";
export const HISTORY = "wovtools/db/shopdb.json";

interface ShopOptions {
  readonly sql?: string;
  readonly version?: string;
}

/** A project with one database, `shopdb`, whose secrets say how to reach it. */
export class Shop {
  private constructor(
    readonly project: TestProject,
    readonly db: TestDatabase,
  ) {}

  /** A project that `wov init` has made and that is committed. Nothing is archived. */
  static create({ version = "1.0.0", sql = SHOP }: ShopOptions = {}): Promise<Shop> {
    return Shop.#copied(`${version} ${sql}`, () => Shop.#make(version, sql));
  }

  static async #make(version: string, sql: string): Promise<ProjectWithDatabase> {
    const [project, db] = await Promise.all([TestProject.create({ version }), freshDatabase(sql)]);
    await init({ cwd: project.root, database: "shopdb", from: db.url });
    await project.commitAll("A shop");
    return { project, db };
  }

  static async #copied(key: string, make: () => Promise<ProjectWithDatabase>): Promise<Shop> {
    const { project, db } = await copied(key, make);
    return new Shop(project, db);
  }

  /** A project with 1.0.0 archived, as `wov-push-db --snapshot shopdb initial` does it. */
  static archived({ sql = SHOP }: Pick<ShopOptions, "sql"> = {}): Promise<Shop> {
    return Shop.#copied(`archived ${sql}`, async () => {
      const made = await Shop.#make("1.0.0", sql);
      await pushDb({ cwd: made.project.root, databases: ["shopdb"], snapshot: "initial" });
      return made;
    });
  }

  /** A copy of what is made first under a key, its database and what the ledger says of that included. */
  static copyOf(key: string, make: () => Promise<Shop>): Promise<Shop> {
    return Shop.#copied(key, make);
  }

  get root(): string {
    return this.project.root;
  }

  /** Changes the database, and writes down what was done. */
  async change(sql: string, file = PENDING): Promise<void> {
    await this.db.query(sql);
    await this.project.write(file, sql);
  }

  /** Commits a new project version. */
  async setVersion(version: string): Promise<void> {
    await this.project.write(
      "package.json",
      `${JSON.stringify({ name: "shop", version, private: true }, null, 2)}\n`,
    );
    await this.project.git(
      "commit",
      "--quiet",
      "--no-verify",
      "--message",
      `Version ${version}`,
      "package.json",
    );
  }

  /** Archives the present change under a version: the database, the pending deltas, the project version. */
  async archive(version: string, sql: string): Promise<void> {
    await this.setVersion(version);
    await this.change(sql);
    await pushDb({ cwd: this.root });
  }

  /** Another database with the shop's newest schema, known to the ledger. */
  async anotherDatabase(): Promise<TestDatabase> {
    const db = await freshDatabase();
    await createInstance({ cwd: this.root, url: db.url });
    return db;
  }

  /** A file of the project as text; null where there is none. */
  async read(path: string): Promise<string | null> {
    return readIfThere(join(this.root, path));
  }

  /** What the archive's history says, oldest first, e.g. `1.1.0 < 1.0.0`. */
  async versions(database = "shopdb"): Promise<string[]> {
    const { databases } = await log({ cwd: this.root, databases: [database] });
    return databases.flatMap((one) => one.versions.map(({ version, parent }) => `${version} < ${parent}`));
  }

  /** What the ledger says, oldest first, e.g. `archived 1.1.0`. */
  async ledger(): Promise<string[]> {
    const { entries } = await ledgerLog({ cwd: this.root });
    return entries.map(({ version, event }) => `${event} ${version}`);
  }

  /** The lines of `git status --porcelain`, untracked files each by itself. */
  async status(): Promise<string[]> {
    return lines(await this.project.git("status", "--porcelain", "--untracked-files=all"));
  }

  /** The files of the newest commit, with git's letter for what became of them. */
  async committed(): Promise<string[]> {
    const text = await this.project.git("show", "--name-status", "--no-renames", "--format=", "HEAD");
    return lines(text).map((line) => line.replace("\t", " "));
  }

  /** The subjects of the commits of HEAD, newest first. */
  async commits(...paths: string[]): Promise<string[]> {
    return lines(await this.project.git("log", "--format=%s", "--", ...paths));
  }

  remove(): Promise<void> {
    return this.project.remove();
  }
}

/** Puts the archive, empty so far, into a repository of its own beside the project, with a remote. */
export async function moveArchiveApart(shop: Shop): Promise<void> {
  const { project } = shop;
  const config = (await shop.read("wovtools/config.json")) ?? "";
  await project.write(
    "wovtools/config.json",
    config.replace("{", '{\n  "archive": { "path": "../shop-archive" },'),
  );
  await rename(join(shop.root, "wovtools/db"), join(shop.root, "../shop-archive"));
  await project.commitAll("The archive lies beside");
  await project.git("init", "--quiet", "--bare", "--initial-branch=main", "../archive-origin.git");
  await project.git("init", "--quiet", "--initial-branch=main", "../shop-archive");
  await inArchive(shop, "config", "user.name", "Dana Developer");
  await inArchive(shop, "config", "user.email", "dana@shop.example");
  await inArchive(shop, "remote", "add", "origin", "../archive-origin.git");
  await inArchive(shop, "add", "--all");
  await inArchive(shop, "commit", "--quiet", "--message", "An archive");
}

/** Runs git in the archive's own repository. */
export function inArchive({ project }: Pick<Shop, "project">, ...args: string[]): Promise<string> {
  return project.git("-C", "../shop-archive", ...args);
}

/** A test in a shop of its own with 1.0.0 archived, which is taken away afterwards. */
export function inShop(work: (shop: Shop) => Promise<void>, make: () => Promise<Shop> = Shop.archived) {
  return async () => {
    const shop = await make();
    try {
      await work(shop);
    } finally {
      await shop.remove();
    }
  };
}

export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Fails unless the command ended with this status. */
export function endedWith(status: number, ended: Ended): Ended {
  assert.is(ended.status, status, ended.output);
  return ended;
}

/** The commands that a hint gives: the lines that are set in. */
export function commandsIn(hint: string): string[] {
  return lines(hint)
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim());
}

const validators = new Map<string, ValidateFunction>();

async function validator(name: string): Promise<ValidateFunction> {
  const known = validators.get(name);
  if (known) return known;
  const file = join(PACKAGE, "dist", "json-schemas", "results", `${name}.json`);
  // The published schemas name the draft, which ajv's class of the same name is for.
  const made = new Ajv({ strict: false }).compile(JSON.parse(await readFile(file, "utf8")));
  validators.set(name, made);
  return made;
}

/**
 * Runs a command with `--json` and holds what it prints against the published JSON Schema.
 *
 * @param schema the schema's name, e.g. `push-db`
 */
export async function jsonOf(
  { project }: Pick<Shop, "project">,
  schema: string,
  [program, ...args]: readonly [string, ...string[]],
  options: CommandRunOptions & { readonly status?: number } = {},
): Promise<unknown> {
  const ended = endedWith(options.status ?? 0, await project.command(program, [...args, "--json"], options));
  const document: unknown = JSON.parse(ended.stdout);
  const validate = await validator(schema);
  assert.ok(validate(document), `${schema}: ${JSON.stringify(validate.errors)}\n${ended.stdout}`);
  return document;
}

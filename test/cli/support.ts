/** Projects with a database, and what the command line may and may not say. */
import { createHash } from "node:crypto";
import { chmod, lstat, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Test } from "uvu";
import * as assert from "uvu/assert";
import { copied, type ProjectWithDatabase } from "../support/copies.js";
import { type CommandRunOptions, type Ended, TestProject } from "../support/project.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";

export const SHOP_SQL = `
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers);
CREATE VIEW totals AS SELECT customer, count(*) FROM orders GROUP BY customer;
`;

/** A project with the database `shopdb`, known by its secrets. */
export interface Shop {
  readonly project: TestProject;
  readonly root: string;
  readonly db: TestDatabase;
}

export interface ShopOptions {
  /** What its database holds; a small shop unless given. */
  readonly sql?: string;
  /** Archive the first version. */
  readonly archived?: boolean;
  readonly server?: Parameters<typeof freshDatabase>[1];
  /** Before `wov init`, e.g. to put husky there. */
  readonly prepare?: (project: TestProject) => Promise<void>;
  /** Names what `prepare` does: shops of one name are copies, others with a `prepare` are made anew. */
  readonly prepared?: string;
}

/**
 * A project as a user makes it: a repository, `wov init --from URL`, a commit, and where asked for a first version.
 * One that needs nothing of its own is a copy.
 */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const isOwn = options.prepare !== undefined && options.prepared === undefined;
  const { project, db } =
    isOwn || options.server
      ? await makeShop(options)
      : await copied(JSON.stringify(options), () => makeShop(options));
  return { project, root: project.root, db };
}

async function makeShop(options: ShopOptions): Promise<ProjectWithDatabase> {
  const [project, db] = await Promise.all([
    TestProject.create(),
    freshDatabase(options.sql ?? SHOP_SQL, options.server),
  ]);
  await options.prepare?.(project);
  succeeds(await project.wov("init", "--database", "shopdb", "--from", db.url));
  await project.commitAll("A shop");
  if (options.archived) await archiveFirst(project);
  return { project, db };
}

/** Archives what the database holds as 1.0.0. */
export async function archiveFirst(project: TestProject): Promise<void> {
  succeeds(await project.wov("push-db", "--snapshot", "shopdb", "initial"));
}

/** A test in a shop of its own, which is taken away afterwards. */
export function inShop(work: (shop: Shop) => Promise<void>, options: ShopOptions = {}) {
  return async () => {
    const shop = await openShop(options);
    try {
      await work(shop);
    } finally {
      await shop.project.remove();
    }
  };
}

/** One shop for the tests of a suite that leave it as it was. */
export function sharedShop(tests: Test, options: ShopOptions = {}): () => Promise<Shop> {
  let opened: Promise<Shop> | undefined;
  tests.after(async () => (await opened)?.project.remove());
  return () => (opened ??= openShop(options));
}

/** Does something while a file has other content, then puts the old content and mode back. */
export async function withFile<T>(
  { project, root }: Pick<Shop, "project" | "root">,
  path: string,
  content: string | Uint8Array | null,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(root, path);
  const stats = await stat(file).catch(() => null);
  const before = stats === null ? null : await readFile(file);
  if (content === null) await rm(file);
  else await project.write(path, content);
  try {
    return await work();
  } finally {
    if (before === null || stats === null) await rm(file);
    else await writeFile(file, before, { mode: stats.mode });
    if (stats !== null) await chmod(file, stats.mode & 0o777);
  }
}

/** A test in a repository without wovtools. */
export function inProject(work: (project: TestProject) => Promise<void>) {
  return async () => {
    const project = await TestProject.create();
    try {
      await work(project);
    } finally {
      await project.remove();
    }
  };
}

/** Fails unless the command ended with 0. */
export function succeeds(ended: Ended): Ended {
  assert.is(ended.status, 0, ended.output);
  return ended;
}

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export interface Refusal {
  readonly status: 1 | 2 | 3 | 4;
  /** What the message has to say. */
  readonly what: RegExp;
  /** Where it is wrong; left out where there is no place, as with a word of the command line. */
  readonly where?: RegExp;
  /** What mends it. */
  readonly hint: RegExp;
}

const STACK = /^\s+at .+:\d+:\d+\)?$/m;

/**
 * Runs a command that has to be refused, and checks that it tells what is wrong, where, and what mends it; that
 * nothing is on standard output and no stack trace shows; and that no file of the repository has changed.
 */
export async function refused(
  project: TestProject,
  [program, ...args]: Command,
  { status, what, where, hint }: Refusal,
  options: CommandRunOptions = {},
): Promise<void> {
  const before = await treeOf(project.folder);
  const ended = await project.command(program, args, options);
  const said = `${program} ${args.join(" ")}\n${ended.output}`;
  assert.is(ended.status, status, said);
  assert.is(ended.stdout, "", said);
  const text = ended.stderr.replace(/^error /, "");
  assert.is.not(text, ended.stderr, said);
  assert.not.match(text, STACK, said);
  for (const part of [what, hint, ...(where ? [where] : [])]) assert.match(text, part);
  assert.equal(await treeOf(project.folder), before, `${said}\nfiles were changed`);
}

/** git rewrites these at every look, and a check remembers the schema that it has read. */
const UNSTEADY = /\.git\/(?:index|objects(?:\/|$)|wovtools(?:$|\/schema-))/;

/** Every file, link and folder with its mode and a digest of its content, git's references included. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = async (path: string): Promise<void> => {
    const name = relative(folder, path);
    if (UNSTEADY.test(name) || name.includes("node_modules")) return;
    const stats = await lstat(path);
    const mode = stats.mode.toString(8);
    if (stats.isDirectory()) {
      found[name] = mode;
      for (const entry of await readdir(path)) await walk(join(path, entry));
    } else if (stats.isFile()) {
      found[name] = `${mode} ${createHash("sha256")
        .update(await readFile(path))
        .digest("hex")}`;
    } else found[name] = `${mode} ${stats.isSymbolicLink() ? await readlink(path) : ""}`;
  };
  await walk(folder);
  return found;
}

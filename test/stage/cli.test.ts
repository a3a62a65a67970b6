/** wov-deploy as it is typed: what it prints, and the status that it ends with. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { connect } from "#src/postgres/connection.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { ON_A_TERMINAL } from "../support/terminal.js";
import { StageProject } from "./project.js";

const ROOT = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer)";
const made: { project?: StageProject } = {};

/** https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, DECTCEM */
const [HIDE_CURSOR, SHOW_CURSOR] = ["\u001b[?25l", "\u001b[?25h"];

async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  terminal?: { readonly sees: (text: string) => void },
  cwd = made.project?.root,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const node = terminal === undefined ? [] : ["--import", ON_A_TERMINAL];
  const child = spawn(process.execPath, [...node, join(PACKAGE, "dist/cli/wov-deploy.js"), ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk.toString();
    terminal?.sees(said.stderr);
  });
  const [status]: (number | null)[] = await once(child, "close");
  return { status: status ?? null, ...said };
}

async function stage(pver: string, rows = ""): Promise<TestDatabase> {
  if (made.project === undefined) throw new Error("not made yet");
  return made.project.stage(pver, rows);
}

const cli = suite("wov-deploy");

cli.before(async () => {
  made.project = await StageProject.create(ROOT);
  await made.project.version("1.1.0", ["CREATE INDEX CONCURRENTLY amounts ON orders (amount)"]);
  await made.project.version("1.2.0", [
    "ALTER TABLE orders ALTER COLUMN amount SET NOT NULL",
    "ALTER TABLE orders ADD COLUMN note text",
    "ALTER TABLE orders DROP COLUMN note",
  ]);
});

cli("shows what each statement locks, destroys, and runs outside of a transaction", async () => {
  const db = await stage("1.0.0");
  const { status, stdout, stderr } = await run(["--plan", "--url", db.url]);
  assert.is(status, 0);
  assert.is(stderr, "");
  assert.match(stdout, "shopdb 1.0.0 → 1.2.0");
  assert.match(
    stdout,
    /CREATE INDEX CONCURRENTLY amounts .*ShareUpdateExclusiveLock on orders; outside a transaction/,
  );
  assert.match(stdout, /DROP COLUMN note .*AccessExclusiveLock on orders; destroys column orders\.note/);
  const [, id] = /plan ([0-9a-f]{64})/.exec(stdout) ?? [];
  const applied = await run(["--plan-id", id ?? "", "--url", db.url]);
  assert.is(applied.status, 0);
  assert.match(applied.stdout, /^deployed shopdb 1\.0\.0 → 1\.2\.0 {2}\(2 versions, .*rehearsed/);
});

cli("sums up a long plan, and explains a danger once in it", async () => {
  const project = await StageProject.create(ROOT);
  const names = Array.from({ length: 11 }, (_, index) => `part_${index}`);
  await project.version("1.1.0", [
    ...names.map((name) => `ALTER TABLE orders ADD COLUMN ${name} integer`),
    ...names.map((name) => `ALTER TABLE orders DROP COLUMN ${name}`),
    "UPDATE orders SET amount = 0",
  ]);
  const db = await project.stage("1.0.0");
  const { stdout } = await run(["--plan", "--url", db.url], {}, undefined, project.root);
  assert.match(stdout, "\n  23 statements: 11 destroy data, 1 change rows\n");
  assert.is(stdout.match(/^ +ban-drop-column$/gm)?.length, 10);
  assert.is(stdout.match(/^ +ban-drop-column \w.*$/gm)?.length, 1);
});

cli("prints one JSON document as its schema says, and nothing beside it in a pipe", async () => {
  const schema: object = JSON.parse(
    await readFile(join(PACKAGE, "dist/json-schemas/results/deploy.json"), "utf8"),
  );
  const validate = new Ajv({ strict: false }).compile(schema);
  const db = await freshDatabase();
  for (const args of [["--plan"], ["--dry-run"], [], []]) {
    const { status, stdout, stderr } = await run([...args, "--json", "--url", db.url]);
    assert.is(status, 0, stderr);
    assert.is(stderr, "");
    assert.ok(validate(JSON.parse(stdout)), JSON.stringify(validate.errors));
  }
});

cli("tells on a terminal what takes its time, and says nothing of it in a pipe", async () => {
  const [shown, piped] = [await stage("1.0.0"), await stage("1.0.0")];
  // Both are held up until the terminal has told so, and for how long.
  const holders = await Promise.all([shown, piped].map(({ connection }) => connect(connection)));
  for (const holder of holders) await holder.query("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
  const goOn = async () => {
    for (const holder of holders.splice(0)) await holder.end();
  };
  const told: Promise<void>[] = [];
  const sees = (text: string) => {
    if (/reading the schema of shopdb on local, [1-9]\d* s/.test(text)) told.push(goOn());
  };
  const [terminal, pipe] = await Promise.all([
    run(["--url", shown.url], {}, { sees }),
    run(["--url", piped.url]),
  ]);
  await Promise.all(told);
  assert.is(terminal.status, 0, terminal.stderr);
  const cursor = (sequence: string) => terminal.stderr.lastIndexOf(sequence);
  assert.ok(cursor(SHOW_CURSOR) > cursor(HIDE_CURSOR) && cursor(HIDE_CURSOR) >= 0, "the cursor comes back");
  assert.match(terminal.stdout, /^deployed shopdb 1\.0\.0 → 1\.2\.0/);
  assert.is(pipe.status, 0, pipe.stderr);
  assert.is(pipe.stderr, "");
});

cli("ends with 5 where it stopped partway, and the same command goes on", async () => {
  const db = await stage("1.0.0", "INSERT INTO orders VALUES (1, NULL)");
  const stopped = await run(["--url", db.url]);
  assert.is(stopped.status, 5);
  assert.match(stopped.stderr, "1.2.0.deltas:1");
  assert.match(stopped.stderr, "What came before it is applied and recorded");
  await db.query("DELETE FROM orders");
  assert.is((await run(["--url", db.url])).status, 0);
});

cli("ends with 1 for a no, with 2 for a usage that cannot be, with 3 where there is no server", async () => {
  const db = await freshDatabase("CREATE TABLE unknown (id integer)");
  assert.is((await run(["--url", db.url])).status, 1);
  assert.is((await run(["--pver", "9.9.9", "--url", db.url])).status, 2);
  assert.is((await run(["--plan", "--dry-run", "--url", db.url])).status, 2);
  assert.is((await run(["--jobs", "few", "--url", db.url])).status, 2);
  assert.is((await run(["--url", "postgres://a:b@127.0.0.1:1/c?sslmode=disable"])).status, 3);
});

cli("deploys all databases of the project, each on its own, and sums up", async () => {
  const project = await StageProject.create(ROOT);
  made.project = project;
  const { paths } = project;
  const history = await readFile(paths.history, "utf8");
  await writeFile(
    join(project.root, "wovtools/config.json"),
    JSON.stringify({ databases: { shopdb: {}, newsdb: {} } }),
  );
  // An archive of its own: the same first version.
  const { cp } = await import("node:fs/promises");
  await cp(paths.folder, paths.folder.replace(/shopdb$/, "newsdb"), { recursive: true });
  await writeFile(paths.history.replace(/shopdb\.json$/, "newsdb.json"), history);
  const [shop, news] = [await freshDatabase(), await freshDatabase("CREATE TABLE by_hand ()")];
  const env = { WOV_SHOPDB_URL: shop.url, WOV_NEWSDB_URL: news.url };
  const { status, stdout } = await run(["--jobs", "2"], env);
  assert.is(status, 1);
  assert.match(stdout, "deployed shopdb empty → 1.0.0");
  assert.match(stdout, /failed newsdb .*no ledger says which version/);
  assert.match(stdout, "2 databases on local: 1 deployed, 1 failed");
});

cli.run();

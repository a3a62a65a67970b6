/** Many databases in one go: tenants by a pattern, several processes that share the work, a kill in the middle. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConfigError, DatabaseError } from "#src/errors.js";
import { type DeployOptions, deploy } from "#src/index.js";
import { withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase, type TestDatabase, testServer, urlOf } from "../support/server.js";
import { StageProject } from "./project.js";

const TENANTS = 12;

const fleet = suite("fleet");

/** A project of two versions, and tenants at the first; their names begin with the prefix. */
async function tenants(): Promise<{ project: StageProject; prefix: string; url: string }> {
  const project = await StageProject.create("CREATE TABLE orders (id integer PRIMARY KEY)");
  await project.version("1.1.0", [
    "ALTER TABLE orders ADD COLUMN note text",
    "INSERT INTO orders VALUES (1)",
  ]);
  const first = await project.stage("1.0.0");
  const prefix = `tenant_${randomBytes(4).toString("hex")}_`;
  const server = await testServer();
  await withClient(server, async (client) => {
    for (let number = 0; number < TENANTS; number++)
      await client.query(`CREATE DATABASE "${prefix}${number}" TEMPLATE "${first.name}"`);
  });
  await withClient({ ...server, database: "wovtool" }, (client) =>
    client.query(
      `INSERT INTO wovtool.database (name, version, version_id)
       SELECT $1 || n, version, version_id FROM wovtool.database, generate_series(0, $2::integer - 1) AS n WHERE name = $3`,
      [prefix, TENANTS, first.name],
    ),
  );
  return { project, prefix, url: urlOf({ ...server, database: `${prefix}*` }) };
}

/** How often each tenant got the version: rows of the delta, entries of the ledger. */
async function came(prefix: string): Promise<unknown> {
  const server = await testServer();
  const applied = await withClient({ ...server, database: "wovtool" }, async (client) => {
    const { rows } = await client.query<{ database: string; count: number }>(
      `SELECT database, count(*)::integer AS count FROM wovtool.applied
       WHERE starts_with(database, $1) AND version = '1.1.0' GROUP BY database ORDER BY database`,
      [prefix],
    );
    return rows.map(({ count }) => count);
  });
  return applied;
}

const ALL_ONCE = Array<number>(TENANTS).fill(1);

fleet("brings every database that a pattern names to the version, and the second time none", async () => {
  const { project, prefix, url } = await tenants();
  const { databases } = await project.deploy({ url }, { jobs: 4, rehearse: true });
  assert.equal(
    databases.map(({ outcome }) => outcome),
    Array(TENANTS).fill("applied"),
  );
  assert.equal(new Set(databases.map(({ target }) => target)).size, TENANTS);
  assert.equal(await came(prefix), ALL_ONCE);
  const again = await project.deploy({ url }, { jobs: 4 });
  assert.ok(again.databases.every(({ outcome }) => outcome === "nothing"));
});

fleet(
  "is consistent where one database stops: the others are deployed, and a second run does what is left",
  async () => {
    const { project, prefix, url } = await tenants();
    const server = await testServer();
    const bad = { ...server, database: `${prefix}3` };
    await withClient(bad, (client) => client.query("INSERT INTO orders VALUES (1)"));
    const { databases } = await project.deploy({ url }, { jobs: 3 });
    const failed = databases.filter(({ outcome }) => outcome === "failed");
    assert.equal(
      failed.map(({ target, error }) => [target.split("/").at(-1), error?.code]),
      [[`${prefix}3`, "STATEMENT_FAILED"]],
    );
    await withClient(bad, (client) => client.query("DELETE FROM orders"));
    const second = await project.deploy({ url });
    assert.is(second.databases.filter(({ outcome }) => outcome === "applied").length, 1);
    assert.equal(await came(prefix), ALL_ONCE);
  },
);

fleet("is shared by processes that run the same command, one of which is killed in the middle", async () => {
  const { project, prefix, url } = await tenants();
  const run = () => {
    const child = spawn(
      process.execPath,
      [join(PACKAGE, "dist/cli/wov-deploy.js"), "--no-rehearse", "--jobs", "2", "--json", "--url", url],
      { cwd: project.root, stdio: ["ignore", "pipe", "inherit"] },
    );
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    return { child, ended: once(child, "close").then(() => output) };
  };
  const [killed, other] = [run(), run()];
  const server = await testServer();
  await withClient({ ...server, database: "wovtool" }, async (client) => {
    const some = "SELECT FROM wovtool.applied WHERE starts_with(database, $1) AND version = '1.1.0' LIMIT 2";
    while (((await client.query(some, [prefix])).rowCount ?? 0) < 2);
  });
  killed.child.kill("SIGKILL");
  await killed.ended;
  const { databases }: { databases: { outcome: string }[] } = JSON.parse(await other.ended);
  assert.ok(databases.every(({ outcome }) => outcome === "applied" || outcome === "nothing"));
  assert.equal(await came(prefix), ALL_ONCE);
});

fleet("is of the stages that a list and a pattern name, each by its own secrets", async () => {
  const project = await StageProject.create("CREATE TABLE orders (id integer)");
  const secrets = join(project.root, "wovtools", "secrets");
  await mkdir(secrets);
  const databaseOf = new Map<string, TestDatabase>();
  for (const stage of ["east-1", "east-2", "west", "north"]) {
    const database = await freshDatabase();
    databaseOf.set(stage, database);
    const file = join(secrets, `shopdb_${stage}.json`);
    await writeFile(file, JSON.stringify({ shopdb: { url: database.url } }), { mode: 0o600 });
  }
  const run = (stage: string, options: DeployOptions = {}) =>
    deploy({ cwd: project.root, stage, rehearse: false, ...options });
  const { databases } = await run("west,east-*");
  assert.equal(
    databases.map(({ stage, outcome, target }) => [stage, outcome, target.split("/").at(-1)]),
    ["west", "east-1", "east-2"].map((stage) => [stage, "applied", databaseOf.get(stage)?.name]),
  );
  const { databases: all } = await run("*", { plan: true });
  assert.equal(
    all.filter(({ outcome }) => outcome === "planned").map(({ stage }) => stage),
    ["north"],
  );
  const nowhere = { shopdb: { url: "postgres://nobody@127.0.0.1:1/tenant_*" } };
  await writeFile(join(secrets, "shopdb_gone.json"), JSON.stringify(nowhere), { mode: 0o600 });
  const { databases: most } = await run("gone,north");
  assert.equal(
    most.map(({ stage, outcome, error }) => [stage, outcome, error?.code]),
    [
      ["gone", "failed", "UNREACHABLE"],
      ["north", "applied", undefined],
    ],
  );
  assert.is((await thrownBy(DatabaseError, run("gone"))).code, "UNREACHABLE");
  assert.is((await thrownBy(ConfigError, run("south-*"))).code, "NO_SUCH_STAGE");
  assert.is(
    (await thrownBy(ConfigError, run("west,east-*", { url: databaseOf.get("west")?.url }))).code,
    "DEPLOY_USAGE",
  );
});

fleet.run();

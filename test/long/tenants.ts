/**
 * 1,000 tenants' databases on one server, one version behind: `wov-deploy --jobs 8` is killed in the middle, and a
 * second run does what is left. Every tenant has to get the version once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { deploy } from "#src/index.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase, urlOf } from "../support/server.js";
import { developArchive } from "./archive.js";

const COUNT = Number(process.argv[2] ?? 1000);
const PREFIX = "tenant_";
const JOBS = "8";

const server = await startThrowAwayServer({ settings: { max_connections: "100" } });
try {
  await main(server.connection);
} finally {
  await server.stop();
}

async function main(connection: ConnectionSettings): Promise<void> {
  const root = await tenantsAt(connection);
  const url = urlOf({ ...connection, database: `${PREFIX}*` });
  const ledger = { ...connection, database: "wovtool" };

  const first = deployAll(root, url);
  const reached = await withClient(ledger, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ done: number }>(
        "SELECT count(*)::integer AS done FROM wovtool.applied WHERE starts_with(database, $1) AND version = '0.1.0'",
        [PREFIX],
      );
      const done = rows[0]?.done ?? 0;
      if (done >= COUNT / 2 || first.child.exitCode !== null) return done;
    }
  });
  first.child.kill("SIGKILL");
  await first.ended;
  assert.is(first.child.signalCode, "SIGKILL", "it was killed before its end");
  console.log(`killed after ${reached} of ${COUNT}, ${first.seconds()} s after its start`);

  const second = deployAll(root, url);
  const output = await second.ended;
  assert.is(second.child.exitCode, 0, output);
  const { databases }: { databases: { outcome: string; recovered: boolean }[] } = JSON.parse(output);
  const count = (outcome: string) => databases.filter((one) => one.outcome === outcome).length;
  assert.is(count("applied") + count("nothing"), COUNT);
  assert.ok(count("nothing") >= reached);
  const recovered = databases.filter((one) => one.recovered).length;
  console.log(
    `the second run deployed ${count("applied")}, found ${count("nothing")} done and cleared up ${recovered}, in ${second.seconds()} s`,
  );
  await everyTenantHasItOnce(connection);
  console.log(`${COUNT} tenants have the version, each once`);
}

/** @returns the project's root */
async function tenantsAt(connection: ConnectionSettings): Promise<string> {
  const { root } = await developArchive(
    "CREATE TABLE orders (id integer PRIMARY KEY); CREATE TABLE counter (applied integer NOT NULL)",
    [
      {
        key: "0.1.0",
        statements: ["ALTER TABLE orders ADD COLUMN note text", "INSERT INTO counter VALUES (1)"],
      },
    ],
    undefined,
    connection,
  );
  const template = await freshDatabase("", connection);
  await deploy({ cwd: root, url: template.url, pver: "0.0.0", rehearse: false });
  await withClient(connection, async (client) => {
    for (let number = 0; number < COUNT; number++)
      await client.query(`CREATE DATABASE ${PREFIX}${number} TEMPLATE ${template.name}`);
  });
  await withClient({ ...connection, database: "wovtool" }, (client) =>
    client.query(
      `INSERT INTO wovtool.database (name, version, version_id)
       SELECT $1 || n, version, version_id FROM wovtool.database, generate_series(0, $2::integer - 1) AS n WHERE name = $3`,
      [PREFIX, COUNT, template.name],
    ),
  );
  return root;
}

function deployAll(cwd: string, url: string) {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [join(PACKAGE, "dist", "cli", "wov-deploy.js"), "--jobs", JOBS, "--json", "--url", url],
    { cwd, stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  return { child, seconds, ended: once(child, "close").then(() => output) };
}

async function everyTenantHasItOnce(connection: ConnectionSettings): Promise<void> {
  const { rows } = await withClient({ ...connection, database: "wovtool" }, (client) =>
    client.query<{ database: string; count: number }>(
      `SELECT database, count(*)::integer AS count FROM wovtool.applied
       WHERE starts_with(database, $1) AND version = '0.1.0' GROUP BY database`,
      [PREFIX],
    ),
  );
  assert.is(rows.length, COUNT);
  assert.ok(rows.every(({ count }) => count === 1));
  for (const { database } of rows) {
    await withClient({ ...connection, database }, async (client) => {
      const { rows: counted } = await client.query("SELECT applied FROM counter");
      assert.equal(counted, [{ applied: 1 }], database);
      await client.query("SELECT note FROM orders");
    });
  }
}

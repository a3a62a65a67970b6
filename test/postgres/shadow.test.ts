import { spawn } from "node:child_process";
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { withClient } from "#src/postgres/connection.js";
import { withLoadedShadow, withShadow } from "#src/postgres/shadow.js";
import { embeddedShadowServer, ownShadowServer, type ShadowServer } from "#src/postgres/shadow-servers.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, urlOf } from "../support/server.js";

const shadows = suite("shadows");

async function own(): Promise<ShadowServer> {
  const server = await ownShadowServer((await freshDatabase()).connection);
  if (server === null) throw new Error("the superuser may make databases");
  return server;
}

async function shadowNames(server: ShadowServer): Promise<string[]> {
  return withClient(server.connection, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE starts_with(datname, 'wov_shadow_')",
    );
    return rows.map(({ datname }) => datname);
  });
}

shadows("is an empty database, and gone afterwards", async () => {
  const server = await own();
  let name = "";
  await withShadow(server, async (shadow) => {
    name = shadow.database ?? "";
    assert.ok((await shadowNames(server)).includes(name));
    await withClient(shadow, (client) => client.query("CREATE TABLE t (id int)"));
  });
  assert.not.ok((await shadowNames(server)).includes(name));
});

shadows("is gone after a failure too, which names the line", async () => {
  const server = await own();
  let name = "";
  const error = await thrownBy(
    BlockedError,
    withLoadedShadow(
      server,
      { sql: "CREATE TABLE a (id int);\n\nCREATE TABLE b (id nonsense);", name: "b.sql" },
      async (shadow) => {
        name = shadow.database ?? "";
      },
    ),
  );
  assert.is(error.where, "b.sql:3");
  assert.match(error.message, 'type "nonsense" does not exist');
  assert.is(name, "");
});

shadows("is dropped by the next run when its process was killed, and left alone while it lives", async () => {
  const server = await own();
  const url = JSON.stringify(urlOf(server.connection));
  const script = `
    const { withShadow } = await import("#src/postgres/shadow.js");
    const { ownShadowServer } = await import("#src/postgres/shadow-servers.js");
    const { parseConnectionUrl } = await import("#src/postgres/connection-url.js");
    await withShadow(await ownShadowServer(parseConnectionUrl(${url})), async (shadow) => {
      console.log(shadow.database);
      await new Promise((resolve) => setInterval(resolve, 2 ** 30));
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  const name = String(line).trim();
  const namesake = `wov_shadow_of_${process.pid}`;
  await withClient(server.connection, (client) => client.query(`CREATE DATABASE ${namesake}`));
  await withShadow(server, async () => undefined);
  assert.ok((await shadowNames(server)).includes(name), "a living process keeps its shadow");
  child.kill("SIGKILL");
  await once(child, "exit");
  // The server notices a lost client on its own time: until then the shadow is in use.
  while ((await shadowNames(server)).includes(name)) await withShadow(server, async () => undefined);
  assert.ok((await shadowNames(server)).includes(namesake), "what somebody has called like one is none");
  await withClient(server.connection, (client) => client.query(`DROP DATABASE ${namesake}`));
});

shadows("of an embedded server know the roles that the SQL names", async () => {
  const server = await embeddedShadowServer();
  try {
    const load = {
      sql: "CREATE TABLE t (id int); GRANT SELECT ON t TO reader",
      name: "t.sql",
      roles: ["reader"],
    };
    const granted = await withLoadedShadow(server, load, (shadow) =>
      withClient(
        shadow,
        async (client) =>
          (await client.query("SELECT has_table_privilege('reader', 't', 'SELECT') AS yes")).rows,
      ),
    );
    assert.equal(granted, [{ yes: true }]);
  } finally {
    await server.close();
  }
});

shadows("are refused to a role that may not make databases", async () => {
  const db = await freshDatabase(`CREATE ROLE "plain_${process.pid}" LOGIN PASSWORD 'for-this-test'`);
  assert.is(
    await ownShadowServer({ ...db.connection, user: `plain_${process.pid}`, password: "for-this-test" }),
    null,
  );
});

shadows.run();

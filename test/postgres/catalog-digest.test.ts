/** A digest of the catalogs is another one after every change of a schema, and stays where none was made. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { catalogDigest } from "#src/postgres/catalog-digest.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { MUTATIONS } from "../schema/mutations.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const digestOf = (connection: ConnectionSettings) => withClient(connection, catalogDigest);

const digests = suite("a digest of the catalogs");

digests(`changes with each of ${MUTATIONS.flat().length} changes of a schema`, async () => {
  const rich = await readFile(join(PACKAGE, "test/matrix/schemas/rich.sql"), "utf8");
  const { connection } = await freshDatabase(rich);
  await withClient(connection, async (client) => {
    let before = await catalogDigest(client);
    const missed: string[] = [];
    for (const { sql } of MUTATIONS.flat()) {
      await client.query(sql);
      const digest = await catalogDigest(client);
      if (digest === before) missed.push(sql);
      before = digest;
    }
    assert.equal(missed, []);
  });
});

digests("is the same in every session, and after what changes no schema", async () => {
  // A server of its own: roles that other tests make are part of the digest.
  const server = await startThrowAwayServer();
  const { connection, query } = await freshDatabase(
    "CREATE TABLE t (id bigserial PRIMARY KEY, words text); CREATE INDEX ON t (words);",
    server.connection,
  );
  const before = await digestOf(connection);
  await query("INSERT INTO t (words) SELECT repeat('many words ', g) FROM generate_series(1, 300) g");
  await query("DELETE FROM t WHERE id < 200");
  assert.is(await digestOf(connection), before);
  for (const upkeep of ["ANALYZE", "VACUUM", "CHECKPOINT"]) {
    await query(upkeep);
    assert.is(await digestOf(connection), before, upkeep);
  }
  await server.stop();
});

digests("is another one for another role, time zone or name of a role", async () => {
  const { connection, name, query } = await freshDatabase("CREATE TABLE t (id integer)");
  const role = `${name}_role`;
  await query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON t TO ${role}`);
  const before = await digestOf(connection);
  assert.is.not(await digestOf({ ...connection, user: role, password: "secret" }), before);
  assert.is.not(await digestOf({ ...connection, options: "-c TimeZone=Asia/Kathmandu" }), before);
  await query(`ALTER ROLE ${role} RENAME TO ${role}s`);
  assert.is.not(await digestOf(connection), before);
});

digests.run();

/** Over several connections a server's schema is read as over one, and pg_dump asks what was asked ahead of it. */
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import type { EmbeddedServer } from "#src/postgres/embedded.js";
import { load } from "./servers.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

/** Each with whatever pg_dump asks of many tables at once. */
const TABLES = [1, 2, 3].map(
  (n) => `
    CREATE TABLE t${n} (id serial PRIMARY KEY, n int DEFAULT ${n} CHECK (n > 0), code text UNIQUE);
    CREATE INDEX ON t${n} ((n + 1)) WHERE n > ${n};
    CREATE VIEW v${n} AS SELECT id, n FROM t${n};`,
);

export async function readsOverSeveral(server: EmbeddedServer): Promise<void> {
  const connection = await load(server, "matrix_connections", TABLES.join(""));
  const told: string[] = [];
  const tell = (what: string) => told.push(what);
  const one = await dumpSchema(connection, { ...OPTIONS, tell });
  assert.equal(told, []);
  const several = await dumpSchema(connection, { ...OPTIONS, largeFrom: 0, tell });
  assert.equal(several, one);
  assert.equal(
    told,
    [2, 3].map((count) => `the schema is read over ${count} connections`),
  );
}

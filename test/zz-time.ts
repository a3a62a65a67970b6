import { readLiveSchema } from "#src/commands/live-schema.js";
import { prove, ShadowServers } from "#src/commands/proof.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { SHOP } from "./commands/support.js";
import { freshDatabase } from "./support/server.js";

const D = {
  pgDump: "bundled",
  schema: {
    owners: false,
    tablespaces: false,
    subscriptions: false,
    columnOrder: true,
    ignoreSchemas: [],
    ignoreTables: [],
  },
};
const server = await startThrowAwayServer();
try {
  const n = Number(process.argv[2] ?? 0);
  const many = Array.from(
    { length: n },
    (_, i) =>
      `CREATE TABLE t${i} (id bigserial PRIMARY KEY, a text NOT NULL DEFAULT 'x', b numeric CHECK (b > 0), c integer REFERENCES customers);`,
  ).join("\n");
  const old = await freshDatabase(SHOP + many, server.connection);
  const now = await freshDatabase(
    `${SHOP}${many}ALTER TABLE orders ADD COLUMN note text;`,
    server.connection,
  );
  const from = await readLiveSchema(old.connection, D);
  const to = await readLiveSchema(now.connection, D);
  for (let i = 0; i < 5; i++) {
    const t = performance.now();
    await readLiveSchema(now.connection, D);
    const t1 = performance.now();
    const servers = new ShadowServers();
    const proof = await prove(servers, {
      from,
      to,
      deltas: { file: "x", content: Buffer.from("ALTER TABLE orders ADD COLUMN note text;") },
      database: D,
      near: now.connection,
      progress: () => undefined,
    });
    await servers.close();
    console.log(proof.verdict, "dump", Math.round(t1 - t), "prove", Math.round(performance.now() - t1));
  }
} finally {
  await server.stop();
}

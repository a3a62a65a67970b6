/** Proofs as a function: the verdicts, and whose each difference is. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readLiveSchema, schemaText } from "#src/commands/live-schema.js";
import { type Proof, prove, ShadowServers } from "#src/commands/proof.js";
import type { ObjectChange } from "#src/commands/results.js";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { freshDatabase } from "../support/server.js";
import { SHOP } from "./support.js";

const DATABASE = {
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

interface Case {
  readonly before?: string;
  readonly live: string;
  readonly deltas: string;
  readonly near?: (connection: ConnectionSettings) => ConnectionSettings | undefined;
}

/** Proves deltas, with the schema before them and the live one made on the test server. */
async function proofOf({ before = SHOP, live, deltas, near = (own) => own }: Case): Promise<Proof> {
  const [old, now] = await Promise.all([freshDatabase(before), freshDatabase(before + live)]);
  const servers = new ShadowServers();
  try {
    return await prove(servers, {
      from: await readLiveSchema(old.connection, DATABASE),
      deltas: { file: "shopdb.deltas", content: Buffer.from(deltas) },
      to: await readLiveSchema(now.connection, DATABASE),
      database: DATABASE,
      near: near(now.connection),
      progress: () => undefined,
    });
  } finally {
    await servers.close();
  }
}

function linesOf(changes: readonly ObjectChange[]): string[] {
  return changes.map(({ change, type, name, details }) => `${change} ${type} ${name}: ${details.join(", ")}`);
}

const proofs = suite("proofs");

proofs("deltas that lead to the live schema are proven", async () => {
  const sql = "ALTER TABLE orders ADD COLUMN note text;\nCREATE INDEX CONCURRENTLY ON orders (note);\n";
  const live = sql.replace("CONCURRENTLY", "");
  assert.equal(await proofOf({ live, deltas: sql }), { verdict: "proven" });
});

proofs("each difference is told as what the deltas miss, or do beyond the database", async () => {
  const proof = await proofOf({
    live: "ALTER TABLE orders ADD COLUMN note text; CREATE VIEW v AS SELECT 1 AS one; DROP TABLE IF EXISTS gone;",
    before: `${SHOP} CREATE TABLE gone (id integer); CREATE TABLE kept (id integer);`,
    deltas: "ALTER TABLE orders ADD COLUMN nota text;\nCREATE TABLE more (id integer);\nDROP TABLE kept;\n",
  });
  assert.is(proof.verdict, "refuted");
  if (proof.verdict !== "refuted") return;
  assert.is(proof.failure, null);
  assert.equal(linesOf(proof.missed), [
    "added view public.v: ",
    "changed table public.orders: column note added: note text",
    "dropped table public.gone: ",
  ]);
  assert.equal(linesOf(proof.surplus), [
    "added table public.more: ",
    "changed table public.orders: column nota added: nota text",
    "dropped table public.kept: ",
  ]);
});

proofs("a statement that the shadow refuses is named with its line", async () => {
  const proof = await proofOf({
    live: "",
    deltas: "ALTER TABLE orders ADD COLUMN note text;\n\nALTER TABLE\n  missing ADD COLUMN note text;\n",
  });
  assert.is(proof.verdict, "refuted");
  if (proof.verdict !== "refuted") return;
  assert.equal(proof.failure, {
    where: "shopdb.deltas:3",
    statement: "ALTER TABLE missing ADD COLUMN note text",
    message: 'relation "missing" does not exist',
    hint: null,
  });
});

proofs("from nothing", async () => {
  const servers = new ShadowServers();
  const db = await freshDatabase(SHOP);
  const to = await readLiveSchema(db.connection, DATABASE);
  const request = { to, database: DATABASE, near: db.connection, progress: () => undefined };
  const deltas = (sql: string) => ({ file: "first.deltas", content: Buffer.from(sql) });
  const proven = await prove(servers, { ...request, from: null, deltas: deltas(SHOP) });
  assert.equal(proven, { verdict: "proven" });
  const loaded = await prove(servers, {
    ...request,
    from: schemaText(to.text, to.settings),
    deltas: deltas(""),
  });
  assert.equal(loaded, { verdict: "proven" });
});

proofs.run();

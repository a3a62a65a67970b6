/** Proofs as a function: the verdicts, and whose each difference is. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readLiveSchema, schemaText } from "#src/commands/live-schema.js";
import { type Proof, prove, ShadowServers } from "#src/commands/proof.js";
import type { ObjectChange } from "#src/commands/results.js";
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
  /** What the archived text becomes before it is used. */
  readonly archived?: (text: string) => string;
  readonly ignoreTables?: readonly string[];
}

/** Proves deltas, with the schema before them and the live one made on the test server. */
async function proofOf({
  before = SHOP,
  live,
  deltas,
  archived = (text) => text,
  ...more
}: Case): Promise<Proof> {
  const [old, now] = await Promise.all([freshDatabase(before), freshDatabase(before + live)]);
  const servers = new ShadowServers();
  const schema = { ...DATABASE.schema, ignoreTables: more.ignoreTables ?? [] };
  const database = { ...DATABASE, schema };
  try {
    const { text } = await readLiveSchema(old.connection, database);
    return await prove(servers, {
      from: schemaText(archived(text), schema),
      deltas: { file: "shopdb.deltas", content: Buffer.from(deltas) },
      to: await readLiveSchema(now.connection, database),
      database,
      near: now.connection,
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

const PROVEN = { verdict: "proven" };

proofs("deltas that lead to the live schema are proven, whatever transactions they need", async () => {
  const sql = `
    CREATE TYPE state AS ENUM ('new');
    ALTER TABLE orders ADD COLUMN note text, ADD COLUMN state state;
    CREATE INDEX CONCURRENTLY ON orders (note);
    ALTER TYPE state ADD VALUE 'paid';
    ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'paid';
    SET search_path = pg_catalog;
    CREATE INDEX CONCURRENTLY ON public.orders (customer);`;
  const live = sql
    .replaceAll("CONCURRENTLY", "")
    .replace("('new')", "('new', 'paid')")
    .replace("ALTER TYPE state ADD VALUE 'paid';", "");
  assert.equal(await proofOf({ live, deltas: sql }), PROVEN);
});

proofs("deltas find the materialized views filled, as a database has them", async () => {
  const before = `${SHOP}
    CREATE MATERIALIZED VIEW buyers AS SELECT customer FROM orders GROUP BY customer;
    CREATE UNIQUE INDEX ON buyers (customer);
    CREATE MATERIALIZED VIEW buyer_count AS SELECT count(*) FROM buyers;`;
  const sql = "ALTER TABLE orders ADD COLUMN note text;\n";
  const refreshing = `${sql}REFRESH MATERIALIZED VIEW CONCURRENTLY buyers;\nSELECT * FROM buyer_count;\n`;
  assert.equal(await proofOf({ before, live: sql, deltas: refreshing }), PROVEN);
});

proofs("a materialized view that no shadow can fill does not keep deltas from being proven", async () => {
  const before = `${SHOP} CREATE MATERIALIZED VIEW odds AS SELECT 1 / count(*) FROM orders WITH NO DATA;`;
  const sql = "ALTER TABLE orders ADD COLUMN note text;\n";
  assert.equal(await proofOf({ before, live: sql, deltas: sql }), PROVEN);
});

proofs("what a statement is refused for want of rows is told as such", async () => {
  const proof = await proofOf({
    live: "",
    deltas: "INSERT INTO orders (id, customer) VALUES (1, 1);\n",
  });
  assert.match((proof.verdict === "refuted" && proof.failure?.hint) || "", "A shadow has no rows but those");
});

proofs("a statement that the transaction before it forbids is told as a deploy would", async () => {
  const proof = await proofOf({
    live: "",
    deltas:
      "CREATE UNIQUE INDEX CONCURRENTLY orders_one ON orders (customer);\nCREATE INDEX orders_one ON orders (id);\n",
  });
  assert.is(proof.verdict === "refuted" && proof.failure?.where, "shopdb.deltas:2");
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

proofs("what another version of the server prints in another way is the same", async () => {
  const before = `${SHOP} ALTER TABLE orders ADD COLUMN placed timestamptz; CREATE INDEX by_year ON orders (extract(year FROM placed AT TIME ZONE 'UTC'));`;
  const sql = "ALTER TABLE orders ADD COLUMN note text;\n";
  // As servers before 14 print it, and as this one does not take it back: date_part stays date_part.
  const archived = (text: string) => {
    const old = text
      .replace(/^-- Dumped from database version \d+/, "-- Dumped from database version 13")
      .replace(/EXTRACT\(year FROM (\(placed AT TIME ZONE 'UTC'::text\))\)/, "date_part('year'::text, $1)");
    assert.match(old, "date_part");
    return old;
  };
  assert.equal(await proofOf({ before, live: sql, deltas: sql, archived }), PROVEN);
  const touched = await proofOf({ before, live: sql, deltas: `${sql}DROP INDEX by_year;\n`, archived });
  assert.equal(touched.verdict === "refuted" && linesOf(touched.surplus), [
    "changed table public.orders: index by_year dropped",
  ]);
});

proofs("what is ignored does not count, and what the shadow lacks of it cannot be proven", async () => {
  const ignoreTables = ["log_*"];
  const sql = "ALTER TABLE orders ADD COLUMN note text;\n";
  const live = `${sql} CREATE TABLE log_1 (id integer);`;
  assert.equal(
    await proofOf({ live, deltas: `${sql}CREATE TABLE log_2 (id integer);\n`, ignoreTables }),
    PROVEN,
  );
  const proof = await proofOf({ live, deltas: `${sql}DROP TABLE log_1;\n`, ignoreTables });
  assert.is(proof.verdict, "uncovered");
  if (proof.verdict !== "uncovered") return;
  assert.match(
    proof.reasons[0] ?? "",
    'shopdb.deltas:2 is about log_1, which the configuration ignores: table "log_1" does not exist',
  );
});

proofs("roles that the deltas make are made anew for each proof", async () => {
  const role = `made_${process.pid}`;
  await (await freshDatabase()).query(`CREATE ROLE ${role}`);
  const grant = `GRANT SELECT ON orders TO ${role};\n`;
  const servers = new ShadowServers();
  try {
    const [old, now] = await Promise.all([freshDatabase(SHOP), freshDatabase(SHOP + grant)]);
    const request = {
      from: await readLiveSchema(old.connection, DATABASE),
      to: await readLiveSchema(now.connection, DATABASE),
      database: DATABASE,
      near: now.connection,
      progress: () => undefined,
    };
    for (const content of [`CREATE ROLE ${role};\n${grant}`, `CREATE ROLE ${role};\n${grant}`])
      assert.equal(
        await prove(servers, { ...request, deltas: { file: "a", content: Buffer.from(content) } }),
        PROVEN,
      );
    const twice = Buffer.from(`CREATE ROLE ${role};\nCREATE ROLE ${role};\n${grant}`);
    const proof = await prove(servers, { ...request, deltas: { file: "a", content: twice } });
    assert.is(proof.verdict === "refuted" && proof.failure?.where, "a:2");
  } finally {
    await servers.close();
  }
});

proofs("from nothing", async () => {
  const servers = new ShadowServers();
  const db = await freshDatabase(SHOP);
  const to = await readLiveSchema(db.connection, DATABASE);
  const request = { to, database: DATABASE, near: db.connection, progress: () => undefined };
  const deltas = (sql: string) => ({ file: "first.deltas", content: Buffer.from(sql) });
  const proven = await prove(servers, { ...request, from: null, deltas: deltas(SHOP) });
  assert.equal(proven, PROVEN);
  const loaded = await prove(servers, {
    ...request,
    from: schemaText(to.text, to.settings),
    deltas: deltas(""),
  });
  assert.equal(loaded, PROVEN);
});

proofs.run();

/** A large schema is read over several connections. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Ahead } from "#src/ahead.js";
import { DatabaseError } from "#src/errors.js";
import { joinAnswers, rowsWith, textsIn } from "#src/postgres/answers.js";
import { Companion, type SharedState, shareState } from "#src/postgres/companions.js";
import { type ConnectionSettings, connect, withClient } from "#src/postgres/connection.js";
import { Conversation, question } from "#src/postgres/conversation.js";
import { type DumpOptions, dumpSchema } from "#src/postgres/dump.js";
import { askedOfTables, partsOf } from "#src/postgres/dump-questions.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";

const ROLE = `lonely_${process.pid}`;

/** Tables of all kinds, with whatever pg_dump asks of many tables at once. */
const TABLES = Array.from(
  { length: 12 },
  (_, n) => `
    CREATE TABLE "Tab ${n}" (id serial PRIMARY KEY, n int DEFAULT ${n} CHECK (n >= 0), "Größe" text UNIQUE);
    COMMENT ON COLUMN "Tab ${n}"."Größe" IS '寸法 ${n}';
    CREATE INDEX ON "Tab ${n}" ((n + 1)) WHERE n > ${n};
    CREATE TABLE child_${n} (LIKE "Tab ${n}" INCLUDING ALL, parent int REFERENCES "Tab ${n}") INHERITS ("Tab ${n}");
    CREATE TABLE parts_${n} (day date NOT NULL, n int) PARTITION BY RANGE (day);
    CREATE TABLE parts_${n}_old PARTITION OF parts_${n} FOR VALUES FROM (MINVALUE) TO ('2000-01-01');
    CREATE INDEX ON parts_${n} (n);
    CREATE VIEW view_${n} AS SELECT t.id, c.n FROM "Tab ${n}" t JOIN child_${n} c ON c.parent = t.id;
    CREATE MATERIALIZED VIEW kept_${n} AS SELECT * FROM view_${n};
    CREATE UNIQUE INDEX ON kept_${n} (id);
    CREATE TRIGGER same BEFORE UPDATE ON "Tab ${n}" FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
    GRANT SELECT (id) ON "Tab ${n}" TO PUBLIC;`,
).join("");

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;
/** Every schema counts as large. */
const LARGE = { ...OPTIONS, largeFrom: 0 };

/** A dump without the key that is another one each time, and what was told of it. */
async function read(connection: ConnectionSettings, options: DumpOptions) {
  const told: string[] = [];
  const text = await dumpSchema(connection, { ...options, tell: (what) => told.push(what) });
  return { text: text.replaceAll(/^\\(?:un)?restrict .*$/gm, ""), told };
}

const sessions =
  "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

const company = suite("a schema read over several connections");

company("is the one that a single connection reads", async () => {
  const db = await freshDatabase(TABLES);
  const alone = await read(db.connection, OPTIONS);
  assert.equal(alone.told, []);
  for (const connections of [2, 3, 4]) {
    const { text, told } = await read(db.connection, { ...LARGE, connections });
    assert.is(told.at(-1), `the schema is read over ${connections} connections`);
    assert.is(text, alone.text);
  }
});

company("leaves no session behind", async () => {
  const db = await freshDatabase(TABLES);
  await read(db.connection, { ...LARGE, connections: 3 });
  await withClient(db.connection, async (client) => {
    for (;;) if ((await client.query(sessions)).rows.length === 0) break;
  });
});

company("is read over one where the role may have no other", async () => {
  const db = await freshDatabase(`
    CREATE ROLE ${ROLE} LOGIN PASSWORD 'only-for-this-test' CONNECTION LIMIT 1;
    SET ROLE NONE; GRANT CREATE, USAGE ON SCHEMA public TO ${ROLE}; ${TABLES}
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${ROLE}`);
  const lonely = { ...db.connection, user: ROLE, password: "only-for-this-test" };
  const { text, told } = await read(lonely, { ...LARGE, connections: 2 });
  assert.is(told.length, 1);
  assert.match(told[0] ?? "", /^there is no further connection: .*too many connections for role/);
  assert.is(text, (await read(lonely, OPTIONS)).text);
});

company("is read over one where the server shares no snapshot", async () => {
  const role = `${ROLE}_unshared`;
  const db = await freshDatabase(`
    CREATE ROLE ${role} LOGIN PASSWORD 'only-for-this-test';
    REVOKE EXECUTE ON FUNCTION pg_catalog.pg_export_snapshot() FROM PUBLIC; ${TABLES}
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  const connection = { ...db.connection, user: role, password: "only-for-this-test" };
  const { text, told } = await read(connection, { ...LARGE, connections: 2 });
  assert.equal(told, ["the server shares no snapshot, so the schema is read over one connection"]);
  assert.is(text, (await read(connection, OPTIONS)).text);
});

/** Does something while pg_dump, which sees the database as it is now, waits for a table; then lets it go on. */
async function meanwhile(
  connection: ConnectionSettings,
  act: (other: Awaited<ReturnType<typeof connect>>) => Promise<void>,
) {
  return withClient(connection, async (holder) => {
    await holder.query("BEGIN; LOCK TABLE waited_for IN ACCESS EXCLUSIVE MODE");
    let reads: (() => void) | undefined;
    const isRead = new Promise<void>((resolve) => (reads = resolve));
    // It may fail before anybody waits for it.
    const dump = new Ahead(() =>
      dumpSchema(connection, { ...LARGE, tell: (what) => what.endsWith("3 connections") && reads?.() }),
    );
    dump.begin();
    await isRead;
    for (;;) {
      const { rows } = await holder.query(
        "SELECT FROM pg_locks WHERE NOT granted AND relation = 'waited_for'::regclass",
      );
      if (rows.length > 0) break;
    }
    const other = await connect(connection);
    try {
      await act(other);
      await holder.query("COMMIT");
      return await dump.outcome();
    } finally {
      await other.end();
    }
  });
}

company("holds nothing that came while it was read", async () => {
  const db = await freshDatabase(
    `${TABLES} CREATE TABLE waited_for (id int); CREATE TABLE later (id int); CREATE TABLE latest (id int)`,
  );
  const dump = await meanwhile(db.connection, async (other) => {
    await other.query(`
      ALTER TABLE later ADD COLUMN new int DEFAULT 1 CHECK (new > 0), ADD PRIMARY KEY (id);
      CREATE INDEX new_index ON latest (id); CREATE TABLE new_table (id int PRIMARY KEY);
      COMMENT ON TABLE later IS 'new comment'; CREATE VIEW new_view AS SELECT 1 AS id`);
  });
  assert.match(dump, "CREATE TABLE public.latest");
  assert.not.match(dump, /new|later_pkey/);
});

company("is not kept waiting by whoever waits to change a table", async () => {
  const db = await freshDatabase(`${TABLES} CREATE TABLE waited_for (id int)`);
  let changed: Promise<unknown> | undefined;
  const dump = await meanwhile(db.connection, async (other) => {
    changed = withClient(db.connection, (client) =>
      client.query('ALTER TABLE "Tab 11" DROP COLUMN n CASCADE'),
    );
    for (;;) {
      const { rows } = await other.query(
        `SELECT FROM pg_locks WHERE NOT granted AND relation = '"Tab 11"'::regclass`,
      );
      if (rows.length > 0) break;
    }
  });
  await changed;
  assert.match(dump, "WHERE (n > 11)");
});

company("ends with pg_dump's error, and all of its sessions with it", async () => {
  const db = await freshDatabase(`${TABLES} CREATE TABLE waited_for (id int)`);
  const error = await thrownBy(
    DatabaseError,
    meanwhile(db.connection, async (other) => {
      await other.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'waited_for'::regclass`,
      );
    }),
  );
  assert.match(error.message, /terminating connection|connection.*lost/);
  await withClient(db.connection, async (client) => {
    for (;;) if ((await client.query(sessions)).rows.length === 0) break;
  });
});

const companion = suite("a connection beside pg_dump's");

const BEGINNING = [
  "SET extra_float_digits TO 3",
  "BEGIN",
  "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
].map(question);

/** Hands over a connection that shares what it sees, and another one. */
async function besides(
  { connection }: Pick<TestDatabase, "connection">,
  work: (other: Conversation, state: SharedState) => Promise<void>,
): Promise<void> {
  const [main, other] = [
    new Conversation(await connect(connection)),
    new Conversation(await connect(connection)),
  ];
  try {
    for (const request of BEGINNING) await main.ask(request);
    const state = await shareState(main);
    assert.ok(state);
    await work(other, state);
  } finally {
    await Promise.all([main.end(), other.end()]);
  }
}

companion("sees what pg_dump's own sees, and not what came since", async () => {
  const db = await freshDatabase();
  await besides(db, async (other, state) => {
    await db.query("CREATE TABLE later (id int)");
    const joined = await Companion.of(other, BEGINNING, state);
    const seen = await joined?.ask("SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'later'");
    assert.equal(seen ? textsIn(seen) : [], ["0"]);
  });
});

companion("is none where its settings are not the same", async () => {
  await besides(await freshDatabase(), async (other, state) => {
    assert.is(await Companion.of(other, BEGINNING.slice(1), state), null);
  });
});

const parts = suite("a question in parts");

parts("has the rows of the whole", async () => {
  const db = await freshDatabase(TABLES);
  const conversation = new Conversation(await connect(db.connection));
  try {
    const listed = await conversation.ask(
      question("SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relkind = 'r' AND oid > 16383"),
    );
    const [oids = ""] = listed === null ? [] : textsIn(listed);
    const whole = `SELECT c.conrelid, conname, pg_get_constraintdef(c.oid)\nFROM unnest('${oids}'::pg_catalog.oid[]) AS src(tbloid)\nJOIN pg_catalog.pg_constraint c ON (src.tbloid = c.conrelid)\nWHERE contype = 'c' ORDER BY conrelid, conname`;
    const asked = askedOfTables(whole);
    assert.ok(asked);
    for (const count of [2, 3, 7]) {
      const ofSome = partsOf(asked, asked.tables, count);
      assert.is(ofSome.length, count);
      const given = await Promise.all([whole, ...ofSome].map((sql) => conversation.ask(question(sql))));
      const [expected, ...others] = given.filter((answer) => answer !== null);
      assert.equal(joinAnswers(others), expected);
    }
    const some = asked.tables.filter((_, place) => place % 3 > 0);
    const [ofSome = ""] = partsOf(asked, some, 1);
    const [ofAll, expected] = await Promise.all(
      [whole, ofSome].map((sql) => conversation.ask(question(sql))),
    );
    assert.ok(ofAll && expected && textsIn(expected).length < textsIn(ofAll).length);
    assert.equal(rowsWith(ofAll, asked.column, new Set(some)), expected);
    assert.is(rowsWith(ofAll, "confrelid", new Set(some)), null);
  } finally {
    await conversation.end();
  }
});

parts("are of no question whose parts might give something else", () => {
  const of = (list: string, join: string, rest: string) =>
    `SELECT c.oid FROM unnest('{${list}}'::pg_catalog.oid[]) AS src(tbloid)\nJOIN pg_constraint c ON (src.tbloid = c.${join})\n${rest}`;
  const whole = [
    of("1,2,3", "conrelid", ""),
    of("1,2,3", "conrelid", "ORDER BY conname"),
    of("1,2,3", "conrelid", "ORDER BY c.conrelid DESC"),
    of("1,2,3", "conrelid", "ORDER BY c.conrelid LIMIT 2"),
    of("1,2,3", "conrelid", "GROUP BY c.oid ORDER BY c.oid"),
    of("1,3,2", "conrelid", "ORDER BY c.conrelid"),
    of("1,1,2", "conrelid", "ORDER BY c.conrelid"),
  ];
  for (const sql of whole) assert.is(askedOfTables(sql), null);
  const asked = askedOfTables(of("1,2,3", "conrelid", "ORDER BY c.conrelid, c.conname"));
  assert.equal(asked?.tables, ["1", "2", "3"]);
  assert.is(asked?.column, "conrelid");
});

company.run();
companion.run();
parts.run();

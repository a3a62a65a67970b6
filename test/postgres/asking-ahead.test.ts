/** What pg_dump will ask of each view and function is asked before it does. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { textsIn } from "#src/postgres/answers.js";
import { AskingAhead } from "#src/postgres/asking-ahead.js";
import { type Client, withClient } from "#src/postgres/connection.js";
import { Conversation, question } from "#src/postgres/conversation.js";
import { dumpSchema } from "#src/postgres/dump.js";
import { QUESTIONS_OF_OBJECTS } from "#src/postgres/dump-questions.js";
import { freshDatabase } from "../support/server.js";

const OBJECTS = `
  CREATE VIEW seen AS SELECT 1 AS early;
  CREATE MATERIALIZED VIEW kept AS SELECT 2 AS early;
  CREATE FUNCTION early() RETURNS int LANGUAGE sql RETURN 1;
  CREATE TYPE span AS RANGE (subtype = numeric);
  CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int)`;

const DUMP = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const OF_ALL = "SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend LIMIT 0";
const SCHEMAS =
  "SELECT n.tableoid, n.oid, n.nspname, n.nspowner, n.nspacl, acldefault('n', n.nspowner) AS acldefault FROM pg_namespace n";
const PREPARE = "PREPARE dumpFunc(pg_catalog.oid) AS SELECT proname FROM pg_catalog.pg_proc WHERE oid = $1";

const oidOf = async (client: Client, what: string) =>
  (await client.query<{ oid: number }>(`SELECT ${what}::oid AS oid`)).rows[0]?.oid;

const ahead = suite("asking ahead");

ahead("asks of views and functions, and of nothing that came with a type or is an aggregate", async () => {
  const db = await freshDatabase(OBJECTS);
  const listed = await withClient(db.connection, async (client) => {
    const expected = [
      `SELECT pg_catalog.pg_get_viewdef('${await oidOf(client, "'seen'::regclass")}'::pg_catalog.oid) AS viewdef`,
      `SELECT pg_catalog.pg_get_viewdef('${await oidOf(client, "'kept'::regclass")}'::pg_catalog.oid) AS viewdef`,
      `EXECUTE dumpFunc('${await oidOf(client, "'early()'::regprocedure")}')`,
    ];
    const { rows } = await client.query<{ format: string }>(QUESTIONS_OF_OBJECTS);
    return { expected, asked: rows.map(({ format }) => format) };
  });
  assert.equal(listed.asked.sort(), listed.expected.sort());
});

ahead("asks what pg_dump asks every server, in its words", async () => {
  for (const sql of ["", OBJECTS]) {
    const db = await freshDatabase(sql);
    const told: string[] = [];
    await dumpSchema(db.connection, { ...DUMP, tell: (what) => told.push(what) });
    assert.equal(told, []);
  }
});

ahead("asks the rest of what is asked in a row with the first of it", async () => {
  const db = await freshDatabase("");
  await withClient(db.connection, async (client) => {
    const conversation = new Conversation(client);
    const asking = new AskingAhead(conversation, () => undefined);
    const schemas = async () => {
      const answer = await asking.ask(question(SCHEMAS));
      return answer === null ? [] : textsIn(answer, 2);
    };
    await asking.ask(question("SELECT oid, rolname FROM pg_catalog.pg_roles LIMIT 0"));
    // The answer to this comes after those that were asked ahead.
    await asking.ask(question("SELECT 'asked'"));
    await db.query("CREATE SCHEMA late");
    assert.not((await schemas()).includes("late"));
    assert.ok((await schemas()).includes("late"));
    await asking.finish();
    conversation.release();
  });
});

ahead("has the answers before the questions, and leaves the connection in order", async () => {
  const db = await freshDatabase(OBJECTS);
  await withClient(db.connection, async (client) => {
    const view = await oidOf(client, "'seen'::regclass");
    const routine = await oidOf(client, "'early()'::regprocedure");
    const conversation = new Conversation(client);
    const asking = new AskingAhead(conversation, () => undefined);
    await asking.ask(question(OF_ALL));
    // The answer to this comes after the list of questions, the other after those that were asked ahead.
    await asking.ask(question("SELECT 'listed'"));
    await asking.ask(question(PREPARE));
    await asking.ask(question("SELECT 'asked'"));
    await db.query("DROP VIEW seen; ALTER FUNCTION early RENAME TO late");
    const told = async (sql: string) => {
      const answer = await asking.ask(question(sql));
      return answer && textsIn(answer);
    };
    const viewdef = `SELECT pg_catalog.pg_get_viewdef('${view}'::pg_catalog.oid) AS viewdef`;
    assert.equal(await told(viewdef), [" SELECT 1 AS early;"]);
    assert.equal(await told(`EXECUTE dumpFunc('${routine}')`), ["early"]);
    // What was asked once is asked of the server from then on.
    assert.equal(await told(`EXECUTE dumpFunc('${routine}')`), ["late"]);
    // Nobody has asked of the materialized view.
    await asking.finish();
    conversation.release();
    assert.equal((await client.query("SELECT 3 AS three")).rows, [{ three: 3 }]);
  });
});

ahead("ends where the connection is lost", async () => {
  const db = await freshDatabase(OBJECTS);
  await withClient(db.connection, async (client) => {
    const conversation = new Conversation(client);
    const asking = new AskingAhead(conversation, () => undefined);
    const answers = Promise.all([asking.ask(question(OF_ALL)), asking.ask(question("SELECT pg_sleep(60)"))]);
    await db.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    assert.is((await answers)[1], null);
    await asking.finish();
  });
});

ahead.run();

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DatabaseError } from "#src/errors.js";
import { dumpSchema } from "#src/postgres/dump.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, testServer } from "../support/server.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const dump = suite("dumpSchema");

dump("reads tables, views and comments in any language", async () => {
  const db = await freshDatabase(`
    CREATE TABLE "Größe" (id bigserial PRIMARY KEY, note text DEFAULT 'naïve — ✓');
    CREATE VIEW sizes AS SELECT id FROM "Größe";
    COMMENT ON VIEW sizes IS '寸法'`);
  const text = await dumpSchema(db.connection, OPTIONS);
  assert.match(text, 'CREATE TABLE public."Größe"');
  assert.match(text, "'naïve — ✓'");
  assert.match(text, "COMMENT ON VIEW public.sizes IS '寸法'");
});

dump("reads an answer that comes in many pieces", async () => {
  const body = "x".repeat(3_000_000);
  const db = await freshDatabase(
    `CREATE FUNCTION long() RETURNS text LANGUAGE sql AS $$ SELECT '${body}' $$`,
  );
  assert.ok((await dumpSchema(db.connection, OPTIONS)).includes(body));
});

dump("is all that pg_dump writes, however much", async () => {
  const body = "寸法 is\n\\restrict more than a piece\n".repeat(30_000);
  const db = await freshDatabase(
    `CREATE FUNCTION long() RETURNS text LANGUAGE sql AS $$ SELECT '${body}' $$`,
  );
  const text = await dumpSchema(db.connection, OPTIONS);
  assert.ok(text.includes(body));
  assert.match(text, /^--\n-- PostgreSQL database dump\n--\n/);
  assert.match(text, /\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict \w+\n\n$/);
});

dump("writes owners only where asked", async () => {
  const db = await freshDatabase("CREATE TABLE t (id int)");
  assert.not.match(await dumpSchema(db.connection, OPTIONS), "OWNER TO");
  assert.match(await dumpSchema(db.connection, { ...OPTIONS, owners: true }), "OWNER TO");
});

dump("reads strings alike where a backslash means something to the database's sessions", async () => {
  const sql = "CREATE TABLE t (a text DEFAULT E'x\\\\y'); COMMENT ON TABLE t IS E'c\\\\d'";
  const [usual, odd] = [await freshDatabase(sql), await freshDatabase(sql)];
  await odd.query(`ALTER DATABASE "${odd.name}" SET standard_conforming_strings = off`);
  assert.is(await dumpSchema(odd.connection, OPTIONS), await dumpSchema(usual.connection, OPTIONS));
  assert.match(await dumpSchema(odd.connection, OPTIONS), "DEFAULT 'x\\y'::text");
});

dump("says which table a role may not read", async () => {
  const db = await freshDatabase(`
    CREATE TABLE secret (id int);
    CREATE ROLE "reader_${process.pid}" LOGIN PASSWORD 'only-for-this-test'`);
  const connection = { ...db.connection, user: `reader_${process.pid}`, password: "only-for-this-test" };
  const error = await thrownBy(DatabaseError, dumpSchema(connection, OPTIONS));
  assert.is(error.code, "PG_DUMP_FAILED");
  assert.match(error.message, /permission denied for table secret/);
});

dump("fails with a reason when the server ends the session in the middle", async () => {
  const db = await freshDatabase("CREATE TABLE t (id int)");
  const { withClient } = await import("#src/postgres/connection.js");
  await withClient(db.connection, async (holder) => {
    // pg_dump waits for this lock, so it is certain to be in the middle when its session is ended.
    await holder.query("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    const running = thrownBy(DatabaseError, dumpSchema(db.connection, OPTIONS));
    for (;;) {
      const { rows } = await holder.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      );
      if (rows.length > 0) break;
    }
    const error = await running;
    assert.match(error.message, /terminating connection|connection.*lost/);
    await holder.query("ROLLBACK");
  });
});

dump("tells a wrong password, a missing database and a silent port apart", async () => {
  const server = await testServer();
  const codeOf = async (change: object) => {
    const error = await thrownBy(DatabaseError, dumpSchema({ ...server, ...change }, OPTIONS));
    assert.not.match(`${error.message}${error.hint}${error.where}`, "not-the-password");
    return error.code;
  };
  assert.is(await codeOf({ password: "not-the-password" }), "LOGIN_REFUSED");
  assert.is(await codeOf({ database: "nowhere" }), "NO_SUCH_DATABASE");
  assert.is(await codeOf({ port: 1 }), "UNREACHABLE");
});

dump("names a system pg_dump that is not there", async () => {
  const db = await freshDatabase();
  const error = await thrownBy(Error, dumpSchema(db.connection, { ...OPTIONS, program: "/nowhere/pg_dump" }));
  assert.match(error.message, /no pg_dump to run at "\/nowhere\/pg_dump"/);
});

dump.run();

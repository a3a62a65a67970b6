import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { isAsMade } from "#src/postgres/empty.js";
import { freshDatabase } from "../support/server.js";

const asMade = suite("a database as a server makes it");

asMade("is known by its catalogs, and so is anything made, granted or said in it", async () => {
  const { connection } = await freshDatabase();
  const kinds = [
    "CREATE TABLE t ()",
    "CREATE TEMPORARY TABLE t ()",
    "CREATE TYPE word AS ENUM ('a')",
    "CREATE DOMAIN whole AS integer",
    "CREATE FUNCTION one() RETURNS integer LANGUAGE sql RETURN 1",
    "CREATE SCHEMA other",
    "CREATE AGGREGATE total (integer) (SFUNC = int4pl, STYPE = integer)",
    "CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)",
    'CREATE COLLATION german FROM "C"',
    "CREATE CAST (integer AS point) WITH INOUT",
    "CREATE TEXT SEARCH CONFIGURATION english2 (COPY = english)",
    "CREATE PUBLICATION all_tables FOR ALL TABLES",
    "CREATE FOREIGN DATA WRAPPER wrapper",
    "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler",
    "SELECT lo_create(0)",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "COMMENT ON SCHEMA public IS 'ours'",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM PUBLIC",
    "GRANT SELECT (rolpassword) ON pg_authid TO pg_monitor",
    "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
  ];
  await withClient(connection, async (client) => {
    assert.is(await isAsMade(client), true);
    for (const sql of kinds) {
      await client.query("BEGIN");
      await client.query(sql);
      assert.is(await isAsMade(client), false, sql);
      await client.query("ROLLBACK");
    }
    assert.is(await isAsMade(client), true);
  });
});

asMade.run();

/** Which statements reach beyond their database, so that they are tried only on a server that is thrown away. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { statementFacts } from "#src/deltas/facts.js";
import { isSchemaChange } from "#src/deltas/schema-change.js";
import { loadParser } from "#src/schema/parser.js";

const wide = suite("statements that reach beyond their database");

for (const text of [
  "CREATE ROLE a",
  "CREATE USER a",
  "ALTER ROLE a SET work_mem = '1MB'",
  "GRANT a TO b",
  "GRANT CONNECT ON DATABASE d TO a",
  "GRANT CREATE ON TABLESPACE s TO a",
  "GRANT SET ON PARAMETER work_mem TO a",
  "COMMENT ON DATABASE d IS 'x'",
  "COMMENT ON ROLE a IS 'x'",
  "ALTER DATABASE d OWNER TO a",
  "ALTER DATABASE d RENAME TO e",
  "ALTER ROLE a RENAME TO b",
  "ALTER DATABASE d SET work_mem = '1MB'",
  "ALTER SYSTEM SET work_mem = '1MB'",
  "CREATE DATABASE d",
  "CREATE TABLESPACE s LOCATION '/x'",
  "DROP OWNED BY a",
  "DO $$ BEGIN CREATE ROLE a; END $$",
  "DO $$ BEGIN\n  IF true THEN\n    EXECUTE format('grant %I to b', 'a');\n  END IF;\nEND $$",
  "DO $$ BEGIN EXECUTE 'GRANT CONNECT ON DATABASE ' || current_database() || ' TO a'; END $$",
])
  wide(text, async () => assert.ok(statementFacts({ text }, await loadParser()).serverWide));

wide.run();

const within = suite("statements that stay within it");

for (const text of [
  "GRANT SELECT ON t TO a",
  "COMMENT ON TABLE t IS 'CREATE ROLE a'",
  "ALTER TABLE t OWNER TO a",
  "ALTER TABLE t RENAME TO u",
  "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE ROLE a; END $$",
  "DO $$ BEGIN ALTER TABLE t ADD COLUMN role text; END $$",
  "DO $$ BEGIN GRANT SELECT ON t TO a; END $$",
  "DO $$ BEGIN UPDATE t SET a = b FROM u; END $$",
])
  within(text, async () => assert.not.ok(statementFacts({ text }, await loadParser()).serverWide));

within.run();

const changes = suite("statements that change the schema");

changes("are told from those about rows, sessions and the server", () => {
  for (const type of ["CreateStmt", "AlterTableStmt", "GrantStmt", "CommentStmt"])
    assert.ok(isSchemaChange({ type }));
  for (const type of ["UpdateStmt", "VariableSetStmt", "CreateRoleStmt"])
    assert.not.ok(isSchemaChange({ type }));
});

changes.run();

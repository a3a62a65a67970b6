/** Pairs about everything that is not a table. */
import type { Pair } from "./pair.js";

const BASE = "CREATE TABLE t (a integer PRIMARY KEY, b text, c numeric);";
const onT = (name: string, change: string, more: Partial<Pair> = {}): Pair => ({
  name,
  old: BASE,
  change,
  ...more,
});
const both = (name: string, old: string, change: string, more: Partial<Pair> = {}): Pair => ({
  name,
  old: `${BASE} ${old}`,
  change,
  ...more,
});

export const OTHER_PAIRS: readonly Pair[] = [
  // Views
  onT(
    "a view with what can be said of it",
    "CREATE VIEW v WITH (security_barrier) AS SELECT a, b FROM t WHERE a > 1 WITH LOCAL CHECK OPTION; COMMENT ON VIEW v IS 'v'; COMMENT ON COLUMN v.a IS 'a'; GRANT SELECT ON v TO pair_reader; ALTER VIEW v ALTER a SET DEFAULT 3",
  ),
  both(
    "a view gets a column",
    "CREATE VIEW v AS SELECT a FROM t",
    "CREATE OR REPLACE VIEW v AS SELECT a, b FROM t",
  ),
  both(
    "a view's column gets another type, with a view on it",
    "CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT b FROM v; GRANT SELECT ON w TO pair_reader",
    "DROP VIEW w, v; CREATE VIEW v AS SELECT a, c AS b FROM t; CREATE VIEW w AS SELECT b FROM v; GRANT SELECT ON w TO pair_reader",
  ),
  both(
    "a table's column changes its type under views",
    "CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT b FROM v",
    "DROP VIEW w, v; ALTER TABLE t ALTER b TYPE varchar(9); CREATE VIEW v AS SELECT a, b FROM t; CREATE VIEW w AS SELECT b FROM v",
  ),
  both(
    "a view's options",
    "CREATE VIEW v AS SELECT a FROM t",
    "ALTER VIEW v SET (security_invoker = true, check_option = cascaded)",
  ),
  onT(
    "a recursive view",
    "CREATE RECURSIVE VIEW r (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5",
  ),
  onT(
    "a materialized view",
    "CREATE MATERIALIZED VIEW m WITH (fillfactor = 80) AS SELECT a, count(*) AS n FROM t GROUP BY a; CREATE UNIQUE INDEX m_a ON m (a); COMMENT ON MATERIALIZED VIEW m IS 'm'; GRANT SELECT ON m TO pair_reader",
  ),
  both(
    "a materialized view's query",
    "CREATE MATERIALIZED VIEW m AS SELECT a FROM t; CREATE INDEX m_a ON m (a); CREATE VIEW on_m AS SELECT a FROM m",
    "DROP MATERIALIZED VIEW m CASCADE; CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t; CREATE INDEX m_a ON m (a); CREATE VIEW on_m AS SELECT a FROM m",
  ),
  both(
    "a trigger on a view",
    "CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "CREATE TRIGGER i INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()",
  ),
  // Functions
  onT(
    "functions and a procedure",
    "CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT a'; CREATE FUNCTION f(a text) RETURNS SETOF t LANGUAGE sql STABLE ROWS 5 AS 'SELECT * FROM t'; CREATE PROCEDURE p(INOUT x integer) LANGUAGE plpgsql AS $$ BEGIN x := 1; END $$; REVOKE ALL ON FUNCTION f(integer, text) FROM PUBLIC; GRANT EXECUTE ON PROCEDURE p TO pair_reader",
  ),
  both(
    "a function's body",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f() IS 'f'",
    "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'",
  ),
  both(
    "a function's result, which a view and a check use",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'; CREATE VIEW v AS SELECT f() AS x; ALTER TABLE t ADD CONSTRAINT k CHECK (a > f())",
    "DROP VIEW v; ALTER TABLE t DROP CONSTRAINT k; DROP FUNCTION f(); CREATE FUNCTION f() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint'; CREATE VIEW v AS SELECT f() AS x; ALTER TABLE t ADD CONSTRAINT k CHECK (a > f())",
  ),
  both(
    "a function's settings",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "ALTER FUNCTION f() SECURITY DEFINER SET search_path TO 'pg_catalog' STABLE COST 50",
  ),
  both(
    "a function becomes a procedure",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$",
    "DROP FUNCTION f(); CREATE PROCEDURE f() LANGUAGE plpgsql AS $$ BEGIN END $$",
  ),
  onT(
    "a function with a body of SQL",
    "CREATE FUNCTION f(x integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT a + x FROM t; END",
  ),
  both(
    "a function's parameter gets a name and a default",
    "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
    "DROP FUNCTION f(integer); CREATE FUNCTION f(x integer DEFAULT 3) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
  ),
  onT(
    "functions that call each other",
    "CREATE FUNCTION one() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN two(); END $$; CREATE FUNCTION two() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
  ),
  onT(
    "an aggregate",
    "CREATE FUNCTION step(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2'; CREATE AGGREGATE total(integer) (SFUNC = step, STYPE = integer, INITCOND = '0'); COMMENT ON AGGREGATE total(integer) IS 'sum'",
  ),
  both(
    "an aggregate's beginning",
    "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')",
    "CREATE OR REPLACE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '5')",
  ),
  onT(
    "an event trigger",
    "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER pair_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION on_ddl(); ALTER EVENT TRIGGER pair_ddl DISABLE; COMMENT ON EVENT TRIGGER pair_ddl IS 'e'",
  ),
  // Types
  onT(
    "types of each kind",
    "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TYPE c AS (x integer, y text); CREATE TYPE r AS RANGE (subtype = date); CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CHECK (VALUE <> ''); COMMENT ON TYPE e IS 'e'; COMMENT ON COLUMN c.x IS 'x'; GRANT USAGE ON TYPE e TO pair_reader",
  ),
  both(
    "values of an enum",
    "CREATE TYPE e AS ENUM ('a', 'b', 'c')",
    "ALTER TYPE e ADD VALUE 'z' BEFORE 'a'; ALTER TYPE e ADD VALUE 'm' AFTER 'b'",
  ),
  both(
    "values of an enum in another order",
    "CREATE TYPE e AS ENUM ('a', 'b', 'c')",
    "DROP TYPE e; CREATE TYPE e AS ENUM ('c', 'b', 'a')",
  ),
  both(
    "a value of an enum goes that a view and a default use",
    "CREATE TYPE e AS ENUM ('a', 'b', 'c'); ALTER TABLE t ADD k e DEFAULT 'a'; CREATE VIEW v AS SELECT a FROM t WHERE k = 'a'",
    "DROP VIEW v; ALTER TABLE t DROP k; DROP TYPE e; CREATE TYPE e AS ENUM ('a', 'b'); ALTER TABLE t ADD k e DEFAULT 'a'; CREATE VIEW v AS SELECT a FROM t WHERE k = 'a'",
  ),
  both(
    "attributes of a composite type",
    "CREATE TYPE c AS (x integer, y text, z date)",
    "ALTER TYPE c DROP ATTRIBUTE y, ADD ATTRIBUTE w text, ALTER ATTRIBUTE x TYPE bigint",
    { openBack: null },
  ),
  both(
    "a domain in all it has",
    "CREATE DOMAIN d AS text CONSTRAINT k CHECK (VALUE <> 'a')",
    "ALTER DOMAIN d SET DEFAULT 'q'; ALTER DOMAIN d SET NOT NULL; ALTER DOMAIN d DROP CONSTRAINT k; ALTER DOMAIN d ADD CONSTRAINT m CHECK (length(VALUE) < 9); COMMENT ON DOMAIN d IS 'd'; COMMENT ON CONSTRAINT m ON DOMAIN d IS 'm'",
  ),
  both(
    "a domain on another type, in no use",
    "CREATE DOMAIN d AS text",
    "DROP DOMAIN d; CREATE DOMAIN d AS integer CHECK (VALUE > 0)",
  ),
  both(
    "a range of another type",
    "CREATE TYPE r AS RANGE (subtype = date)",
    "DROP TYPE r; CREATE TYPE r AS RANGE (subtype = timestamp, multirange_type_name = many)",
  ),
  onT("a type without a definition", "CREATE TYPE later"),
  onT(
    "a base type",
    "CREATE TYPE tiny; CREATE FUNCTION tiny_in(cstring) RETURNS tiny LANGUAGE internal IMMUTABLE STRICT AS 'int4in'; CREATE FUNCTION tiny_out(tiny) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out'; CREATE TYPE tiny (INPUT = tiny_in, OUTPUT = tiny_out, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4)",
  ),
  // Operators and their kin
  onT(
    "an operator",
    "CREATE FUNCTION less(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2'; CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = less, COMMUTATOR = >>>, RESTRICT = scalarltsel); COMMENT ON OPERATOR <<< (text, text) IS 'less'",
  ),
  both(
    "an operator's estimator, with a view on it",
    "CREATE FUNCTION less(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2'; CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = less); SELECT set_config('search_path', current_schema() || ', public', false); CREATE VIEW v AS SELECT a FROM t WHERE b <<< 'x'",
    "DROP VIEW v; DROP OPERATOR <<< (text, text); CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = less, RESTRICT = scalarltsel, JOIN = scalarltjoinsel); CREATE VIEW v AS SELECT a FROM t WHERE b <<< 'x'",
  ),
  onT(
    "an operator class in a family of its own",
    "CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'; CREATE OPERATOR FAMILY fam USING btree; CREATE OPERATOR CLASS cls FOR TYPE integer USING btree FAMILY fam AS OPERATOR 1 <, OPERATOR 3 =, OPERATOR 5 >, FUNCTION 1 cmp(integer, integer)",
  ),
  both(
    "an operator class that an index uses",
    "CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'; CREATE OPERATOR CLASS cls FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 cmp(integer, integer); CREATE INDEX i ON t (a cls)",
    "DROP INDEX i; DROP OPERATOR FAMILY cls USING btree; CREATE OPERATOR CLASS cls FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, FUNCTION 1 cmp(integer, integer); CREATE INDEX i ON t (a cls)",
  ),
  both(
    "members of an operator family",
    "CREATE OPERATOR FAMILY fam USING btree",
    "ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 1 < (integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint)",
  ),
  onT(
    "casts",
    "CREATE TYPE c AS (x integer); CREATE FUNCTION to_c(integer) RETURNS c LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::c'; CREATE CAST (integer AS c) WITH FUNCTION to_c(integer) AS ASSIGNMENT; CREATE TYPE e AS ENUM ('1'); CREATE CAST (e AS integer) WITH INOUT; COMMENT ON CAST (integer AS c) IS 'c'",
    { saysNot: [/WRITE HERE/] },
  ),
  both(
    "a cast becomes implicit",
    "CREATE TYPE e AS ENUM ('1'); CREATE CAST (e AS integer) WITH INOUT",
    "DROP CAST (e AS integer); CREATE CAST (e AS integer) WITH INOUT AS IMPLICIT",
  ),
  onT(
    "a collation",
    "CREATE COLLATION plain FROM \"C\"; ALTER TABLE t ALTER b TYPE text COLLATE plain; COMMENT ON COLLATION plain IS 'c'",
  ),
  both(
    "a collation that a column uses",
    'CREATE COLLATION plain FROM "C"; ALTER TABLE t ALTER b TYPE text COLLATE plain',
    "ALTER TABLE t ALTER b TYPE text; DROP COLLATION plain; CREATE COLLATION plain (provider = icu, locale = 'de'); ALTER TABLE t ALTER b TYPE text COLLATE plain",
  ),
  onT(
    "a conversion",
    "CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; COMMENT ON CONVERSION latin IS 'c'",
  ),
  onT(
    "an access method and a table of it",
    "CREATE ACCESS METHOD pair_heap TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE u (a integer) USING pair_heap",
  ),
  onT(
    "a language and a transform",
    "CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'; CREATE TRUSTED LANGUAGE pair_language HANDLER handler; COMMENT ON LANGUAGE pair_language IS 'l'; GRANT USAGE ON LANGUAGE pair_language TO pair_reader; CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
  ),
  // Text search
  onT(
    "text search of each kind",
    "CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, stopwords = english); CREATE TEXT SEARCH CONFIGURATION conf (PARSER = pg_catalog.\"default\"); ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR asciiword, word WITH words, simple; COMMENT ON TEXT SEARCH CONFIGURATION conf IS 'c'; CREATE TEXT SEARCH PARSER pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype); CREATE TEXT SEARCH TEMPLATE templ (INIT = dsimple_init, LEXIZE = dsimple_lexize)",
  ),
  both(
    "mappings of a configuration",
    'CREATE TEXT SEARCH CONFIGURATION conf (PARSER = pg_catalog."default"); ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR asciiword WITH simple; ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR email WITH simple',
    "ALTER TEXT SEARCH CONFIGURATION conf DROP MAPPING FOR email; ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH english_stem; ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR url WITH simple",
  ),
  both(
    "a dictionary's options, in use by a configuration and an index",
    "CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION conf (PARSER = pg_catalog.\"default\"); ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR word WITH words; DO $$ BEGIN EXECUTE format('CREATE INDEX found ON t USING gin (to_tsvector(%L::regconfig, b))', current_schema() || '.conf'); END $$",
    "ALTER TEXT SEARCH DICTIONARY words (stopwords = english)",
  ),
  // Foreign data
  onT(
    "foreign data",
    "CREATE FOREIGN DATA WRAPPER pair_fdw OPTIONS (debug 'true'); CREATE SERVER pair_server TYPE 'x' VERSION '2' FOREIGN DATA WRAPPER pair_fdw OPTIONS (host 'h'); CREATE USER MAPPING FOR PUBLIC SERVER pair_server OPTIONS (user 'u', password 'p'); CREATE FOREIGN TABLE f (line text OPTIONS (name 'l') NOT NULL, n integer DEFAULT 1, CONSTRAINT k CHECK (n > 0)) SERVER pair_server OPTIONS (filename 'x'); GRANT USAGE ON FOREIGN SERVER pair_server TO pair_reader; COMMENT ON FOREIGN TABLE f IS 'f'",
  ),
  both(
    "options of foreign data",
    "CREATE FOREIGN DATA WRAPPER pair_fdw OPTIONS (debug 'true'); CREATE SERVER pair_server FOREIGN DATA WRAPPER pair_fdw OPTIONS (host 'h'); CREATE USER MAPPING FOR PUBLIC SERVER pair_server OPTIONS (password 'p'); CREATE FOREIGN TABLE f (line text) SERVER pair_server OPTIONS (filename 'x')",
    "ALTER FOREIGN DATA WRAPPER pair_fdw OPTIONS (SET debug 'false'); ALTER SERVER pair_server VERSION '3' OPTIONS (SET host 'other', ADD port '5'); ALTER USER MAPPING FOR PUBLIC SERVER pair_server OPTIONS (SET password 'q'); ALTER FOREIGN TABLE f OPTIONS (SET filename 'y'); ALTER FOREIGN TABLE f ADD n integer, ALTER line OPTIONS (ADD name 'l'), ALTER line SET NOT NULL",
  ),
  // Publications
  onT(
    "publications",
    "CREATE TABLE u (a integer PRIMARY KEY, b text); CREATE PUBLICATION pair_some FOR TABLE t, u WITH (publish = 'insert, update'); CREATE PUBLICATION pair_all FOR ALL TABLES; COMMENT ON PUBLICATION pair_all IS 'p'",
  ),
  both(
    "a publication's tables, columns, rows, options",
    "CREATE TABLE u (a integer PRIMARY KEY, b text); CREATE PUBLICATION pair_some FOR TABLE t",
    "ALTER PUBLICATION pair_some SET TABLE t (a, b) WHERE (a > 5), u; ALTER PUBLICATION pair_some SET (publish = 'delete', publish_via_partition_root = true)",
  ),
  // Schemas, extensions, privileges
  onT(
    "a schema, and who may use it",
    "CREATE SCHEMA pair_more; COMMENT ON SCHEMA pair_more IS 's'; GRANT USAGE, CREATE ON SCHEMA pair_more TO pair_reader; CREATE TABLE pair_more.x (a integer)",
  ),
  onT(
    "an extension, and what uses it",
    "CREATE EXTENSION hstore SCHEMA public; COMMENT ON EXTENSION hstore IS 'mine'; ALTER TABLE t ADD h public.hstore; CREATE INDEX ON t USING gist (h public.gist_hstore_ops)",
    { openBack: null },
  ),
  onT(
    "an extension in a schema of its own",
    "CREATE SCHEMA pair_ext; CREATE EXTENSION pg_trgm SCHEMA pair_ext; CREATE INDEX ON t USING gin (b pair_ext.gin_trgm_ops)",
  ),
  onT(
    "default privileges",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pair_reader; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO pair_writer WITH GRANT OPTION",
  ),
  both(
    "default privileges change, and a table comes",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pair_reader",
    "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pair_reader; ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO pair_writer; CREATE TABLE u (a integer)",
  ),
  onT(
    "who may do what in public",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO pair_reader",
  ),
  onT(
    "privileges of functions, types, sequences",
    "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION f() TO pair_reader WITH GRANT OPTION; CREATE SEQUENCE s; GRANT USAGE, SELECT ON SEQUENCE s TO pair_reader; CREATE DOMAIN d AS text; REVOKE USAGE ON TYPE d FROM PUBLIC",
  ),
  // Much at once
  both(
    "a circle of a table and a function",
    "",
    "CREATE TABLE ring (id integer); CREATE FUNCTION ring_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM ring'; ALTER TABLE ring ADD n bigint DEFAULT ring_count(); CREATE FUNCTION ring_row(ring) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.id::text'; ALTER TABLE ring ADD CONSTRAINT ring_check CHECK (ring_row(ring) <> '')",
  ),
  both(
    "a table becomes a view",
    "CREATE TABLE thing (x integer)",
    "DROP TABLE thing; CREATE VIEW thing AS SELECT a AS x FROM t",
  ),
  both(
    "a function's type is made anew around it",
    "CREATE TYPE e AS ENUM ('a', 'b'); CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'; CREATE VIEW v AS SELECT f('a')",
    "DROP VIEW v; DROP FUNCTION f(e); DROP TYPE e; CREATE TYPE e AS ENUM ('a', 'c'); CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'; CREATE VIEW v AS SELECT f('a')",
  ),
];

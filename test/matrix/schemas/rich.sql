-- Every type of object that PostgreSQL 13 has and a dump can hold. Loadable by psql on 13 and later, as a superuser.
-- Roles are the server's: another file's test may make them at the same moment.
DO $$ BEGIN CREATE ROLE matrix_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE matrix_writer; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

CREATE EXTENSION pgcrypto;
CREATE EXTENSION btree_gist;
CREATE EXTENSION hstore;
CREATE EXTENSION file_fdw;

CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'What we sell';
GRANT USAGE ON SCHEMA shop TO matrix_reader, matrix_writer;
CREATE SCHEMA "Odd Schema; -- with ""quotes""";

-- Types
CREATE TYPE shop.status AS ENUM ('new', 'paid', 'it''s sent', 'lost');
COMMENT ON TYPE shop.status IS 'Where an order stands';
CREATE TYPE shop.money_amount AS (amount numeric(12,2), currency character(3));
COMMENT ON COLUMN shop.money_amount.currency IS 'ISO 4217';
CREATE TYPE shop.float_range AS RANGE (subtype = double precision, subtype_diff = float8mi);
CREATE DOMAIN shop.email AS character varying(320) COLLATE "C" DEFAULT 'nobody@example.com' NOT NULL
  CONSTRAINT has_at CHECK (VALUE ~ '@') CONSTRAINT no_space CHECK (position(' ' in VALUE) = 0);
COMMENT ON CONSTRAINT has_at ON DOMAIN shop.email IS 'An address has an at sign';
CREATE DOMAIN shop.percent AS integer CHECK (VALUE BETWEEN 0 AND 100);
ALTER DOMAIN shop.percent ADD CONSTRAINT even CHECK (VALUE % 2 = 0) NOT VALID;
GRANT USAGE ON TYPE shop.status TO matrix_reader;
REVOKE USAGE ON TYPE shop.email FROM PUBLIC;

-- Functions
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  -- A comment that looks like the table of contents:

--
-- Name: fake; Type: TABLE; Schema: public; Owner: -
--

  NEW.updated_at := now();
  RETURN NEW;
END
$body$;
COMMENT ON FUNCTION shop.touch() IS 'Text with a heading in it

--
-- Name: another_fake; Type: VIEW; Schema: public; Owner: -
--

end';
CREATE FUNCTION shop.add(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5
  AS 'SELECT a + b';
CREATE FUNCTION shop.add(a text, VARIADIC b text[]) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT a || array_to_string(b, '','')';
CREATE FUNCTION shop.split(INOUT whole text, OUT first text, OUT rest text) RETURNS record LANGUAGE plpgsql SECURITY DEFINER
  SET search_path TO 'shop', 'pg_temp' SET work_mem TO '1MB' AS $$ BEGIN first := left(whole, 1); rest := substr(whole, 2); END $$;
CREATE FUNCTION shop.series(n integer) RETURNS TABLE(i integer, label text) LANGUAGE sql STABLE ROWS 10 LEAKPROOF
  AS $$ SELECT g, g::text FROM generate_series(1, n) g $$;
CREATE FUNCTION shop.next_window() RETURNS integer LANGUAGE internal WINDOW AS 'window_row_number';
CREATE PROCEDURE shop.archive(days integer, INOUT done integer DEFAULT 0) LANGUAGE plpgsql AS $$ BEGIN done := days; END $$;
COMMENT ON PROCEDURE shop.archive(integer, integer) IS 'Archives';
REVOKE ALL ON FUNCTION shop.add(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.add(integer, integer) TO matrix_reader;
GRANT EXECUTE ON FUNCTION shop.add(integer, integer) TO matrix_writer WITH GRANT OPTION;
CREATE FUNCTION shop.sum_step(state integer, value integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT state + coalesce(value, 0)';
CREATE AGGREGATE shop.total(integer) (SFUNC = shop.sum_step, STYPE = integer, INITCOND = '0', PARALLEL = safe);
COMMENT ON AGGREGATE shop.total(integer) IS 'A sum';
CREATE AGGREGATE shop.pick(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);

-- Tables
CREATE TABLE shop.customers (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5) PRIMARY KEY,
  email shop.email,
  name text NOT NULL,
  nick character varying(40) DEFAULT 'n/a',
  country character(2) CONSTRAINT country_known CHECK (country IN ('DE', 'FR', 'US')),
  kind character varying(10) CHECK (kind IN ('person', 'firm')),
  joined timestamp with time zone DEFAULT now() NOT NULL,
  born date CHECK (born > '1900-01-01'),
  balance numeric(12,2) DEFAULT 0 NOT NULL,
  tags text[] DEFAULT '{}'::text[],
  extra jsonb DEFAULT '{"a": [1, 2]}'::jsonb NOT NULL,
  attributes public.hstore,
  shout text GENERATED ALWAYS AS (upper(name)) STORED,
  updated_at timestamp without time zone,
  CONSTRAINT customers_name_unique UNIQUE (name, country),
  CONSTRAINT balance_low CHECK (balance > -1000) NO INHERIT
);
COMMENT ON TABLE shop.customers IS 'Who buys';
COMMENT ON COLUMN shop.customers.name IS E'First and last.\nWith a \\ backslash';
COMMENT ON CONSTRAINT customers_name_unique ON shop.customers IS 'No twins';
ALTER TABLE shop.customers ALTER COLUMN extra SET STORAGE EXTERNAL;
ALTER TABLE shop.customers ALTER COLUMN name SET STATISTICS 500;
ALTER TABLE shop.customers ALTER COLUMN name SET (n_distinct = -0.5);
ALTER TABLE shop.customers SET (fillfactor = 80, autovacuum_enabled = false);
ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX customers_pkey;
GRANT SELECT ON shop.customers TO matrix_reader;
GRANT SELECT, INSERT, UPDATE ON shop.customers TO matrix_writer;
GRANT UPDATE (nick), SELECT (id, name) ON shop.customers TO matrix_reader;
GRANT ALL ON shop.customers TO matrix_writer WITH GRANT OPTION;

CREATE TABLE shop.products (
  id serial PRIMARY KEY,
  sku text CONSTRAINT sku_there NOT NULL,
  price numeric NOT NULL CHECK (price >= 0 AND (price < 1000000 AND price <> 13)),
  status shop.status DEFAULT 'new'::shop.status NOT NULL,
  size shop.float_range,
  "Select" integer,
  "mixed Case" boolean DEFAULT true,
  small smallserial,
  photo bytea,
  near point,
  valid tstzrange,
  EXCLUDE USING gist (sku WITH =, valid WITH &&) WHERE (price > 0),
  CONSTRAINT sku_unique UNIQUE (sku) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE shop.orders (
  id bigserial PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES shop.customers(id) ON DELETE CASCADE ON UPDATE RESTRICT,
  product_id integer REFERENCES shop.products ON DELETE SET NULL DEFERRABLE,
  status shop.status,
  amount shop.money_amount,
  placed timestamp with time zone DEFAULT (now() AT TIME ZONE 'UTC') NOT NULL,
  note text,
  discount shop.percent
);
ALTER TABLE shop.orders ADD CONSTRAINT note_short CHECK (char_length(note) < 1000) NOT VALID;
ALTER TABLE shop.orders ADD CONSTRAINT orders_self FOREIGN KEY (id) REFERENCES shop.orders(id) MATCH FULL NOT VALID;
CREATE UNLOGGED TABLE shop.cache (key text PRIMARY KEY, value json) WITH (toast.autovacuum_enabled = false);
CREATE TABLE shop.base (id integer, name text NOT NULL, CONSTRAINT base_positive CHECK (id > 0));
CREATE TABLE shop.derived (more text, name text NOT NULL DEFAULT 'd') INHERITS (shop.base);
CREATE TABLE shop.empty_table ();
CREATE TABLE shop.typed OF shop.money_amount (amount WITH OPTIONS DEFAULT 1, PRIMARY KEY (currency));
CREATE TABLE "Odd Schema; -- with ""quotes"""."Strange "" table; --" ("col ""x""" integer DEFAULT 1, "; drop" text);

-- Partitions
CREATE TABLE shop.events (id bigint NOT NULL, at timestamptz NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2024 PARTITION OF shop.events FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT PARTITION BY HASH (id);
CREATE TABLE shop.events_rest_0 PARTITION OF shop.events_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.events_rest_1 PARTITION OF shop.events_rest (kind DEFAULT 'k') FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE shop.events ADD PRIMARY KEY (id, at);
CREATE INDEX events_kind ON shop.events (kind) WHERE kind IS NOT NULL;
CREATE TABLE shop.lists (code text, n integer) PARTITION BY LIST (lower(code));
CREATE TABLE shop.lists_a PARTITION OF shop.lists FOR VALUES IN ('a', 'b', NULL);
CREATE TABLE shop.events_attached (id bigint NOT NULL, at timestamptz NOT NULL, payload jsonb, kind text);
ALTER TABLE shop.events DETACH PARTITION shop.events_2024;
ALTER TABLE shop.events ATTACH PARTITION shop.events_2024 FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');

-- Indexes
CREATE INDEX orders_placed ON shop.orders (placed DESC NULLS LAST) INCLUDE (status) WITH (fillfactor = 70);
CREATE UNIQUE INDEX customers_lower ON shop.customers (lower(email::text) COLLATE "C" text_pattern_ops) WHERE country = 'DE';
CREATE INDEX customers_tags ON shop.customers USING gin (tags);
CREATE INDEX orders_year ON shop.orders (extract(year FROM placed AT TIME ZONE 'UTC'));
CREATE INDEX products_near ON shop.products USING gist (near);
CREATE INDEX orders_brin ON shop.orders USING brin (placed) WITH (pages_per_range = 16);
ALTER INDEX shop.orders_year ALTER COLUMN 1 SET STATISTICS 300;
COMMENT ON INDEX shop.orders_placed IS 'Newest first';
ALTER TABLE shop.orders CLUSTER ON orders_placed;
CREATE UNIQUE INDEX products_small ON shop.products (small);
ALTER TABLE shop.products REPLICA IDENTITY FULL;
CREATE STATISTICS shop.orders_stats (dependencies, ndistinct) ON customer_id, product_id FROM shop.orders;
ALTER STATISTICS shop.orders_stats SET STATISTICS 200;
COMMENT ON STATISTICS shop.orders_stats IS 'They go together';

-- Sequences
CREATE SEQUENCE shop.plain;
CREATE SEQUENCE shop.fancy AS smallint INCREMENT BY -3 MINVALUE -300 MAXVALUE -1 START WITH -2 CACHE 7 CYCLE OWNED BY shop.products.small;
COMMENT ON SEQUENCE shop.fancy IS 'Downwards';
GRANT USAGE ON SEQUENCE shop.fancy TO matrix_writer;
GRANT ALL ON SEQUENCE shop.plain TO matrix_reader;

-- Views
CREATE VIEW shop.simple AS SELECT id, name AS "full name", balance FROM shop.customers WHERE balance > 10 ORDER BY name, balance DESC;
CREATE VIEW shop.swapped AS SELECT name AS nick, nick AS name FROM shop.customers ORDER BY customers.name;
CREATE VIEW shop.aliased AS SELECT c.id, c.name, (SELECT count(*) FROM shop.orders o WHERE o.customer_id = c.id) AS orders
  FROM shop.customers c WHERE EXISTS (SELECT 1 FROM shop.orders o WHERE o.customer_id = c.id AND o.note <> c.name);
CREATE VIEW shop.joined WITH (security_barrier) AS
  SELECT o.id, c.name, p.sku, (o.amount).currency, count(*) OVER (PARTITION BY c.id ORDER BY o.placed ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running
  FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id LEFT JOIN (SELECT products.id AS product_id, products.sku FROM shop.products) p USING (product_id);
CREATE VIEW shop.grouped AS SELECT country, count(*) AS n, sum(balance) FILTER (WHERE balance > 0) AS plus, max(name) AS top
  FROM shop.customers GROUP BY country HAVING count(*) > 1;
CREATE VIEW shop.grouping AS SELECT country, kind, grouping(country, kind) AS g, count(*) FROM shop.customers GROUP BY ROLLUP (country, kind);
CREATE VIEW shop.by_key AS SELECT c.id, c.name, count(o.id) AS n FROM shop.customers c LEFT JOIN shop.orders o ON o.customer_id = c.id GROUP BY c.id;
CREATE VIEW shop.on_by_key AS SELECT name, n FROM shop.by_key;
CREATE VIEW shop.cte AS WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10), m AS MATERIALIZED (SELECT n FROM t)
  SELECT n FROM m UNION SELECT id::integer FROM shop.customers EXCEPT SELECT 5 ORDER BY 1 LIMIT 10 OFFSET 2;
CREATE VIEW shop.lateral AS SELECT c.id, l.first, l.rest, s.i FROM shop.customers c, LATERAL shop.split(c.name) l, generate_series(1, 3) WITH ORDINALITY s(i, o);
CREATE VIEW shop.from_function AS SELECT i, label FROM shop.series(5) WHERE label <> '3';
CREATE VIEW shop.from_select AS SELECT sub.a, sub.b FROM (SELECT id AS a, name AS b FROM shop.customers WHERE balance > 0) sub WHERE sub.a > 1;
CREATE VIEW shop.from_values AS SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, 'y')) v(a, b);
CREATE VIEW shop.expressions AS SELECT
  trim(both 'x' from name) AS t1, trim(leading from name) AS t2, trim(trailing 'ab' from name) AS t3, btrim(name) AS t4,
  substring(name from 2 for 3) AS s1, substring(name from 'a.c') AS s2, substring(name, 2) AS s3,
  overlay(name placing 'zz' from 2 for 1) AS o1, overlay(name placing 'q' from 3) AS o2, position('a' in name) AS p1,
  normalize(name) AS n1, normalize(name, nfkc) AS n2, name is nfc normalized AS n3, name is not normalized AS n4,
  (joined, joined + '1 day'::interval) overlaps (joined, joined) AS ov,
  joined at time zone 'Europe/Berlin' AS z1, (joined at time zone 'UTC') at time zone 'UTC' AS z2,
  collation for (name) AS cf, CASE WHEN balance > 0 THEN 'plus' WHEN balance = 0 THEN NULL ELSE 'minus' END AS c1,
  CASE country WHEN 'DE' THEN 1 ELSE 2 END AS c2, coalesce(nick, name, '') AS c3, nullif(nick, '') AS c4, greatest(1, balance) AS g1,
  name LIKE 'a%' AS l1, name NOT ILIKE 'b%' AS l2, name SIMILAR TO 'c%' AS l3, name LIKE 'd!%' ESCAPE '!' AS l4,
  country IN ('DE', 'FR') AS i1, kind IN ('person', 'firm') AS i2, id IN (1, 2, 3) AS i3, kind NOT IN ('x', 'y') AS i4, id = ANY (ARRAY[1, 2]::bigint[]) AS i5,
  id BETWEEN 1 AND 10 AS b1, id NOT BETWEEN SYMMETRIC 10 AND 1 AS b2, born IS NULL AS nu, extra IS NOT NULL AS nn, (balance > 0) IS NOT TRUE AS nt,
  nick IS DISTINCT FROM name AS d1, nick IS NOT DISTINCT FROM name AS d2,
  ARRAY[1, 2, 3] AS a1, tags[1] AS a2, tags[1:2] AS a3, ARRAY(SELECT 1) AS a4, ROW(1, name) = ROW(2, nick) AS r1, (ROW(1, 'EUR')::shop.money_amount).currency AS r2,
  '1 day 02:03:04'::interval AS k1, '2024-01-01'::date AS k2, -5 AS k3, 1.50 AS k4, 1e10 AS k5, true AS k6, NULL::text AS k7, E'back\\slash' AS k8, B'101' AS k9, X'1F' AS k10, 'a'::"char" AS k11, (-5)::smallint AS k12, '-7'::integer AS k13, 9999999999 AS k14,
  current_date AS cd, current_timestamp AS ct, localtime(2) AS lt, current_user AS cu, session_user AS su, current_schema AS cs,
  extra -> 'a' AS j1, extra #>> '{a,0}' AS j2, extra @> '{"a": 1}' AS j3, balance::integer AS x1, CAST(name AS varchar(5)) AS x2, name COLLATE "C" AS x3,
  xmlelement(name foo, xmlattributes(id AS bar), name) AS xm, xmlserialize(CONTENT '<a/>'::xml AS text) AS xs, xmlforest(id, name) AS xf,
  string_agg(name, ',') OVER () AS w1, count(*) OVER w AS w2, rank() OVER (w RANGE BETWEEN '10'::numeric PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES) AS w3,
  NOT (balance > 0 AND (id > 1 OR id < 0) AND name <> '') AS bo, - balance AS neg, |/ 4.0 AS root
  FROM shop.customers WINDOW w AS (PARTITION BY country ORDER BY balance);
CREATE VIEW shop.whole AS SELECT customers FROM shop.customers;
CREATE VIEW shop.star AS SELECT customers.*, 1 AS one FROM shop.customers;
CREATE VIEW shop.correlated AS SELECT id, (SELECT max(o.id) FROM shop.orders o WHERE o.customer_id = customers.id) AS last FROM shop.customers;
CREATE VIEW shop.distinct_on AS SELECT DISTINCT ON (country) country, id, name FROM shop.customers ORDER BY country, joined DESC NULLS LAST FETCH FIRST 3 ROWS ONLY;
CREATE VIEW shop.sampled AS SELECT id FROM shop.customers TABLESAMPLE bernoulli (10) REPEATABLE (1);
CREATE VIEW shop.locked AS SELECT id FROM shop.customers FOR UPDATE SKIP LOCKED;
CREATE VIEW shop.xml AS SELECT x.* FROM xmltable('/r/x' PASSING CAST('<r><x a="1"/></r>' AS xml) COLUMNS a integer PATH '@a', n FOR ORDINALITY) x;
CREATE VIEW shop.checked AS SELECT id, name FROM shop.customers WHERE id > 5 WITH CASCADED CHECK OPTION;
CREATE VIEW shop.full_join AS SELECT a.id, b.id AS other FROM shop.customers a FULL JOIN (shop.orders b CROSS JOIN shop.products d) ON a.id = b.customer_id WHERE b.note IS NULL;
CREATE VIEW shop.natural AS SELECT id, name, more FROM shop.base NATURAL JOIN shop.derived;
CREATE VIEW shop.only_base AS SELECT id FROM ONLY shop.base;
CREATE VIEW shop.renamed(a, b) AS SELECT id, name FROM shop.customers;
CREATE VIEW shop.extracted AS SELECT extract(year FROM joined) AS y, extract(epoch FROM joined) AS e, date_trunc('day', joined) AS d FROM shop.customers;
ALTER VIEW shop.simple ALTER COLUMN balance SET DEFAULT 3;
COMMENT ON VIEW shop.simple IS 'Simple';
COMMENT ON COLUMN shop.simple."full name" IS 'Both';
GRANT SELECT ON shop.simple TO matrix_reader;
CREATE MATERIALIZED VIEW shop.summary AS SELECT country, count(*) AS n FROM shop.customers GROUP BY country WITH NO DATA;
CREATE UNIQUE INDEX summary_country ON shop.summary (country);
COMMENT ON MATERIALIZED VIEW shop.summary IS 'Once a day';
CREATE VIEW shop.mutual_a AS SELECT 1 AS x;

-- Rules, triggers, policies
CREATE RULE protect AS ON DELETE TO shop.products WHERE old.price > 100 DO INSTEAD NOTHING;
CREATE RULE log_insert AS ON INSERT TO shop.products DO ALSO (INSERT INTO shop.cache (key, value) VALUES (new.sku, NULL) ON CONFLICT (key) DO UPDATE SET value = excluded.value; UPDATE shop.products SET price = new.price WHERE id = new.id);
CREATE RULE quiet AS ON UPDATE TO shop.products DO ALSO NOTIFY changed, 'p';
ALTER TABLE shop.products DISABLE RULE quiet;
COMMENT ON RULE protect ON shop.products IS 'Dear ones stay';
CREATE TRIGGER customers_touch BEFORE INSERT OR UPDATE OF name, email ON shop.customers FOR EACH ROW WHEN (NEW.name IS NOT NULL AND NEW.country IN ('DE', 'FR')) EXECUTE FUNCTION shop.touch();
CREATE TRIGGER orders_touch AFTER DELETE ON shop.orders REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION shop.touch('a', '2');
CREATE CONSTRAINT TRIGGER orders_check AFTER INSERT ON shop.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TRIGGER simple_instead INSTEAD OF UPDATE ON shop.simple FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TRIGGER events_touch AFTER INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
COMMENT ON TRIGGER customers_touch ON shop.customers IS 'Keeps the time';
ALTER TABLE shop.orders DISABLE TRIGGER orders_check;
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER orders_touch;
ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.customers FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.customers AS RESTRICTIVE FOR SELECT TO matrix_reader, matrix_writer USING (name = CURRENT_USER);
CREATE POLICY everything ON shop.customers USING (EXISTS (SELECT 1 FROM shop.orders o WHERE o.customer_id = customers.id)) WITH CHECK (balance >= 0);
COMMENT ON POLICY own ON shop.customers IS 'Only oneself';
CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION shop.on_ddl();
ALTER EVENT TRIGGER watch_ddl DISABLE;
COMMENT ON EVENT TRIGGER watch_ddl IS 'Watches';

-- Operators, casts and their kin
CREATE FUNCTION shop.amount_less(a shop.money_amount, b shop.money_amount) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT (a).amount < (b).amount';
CREATE OPERATOR shop.<<< (LEFTARG = shop.money_amount, RIGHTARG = shop.money_amount, FUNCTION = shop.amount_less, RESTRICT = scalarltsel);
COMMENT ON OPERATOR shop.<<< (shop.money_amount, shop.money_amount) IS 'Less';
CREATE VIEW shop.with_operator AS SELECT id FROM shop.orders WHERE amount OPERATOR(shop.<<<) ROW(5, 'EUR')::shop.money_amount;
CREATE FUNCTION shop.int_cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
CREATE OPERATOR FAMILY shop.int_family USING btree;
CREATE OPERATOR CLASS shop.int_class FOR TYPE integer USING btree FAMILY shop.int_family AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 shop.int_cmp(integer, integer);
ALTER OPERATOR FAMILY shop.int_family USING btree ADD OPERATOR 1 < (integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint);
CREATE FUNCTION shop.to_amount(numeric) RETURNS shop.money_amount LANGUAGE sql IMMUTABLE AS $$ SELECT ROW($1, 'EUR')::shop.money_amount $$;
CREATE CAST (numeric AS shop.money_amount) WITH FUNCTION shop.to_amount(numeric) AS ASSIGNMENT;
CREATE CAST (shop.status AS integer) WITH INOUT;
COMMENT ON CAST (numeric AS shop.money_amount) IS 'Euros';
CREATE COLLATION shop.plain_c FROM "C";
CREATE DEFAULT CONVERSION shop.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TYPE shop.tiny;
CREATE FUNCTION shop.tiny_in(cstring) RETURNS shop.tiny LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION shop.tiny_out(shop.tiny) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE shop.tiny (INPUT = shop.tiny_in, OUTPUT = shop.tiny_out, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4);
CREATE TYPE shop.unfinished;
CREATE ACCESS METHOD second_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE shop.elsewhere (id integer) USING second_heap;

-- Text search
CREATE TEXT SEARCH DICTIONARY shop.simple_words (TEMPLATE = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION shop.search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR asciiword, word WITH shop.simple_words, simple;
ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR email WITH simple;
COMMENT ON TEXT SEARCH CONFIGURATION shop.search IS 'Finds';
CREATE TEXT SEARCH PARSER shop.words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE shop.own (INIT = dsimple_init, LEXIZE = dsimple_lexize);

-- Foreign data
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
COMMENT ON SERVER files IS 'On disk';
CREATE FOREIGN DATA WRAPPER dummy OPTIONS (debug 'true');
CREATE SERVER remote TYPE 'x' VERSION '2' FOREIGN DATA WRAPPER dummy OPTIONS (host 'h');
CREATE USER MAPPING FOR PUBLIC SERVER remote OPTIONS (user 'u');
GRANT USAGE ON FOREIGN SERVER remote TO matrix_reader;
CREATE FOREIGN TABLE shop.log (line text OPTIONS (force_not_null 'true') NOT NULL, n integer DEFAULT 1) SERVER files OPTIONS (filename '/dev/null', format 'csv');
COMMENT ON FOREIGN TABLE shop.log IS 'A file';

-- Publications, default privileges, public
CREATE PUBLICATION some_tables FOR TABLE shop.orders, shop.products WITH (publish = 'insert, update');
CREATE PUBLICATION all_tables FOR ALL TABLES;
COMMENT ON PUBLICATION all_tables IS 'Everything';
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO matrix_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE public.plain (id integer PRIMARY KEY, t text);
CREATE TABLE wo_objects (po_id text primary key, po_md5 text, po_script text, po_path text, po_depends_on text[], po_required_by text[]);
CREATE TABLE wo_migrations (pm_id text primary key);
-- Two views that need each other cannot be, but a function that needs a table whose default needs the function can.
CREATE TABLE shop.circle (id integer);
CREATE FUNCTION shop.circle_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM shop.circle';
ALTER TABLE shop.circle ADD COLUMN n bigint DEFAULT shop.circle_count();
CREATE FUNCTION shop.circle_row(shop.circle) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.id::text';
ALTER TABLE shop.circle ADD CONSTRAINT circle_check CHECK (shop.circle_row(circle) <> '');

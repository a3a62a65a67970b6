-- What came with PostgreSQL 14. Loadable by psql on 14 and later, as a superuser.
CREATE SCHEMA fresh;
CREATE TYPE fresh.span AS RANGE (subtype = integer, multirange_type_name = fresh.spans);
CREATE TYPE fresh.level AS RANGE (subtype = numeric);
CREATE TABLE fresh.texts (
  a text COMPRESSION pglz,
  b text,
  n integer,
  spans fresh.spans,
  dates datemultirange DEFAULT '{}'::datemultirange,
  moment timestamptz
);
CREATE FUNCTION fresh.plus(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + b;
CREATE FUNCTION fresh.longer(a integer) RETURNS bigint LANGUAGE sql STABLE
  BEGIN ATOMIC SELECT count(*) FROM fresh.texts WHERE length(texts.a) > longer.a; END;
CREATE PROCEDURE fresh.keep(t text) LANGUAGE sql
  BEGIN ATOMIC INSERT INTO fresh.texts (a) VALUES (t) RETURNING n; UPDATE fresh.texts SET n = n + 1 WHERE a = t; DELETE FROM fresh.texts WHERE b IN ('x', 'y'); END;
CREATE PROCEDURE fresh.answers(a integer, OUT b integer, OUT c text) LANGUAGE plpgsql AS $$ BEGIN b := a; c := 'x'; END $$;
COMMENT ON PROCEDURE fresh.answers IS 'Two';
CREATE STATISTICS fresh.of_expressions ON (lower(a)), b FROM fresh.texts;
CREATE STATISTICS fresh.of_one ON (length(b) + 1) FROM fresh.texts;
CREATE INDEX texts_brin ON fresh.texts USING brin (n int4_minmax_multi_ops (values_per_range = 16));
CREATE VIEW fresh.walk AS WITH RECURSIVE t(id, parent) AS (SELECT 1, 2 UNION ALL SELECT parent, id FROM t)
  SEARCH DEPTH FIRST BY id SET ordering CYCLE id SET is_cycle TO true DEFAULT false USING path SELECT id, parent FROM t;
CREATE VIEW fresh.groups AS SELECT a, b, count(*) FROM fresh.texts GROUP BY DISTINCT ROLLUP (a, b), ROLLUP (a, n);
CREATE VIEW fresh.alias AS SELECT j.a, x.b FROM fresh.texts x JOIN fresh.texts y USING (a) AS j;
CREATE VIEW fresh.times AS SELECT date_bin('15 minutes', moment, '2001-01-01 00:00:00+00') AS b, extract(epoch FROM moment) AS e,
  date_part('epoch', moment) AS d, trim(both 'x' from a) AS t, btrim(a, 'x') AS bt, substring(a from 2 for 3) AS s, substring(a, 2, 3) AS f,
  substring(a similar 'a#"b#"c' escape '#') AS si, position('a' in b) AS p, strpos(b, 'a') AS sp FROM fresh.texts;
CREATE VIEW fresh.subscripts AS SELECT ('{"a": {"b": 1}}'::jsonb)['a']['b'] AS ab;
CREATE TABLE fresh.parts (id integer, t text) PARTITION BY RANGE (id);
CREATE TABLE fresh.parts_low PARTITION OF fresh.parts FOR VALUES FROM (MINVALUE) TO (10);
CREATE FUNCTION fresh.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch AFTER INSERT ON fresh.parts FOR EACH ROW EXECUTE FUNCTION fresh.touch();
ALTER TABLE fresh.parts_low DISABLE TRIGGER touch;

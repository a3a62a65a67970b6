-- What came with PostgreSQL 16. Loadable by psql on 16 and later, as a superuser.
CREATE SCHEMA fresh;
CREATE TABLE fresh.stored (
  a text STORAGE EXTERNAL,
  b jsonb CHECK (b IS JSON OBJECT WITH UNIQUE KEYS),
  c text CHECK (c IS NOT JSON),
  n integer DEFAULT 0x1F,
  m bigint DEFAULT 1_000_000
);
CREATE VIEW fresh.json AS SELECT JSON_ARRAY(1, 'a' NULL ON NULL RETURNING jsonb) AS arr, JSON_OBJECT('k': a, 'n': n ABSENT ON NULL WITH UNIQUE KEYS) AS obj,
  JSON_ARRAY(SELECT n FROM fresh.stored ORDER BY n) AS query, a IS JSON SCALAR AS scalar FROM fresh.stored;
CREATE VIEW fresh.json_aggregates AS SELECT JSON_ARRAYAGG(a ORDER BY n ABSENT ON NULL) AS arr, JSON_OBJECTAGG(a: n NULL ON NULL RETURNING jsonb) AS obj, any_value(n) AS any FROM fresh.stored;
CREATE VIEW fresh.unnamed AS SELECT x FROM (SELECT n AS x FROM fresh.stored) WHERE x > 1;
CREATE VIEW fresh.users AS SELECT system_user AS s, current_user AS c;
CREATE VIEW fresh.indented AS SELECT xmlserialize(DOCUMENT a::xml AS text INDENT) AS i, xmlserialize(CONTENT a::xml AS text NO INDENT) AS n FROM fresh.stored;
CREATE COLLATION fresh.ruled (provider = icu, locale = 'und', rules = '&a < g');

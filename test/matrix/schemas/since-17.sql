-- What came with PostgreSQL 17. Loadable by psql on 17 and later, as a superuser.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'matrix_reader') THEN CREATE ROLE matrix_reader; END IF;
END $$;
CREATE SCHEMA fresh;
CREATE TABLE fresh.documents (id bigint GENERATED ALWAYS AS IDENTITY, d jsonb, at timestamptz, room integer) PARTITION BY RANGE (room);
CREATE TABLE fresh.documents_low PARTITION OF fresh.documents FOR VALUES FROM (MINVALUE) TO (10);
GRANT MAINTAIN ON fresh.documents TO matrix_reader;
GRANT ALL ON fresh.documents_low TO matrix_reader;
CREATE TABLE fresh.unkept (id integer);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON fresh.unkept TO matrix_reader;
CREATE VIEW fresh.rows AS SELECT t.* FROM fresh.documents, JSON_TABLE(d, '$[*]' AS root PASSING 1 AS one
  COLUMNS (n FOR ORDINALITY, a integer PATH '$.a' DEFAULT 0 ON EMPTY, b text FORMAT JSON PATH '$.b' WITH WRAPPER, NESTED PATH '$.c[*]' COLUMNS (c text PATH '$' ERROR ON ERROR))) AS t;
CREATE VIEW fresh.queries AS SELECT JSON_EXISTS(d, '$.a' TRUE ON ERROR) AS e, JSON_VALUE(d, '$.b' RETURNING integer DEFAULT 1 ON EMPTY) AS v,
  JSON_QUERY(d, '$.c' OMIT QUOTES) AS q, JSON_QUERY(d, '$.d' WITH CONDITIONAL WRAPPER) AS w, JSON_SCALAR(1) AS s, JSON('{}') AS j, JSON_SERIALIZE(d RETURNING bytea) AS b, at AT LOCAL AS l FROM fresh.documents;
CREATE FUNCTION fresh.merge() RETURNS SETOF text LANGUAGE sql
  BEGIN ATOMIC MERGE INTO fresh.unkept u USING fresh.documents s ON u.id = s.room WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT VALUES (s.room) RETURNING merge_action(); END;
CREATE COLLATION fresh.builtin (provider = builtin, locale = 'C.UTF-8');
CREATE FUNCTION fresh.on_login() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER on_login ON login EXECUTE FUNCTION fresh.on_login();
ALTER EVENT TRIGGER on_login DISABLE;
CREATE ACCESS METHOD third_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE fresh.by_method (id integer) PARTITION BY LIST (id) USING third_heap;
CREATE TABLE fresh.by_method_1 PARTITION OF fresh.by_method FOR VALUES IN (1);

-- What came with PostgreSQL 15. Loadable by psql on 15 and later, as a superuser.
CREATE SCHEMA fresh;
CREATE TABLE fresh.keys (
  a integer,
  b integer,
  tiny numeric(3, 5),
  thousands numeric(2, -3),
  CONSTRAINT one_null UNIQUE NULLS NOT DISTINCT (a, b)
);
CREATE UNIQUE INDEX keys_b ON fresh.keys (b) NULLS NOT DISTINCT WHERE a > 0;
CREATE TABLE fresh.children (a integer, b integer, FOREIGN KEY (a, b) REFERENCES fresh.keys (a, b) ON DELETE SET NULL (b));
CREATE TABLE fresh.defaulted (a integer, b integer DEFAULT 1, FOREIGN KEY (a, b) REFERENCES fresh.keys (a, b) ON DELETE SET DEFAULT (a));
CREATE VIEW fresh.invoked WITH (security_invoker = true) AS SELECT a FROM fresh.keys WHERE regexp_like(b::text, '^1');
CREATE UNLOGGED SEQUENCE fresh.fast;
CREATE PROCEDURE fresh.merge() LANGUAGE sql
  BEGIN ATOMIC MERGE INTO fresh.keys k USING fresh.children c ON k.a = c.a WHEN MATCHED AND k.b > 1 THEN UPDATE SET b = c.b WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (a, b) VALUES (c.a, c.b); END;
CREATE PUBLICATION partly FOR TABLE fresh.keys (a, b) WHERE (a > 1), fresh.children;
CREATE PUBLICATION whole FOR TABLES IN SCHEMA fresh;
CREATE PUBLICATION mixed FOR TABLES IN SCHEMA public, TABLE fresh.keys;
CREATE COLLATION fresh.german (provider = icu, locale = 'de-u-co-phonebk', deterministic = false);
CREATE COLLATION fresh.bytes (provider = libc, locale = 'C');
CREATE DOMAIN fresh.named AS text COLLATE fresh.german CHECK (VALUE <> '');
GRANT CREATE ON SCHEMA public TO PUBLIC;

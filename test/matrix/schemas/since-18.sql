-- What came with PostgreSQL 18. Loadable by psql on 18 and later, as a superuser.
CREATE EXTENSION btree_gist;
CREATE SCHEMA fresh;
CREATE TABLE fresh.bookings (
  room integer,
  during tstzrange,
  price numeric,
  gross numeric GENERATED ALWAYS AS (price * 1.19) VIRTUAL,
  net numeric GENERATED ALWAYS AS (price + 1) STORED,
  note text CONSTRAINT note_there NOT NULL,
  CONSTRAINT cheap CHECK (price < 1000) NOT ENFORCED,
  CONSTRAINT at_once PRIMARY KEY (room, during WITHOUT OVERLAPS)
);
CREATE TABLE fresh.guests (
  room integer,
  during tstzrange,
  name text,
  FOREIGN KEY (room, PERIOD during) REFERENCES fresh.bookings (room, PERIOD during),
  CONSTRAINT name_known NOT NULL name NO INHERIT
);
CREATE TABLE fresh.targets (id integer PRIMARY KEY);
CREATE TABLE fresh.lenient (a integer, b integer, CONSTRAINT loose FOREIGN KEY (b) REFERENCES fresh.targets (id) NOT ENFORCED);
ALTER TABLE fresh.lenient ADD CONSTRAINT later NOT NULL a NOT VALID;
CREATE FUNCTION fresh.change() RETURNS SETOF numeric LANGUAGE sql
  BEGIN ATOMIC UPDATE fresh.bookings SET price = price + 1 RETURNING WITH (OLD AS before, NEW AS after) after.price - before.price; END;
CREATE VIEW fresh.folded AS SELECT casefold(note) AS c, uuidv7() AS u, crc32(note::bytea) AS k FROM fresh.bookings;
CREATE PUBLICATION generated FOR TABLE fresh.bookings WITH (publish_generated_columns = stored);
CREATE VIEW fresh.grouped AS SELECT room, max(upper(during)) AS latest FROM fresh.bookings GROUP BY room;

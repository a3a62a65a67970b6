/** Each rule by what it brings together, and by the nearest thing that it must keep apart. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalSchema, DEFAULT_SETTINGS, type SchemaSettings } from "#src/schema/index.js";

interface Source {
  readonly server?: number;
  readonly program?: number;
  readonly settings?: Partial<SchemaSettings>;
}

async function checksum(
  sql: string,
  { server = 18, program = 18, settings = {} }: Source = {},
): Promise<string> {
  const text = `-- Dumped from database version ${server}.1\n-- Dumped by pg_dump version ${program}.1\n\n${sql}`;
  const schema = await canonicalSchema(text, { ...DEFAULT_SETTINGS, ...settings });
  assert.equal(schema.warnings, []);
  return schema.checksum;
}

async function same(a: string, b: string, from: Source = {}, to: Source = {}): Promise<void> {
  assert.is(await checksum(a, from), await checksum(b, to), `${a}\n  should be\n${b}`);
}

async function different(a: string, b: string, from: Source = {}, to: Source = {}): Promise<void> {
  assert.is.not(await checksum(a, from), await checksum(b, to), `${a}\n  should not be\n${b}`);
}

const entry = (name: string, type: string, sql: string, schema = "public") =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: -\n--\n\n${sql}\n\n\n`;
const view = (select: string) => `CREATE VIEW public.v AS\n ${select};`;
const table = (columns: string) => `CREATE TABLE public.t (\n    ${columns}\n);`;

const rules = suite("rules");

rules("comments, settings, keys and versions are no schema", async () => {
  const bare = entry("t", "TABLE", table("id integer"));
  await same(
    bare,
    `--\n-- PostgreSQL database dump\n--\n\n\\restrict k3y\n\nSET transaction_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\n${bare}--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict k3y\n\n`,
    { server: 13 },
  );
  await different(bare, bare.replace("integer", "bigint"));
});

rules("a sequence of its own is logged or not, and one of a column as its table is", async () => {
  const [plain, unlogged] = [
    "CREATE SEQUENCE public.s START WITH 1;",
    "CREATE UNLOGGED SEQUENCE public.s START WITH 1;",
  ];
  await different(plain, unlogged);
  const owned = (sequence: string) => `${sequence}\nALTER SEQUENCE public.s OWNED BY public.t.id;`;
  await same(owned(plain), owned(unlogged), { server: 14 }, { server: 15 });
});

rules("bounds of an identity that are its type's say nothing", async () => {
  const identity = (type: string, bound: string) =>
    `${table(`id ${type} NOT NULL`)}\nALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.t_id_seq ${bound});`;
  for (const [type, bound] of [
    ["integer", "MAXVALUE 2147483647"],
    ["integer", "MINVALUE -2147483648 INCREMENT -1"],
    ["smallint", "MAXVALUE 32767"],
  ] as const) {
    const free = bound.replace(/^(\w+) -?\d+/, "NO $1");
    await same(identity(type, bound), identity(type, free));
    await different(identity("bigint", bound), identity("bigint", free));
  }
});

rules("owners count only where asked for", async () => {
  const owned = (role: string) =>
    `${table("id integer")}\nALTER TABLE public.t OWNER TO ${role};\nALTER SCHEMA s OWNER TO ${role};`;
  await same(owned("alice"), table("id integer"));
  await different(
    owned("alice"),
    owned("bob"),
    { settings: { owners: true } },
    { settings: { owners: true } },
  );
});

rules("who granted a privilege, and for whose objects the default ones are, counts with owners", async () => {
  const owners = { settings: { owners: true } };
  const by = (role: string) =>
    `SET SESSION AUTHORIZATION ${role};\nGRANT SELECT ON TABLE public.t TO app;\nRESET SESSION AUTHORIZATION;`;
  await same(by("alice"), by("bob"));
  await same(by("alice"), "GRANT SELECT ON TABLE public.t TO app;");
  await different(by("alice"), by("bob"), owners, owners);
  const forRole = (role: string) =>
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${role} IN SCHEMA s GRANT SELECT ON TABLES TO app;`;
  await same(forRole("alice"), forRole("bob"));
  await different(forRole("alice"), forRole("bob"), owners, owners);
  await different(forRole("alice"), `${forRole("alice")}\n${forRole("bob")}`);
});

rules("tablespaces count only where asked for", async () => {
  const at = (space: string) =>
    `${entry("a", "TABLE", "CREATE TABLE public.a ();")}SET default_tablespace = ${space};\n\n${entry("t", "TABLE", table("id integer"))}`;
  const tablespaces = { settings: { tablespaces: true } };
  await same(at("fast"), at("''"));
  await different(at("fast"), at("slow"), tablespaces, tablespaces);
  await different(at("fast"), at("''"), tablespaces, tablespaces);
});

rules("a table's access method counts, wherever pg_dump sets it", async () => {
  const as = (method: string) =>
    `${entry("a", "TABLE", "CREATE TABLE public.a ();")}SET default_table_access_method = ${method};\n\n${entry("t", "TABLE", table("id integer"))}`;
  await same(
    as("heap"),
    entry("a", "TABLE", "CREATE TABLE public.a ();") + entry("t", "TABLE", table("id integer")),
  );
  await different(as("heap"), as("columnar"));
});

rules("the schema public is there in any new database", async () => {
  await same("", "CREATE SCHEMA public;");
  await same("", "COMMENT ON SCHEMA public IS 'standard public schema';");
  await different("", "COMMENT ON SCHEMA public IS 'ours';");
});

rules("privileges in public are weighed against the server's own default", async () => {
  const there = entry("public", "SCHEMA", "-- *not* creating schema, since initdb creates it", "-");
  const everything = `${there}REVOKE USAGE ON SCHEMA public FROM PUBLIC;\nGRANT ALL ON SCHEMA public TO PUBLIC;`;
  const revokedBy14 = "REVOKE ALL ON SCHEMA public FROM PUBLIC;\nGRANT USAGE ON SCHEMA public TO PUBLIC;";
  // The default of 14, as each pg_dump writes it, is the default of 18.
  await same(everything, "", { server: 14, program: 18 });
  await same("", "", { server: 14, program: 14 });
  // CREATE given on 18 is a change, and so is CREATE taken away on 14.
  await different(everything, "", { server: 18 });
  await different(there, "", { server: 14, program: 18 });
  await same(there, revokedBy14, { server: 14, program: 18 }, { server: 14, program: 14 });
  await different(there, everything, { server: 14, program: 18 }, { server: 14, program: 18 });
});

rules("quoting and layout are spelling", async () => {
  await same(table("id integer"), 'create table "public"."t" ("id" INTEGER)');
  await different(table("id integer"), 'CREATE TABLE public.t ("ID" integer);');
});

rules("statements may stand in any order", async () => {
  const a = `${table("id integer")}\nCREATE INDEX i ON public.t USING btree (id);\nCOMMENT ON TABLE public.t IS 'c';`;
  const b = `COMMENT ON TABLE public.t IS 'c';\nCREATE INDEX i ON public.t USING btree (id);\n${table("id integer")}`;
  await same(a, b);
});

rules("the order of a table's columns counts", async () => {
  await different(table("a integer, b integer"), table("b integer, a integer"));
});

rules("the order of a table's columns may be ignored", async () => {
  const ignored = { settings: { columnOrder: false } };
  await same(table("a integer, b integer"), table("b integer, a integer"), ignored, ignored);
  await different(table("a integer, b integer"), table("b integer, a text"), ignored, ignored);
  await different(view("SELECT a, b FROM public.t"), view("SELECT b, a FROM public.t"), ignored, ignored);
  const pair = (attributes: string) => `CREATE TYPE public.p AS (${attributes});`;
  await different(pair("a integer, b integer"), pair("b integer, a integer"), ignored, ignored);
});

rules("a default stands with its column or alone", async () => {
  await same(
    table("id integer DEFAULT nextval('public.s'::regclass) NOT NULL"),
    `${table("id integer NOT NULL")}\nALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('public.s'::regclass);`,
  );
});

rules("a check stands with its table or alone", async () => {
  await same(
    table("id integer,\n    CONSTRAINT c CHECK ((id > 0))"),
    `${table("id integer")}\nALTER TABLE public.t\n    ADD CONSTRAINT c CHECK ((id > 0));`,
  );
});

rules("NOT NULL has no name before 18", async () => {
  await same(table("id integer CONSTRAINT there NOT NULL"), table("id integer NOT NULL"), {}, { server: 17 });
  await same(table("id integer,\n    CONSTRAINT there NOT NULL id"), table("id integer NOT NULL"));
  await different(table("id integer CONSTRAINT there NOT NULL NO INHERIT"), table("id integer NOT NULL"));
});

rules("NOT NULL that a parent has is not the child's own before 18", async () => {
  const with18 = (child: string) =>
    `CREATE TABLE public.p (id integer NOT NULL);\nCREATE TABLE public.t (${child}) INHERITS (public.p);`;
  await same(with18("id integer NOT NULL"), with18("id integer"), {}, { server: 17 });
  await different(with18("own integer NOT NULL"), with18("own integer"));
});

rules("SQL's own syntax for a function is a call", async () => {
  const pairs: readonly [string, string][] = [
    ["TRIM(BOTH 'x'::text FROM a)", "btrim(a, 'x'::text)"],
    ["TRIM(LEADING FROM a)", "ltrim(a)"],
    ["SUBSTRING(a FROM 2 FOR 3)", '"substring"(a, 2, 3)'],
    ["OVERLAY(a PLACING 'z'::text FROM 2)", "\"overlay\"(a, 'z'::text, 2)"],
    ["POSITION(('a'::text) IN (b))", "\"position\"(b, 'a'::text)"],
    ["NORMALIZE(a, NFKC)", "\"normalize\"(a, 'nfkc'::text)"],
    ["(a IS NFC NORMALIZED)", "is_normalized(a, 'nfc'::text)"],
    ["((a, b) OVERLAPS (c, d))", '"overlaps"(a, b, c, d)'],
    ["(a AT TIME ZONE 'UTC'::text)", "timezone('UTC'::text, a)"],
    ["COLLATION FOR (a)", "pg_collation_for(a)"],
  ];
  for (const [sql, call] of pairs) {
    await same(view(`SELECT ${sql} AS x FROM public.t`), view(`SELECT ${call} AS x FROM public.t`));
  }
  await different(view("SELECT NORMALIZE(a, NFC) AS x"), view("SELECT NORMALIZE(a, NFD) AS x"));
  await different(view("SELECT btrim(a) AS x"), view("SELECT public.btrim(a) AS x"));
});

rules("XMLSERIALIZE says NO INDENT since 16", async () => {
  await same(
    view("SELECT XMLSERIALIZE(CONTENT a AS text) AS x"),
    view("SELECT XMLSERIALIZE(CONTENT a AS text NO INDENT) AS x"),
  );
  await different(
    view("SELECT XMLSERIALIZE(CONTENT a AS text) AS x"),
    view("SELECT XMLSERIALIZE(CONTENT a AS text INDENT) AS x"),
  );
});

rules("before 14 EXTRACT is date_part, since then they differ", async () => {
  const extract = view("SELECT EXTRACT(year FROM a) AS x FROM public.t");
  const datePart = view("SELECT date_part('year'::text, a) AS x FROM public.t");
  await same(extract, datePart, { server: 14 }, { server: 13 });
  await different(extract, datePart, { server: 14 }, { server: 14 });
});

rules("SQL's own syntax hides the implicit casts that a call shows", async () => {
  const sql = table("a character varying,\n    CONSTRAINT c CHECK ((POSITION((' '::text) IN (a)) = 0))");
  const call = table(
    "a character varying,\n    CONSTRAINT c CHECK ((\"position\"((a)::text, ' '::text) = 0))",
  );
  await same(sql, call, { server: 14 }, { server: 13 });
  await different(sql, call, { server: 14 }, { server: 14 });
});

rules("views over one relation qualify their columns before 16", async () => {
  const pairs: readonly [string, string][] = [
    [
      "SELECT t.a FROM public.t WHERE (t.a > 1) ORDER BY t.b",
      "SELECT a FROM public.t WHERE (a > 1) ORDER BY b",
    ],
    ["SELECT x.a FROM public.t x GROUP BY x.a", "SELECT a FROM public.t x GROUP BY a"],
    ["SELECT f.a FROM public.f() f(a)", "SELECT a FROM public.f() f(a)"],
    ["SELECT s.a FROM ( SELECT t.a FROM public.t) s", "SELECT a FROM ( SELECT t.a FROM public.t) s"],
    ["SELECT v.a FROM ( VALUES (1)) v(a)", "SELECT a FROM ( VALUES (1)) v(a)"],
    [
      "SELECT t.a FROM public.t TABLESAMPLE bernoulli (10)",
      "SELECT a FROM public.t TABLESAMPLE bernoulli (10)",
    ],
  ];
  for (const [before, since] of pairs) await same(view(before), view(since), { server: 15 }, { server: 16 });
  const materialized = (select: string) =>
    `CREATE MATERIALIZED VIEW public.m AS\n ${select}\n  WITH NO DATA;`;
  await same(materialized("SELECT t.a FROM public.t"), materialized("SELECT a FROM public.t"));
});

rules("columns of joins and of inner queries stay qualified", async () => {
  const joined = (column: string) => view(`SELECT ${column} FROM (public.t JOIN public.u ON (true))`);
  await different(joined("t.a"), joined("u.a"));
  const inner = (column: string) =>
    view(`SELECT a FROM public.t WHERE (EXISTS ( SELECT 1 FROM public.u WHERE (${column} = u.b)))`);
  await different(inner("t.a"), inner("u.a"));
  await different(view("SELECT t.* FROM public.t"), view("SELECT t.*::text FROM public.t"));
});

rules("a cast of an array is a cast of its elements", async () => {
  const check = (list: string) =>
    table(`a character varying,\n    CONSTRAINT c CHECK (((a)::text = ANY (${list})))`);
  await same(
    check("(ARRAY['x'::character varying, 'y'::character varying])::text[]"),
    check("ARRAY[('x'::character varying)::text, ('y'::character varying)::text]"),
  );
  await different(
    check("(ARRAY['x'::character varying, 'y'::character varying])::text[]"),
    check("ARRAY[('x'::character varying)::text, ('z'::character varying)::text]"),
  );
});

rules("a sequence's defaults may be spelled out", async () => {
  await same(
    "CREATE SEQUENCE public.s\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    NO MAXVALUE\n    CACHE 1;",
    "CREATE SEQUENCE public.s AS bigint;",
  );
  const identity = (options: string) =>
    `ALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME public.t_id_seq${options}\n);`;
  await same(
    identity("\n    START WITH 1\n    INCREMENT BY 1\n    NO MINVALUE\n    NO MAXVALUE\n    CACHE 1"),
    identity(""),
  );
  for (const option of [
    "AS integer",
    "START WITH 2",
    "INCREMENT BY -1",
    "MINVALUE 1",
    "MAXVALUE 9",
    "CACHE 2",
    "CYCLE",
  ]) {
    await different(`CREATE SEQUENCE public.s ${option};`, "CREATE SEQUENCE public.s;");
  }
});

rules("a range's multirange has a name since 14", async () => {
  const range = (name: string, multirange: string) =>
    `CREATE TYPE public.${name} AS RANGE (\n    subtype = integer${multirange}\n);`;
  await same(
    range("floatrange", ",\n    multirange_type_name = public.floatmultirange"),
    range("floatrange", ""),
  );
  await same(range("span", ",\n    multirange_type_name = public.span_multirange"), range("span", ""));
  await different(range("span", ",\n    multirange_type_name = public.spans"), range("span", ""));
});

rules("IN before a procedure's parameter is written since 14", async () => {
  const procedure = (mode: string) =>
    `CREATE PROCEDURE public.p(${mode}a integer) LANGUAGE sql AS $$ SELECT 1 $$;\nCOMMENT ON PROCEDURE public.p(${mode}a integer) IS 'c';`;
  await same(procedure("IN "), procedure(""), {}, { server: 13 });
  await different(procedure("INOUT "), procedure(""));
});

rules("all privileges of a table are seven before 17 and eight since", async () => {
  const all = "GRANT ALL ON TABLE public.t TO app WITH GRANT OPTION;";
  const seven =
    "GRANT SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE public.t TO app WITH GRANT OPTION;";
  await same(all, seven, { server: 17 }, { server: 16 });
  await different(all, seven, { server: 17 }, { server: 17 });
});

rules("privileges may be granted together or one by one, in any order", async () => {
  await same(
    "GRANT SELECT,INSERT ON TABLE public.t TO app;",
    "GRANT INSERT ON TABLE public.t TO app;\nGRANT SELECT ON TABLE public.t TO app;",
  );
  await same(
    "GRANT SELECT ON TABLE public.t TO a;\nGRANT SELECT ON TABLE public.t TO b;",
    "GRANT SELECT ON TABLE public.t TO b;\nGRANT SELECT ON TABLE public.t TO a;",
  );
  await different("GRANT SELECT(a) ON TABLE public.t TO app;", "GRANT SELECT ON TABLE public.t TO app;");
});

rules("the roles of a policy are a set", async () => {
  await same("CREATE POLICY p ON public.t TO a, b;", "CREATE POLICY p ON public.t TO b, a;");
  await different("CREATE POLICY p ON public.t TO a, b;", "CREATE POLICY p ON public.t TO a;");
});

rules("options are a set", async () => {
  await same(
    "CREATE TABLE public.t () WITH (fillfactor='80', autovacuum_enabled='false');",
    "CREATE TABLE public.t () WITH (autovacuum_enabled='false', fillfactor='80');",
  );
  await same(
    "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql IMMUTABLE COST 5 AS $$ SELECT 1 $$;",
    "CREATE FUNCTION public.f() RETURNS integer COST 5 LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;",
  );
});

rules("what is made before its time is made again", async () => {
  const real = "CREATE OR REPLACE VIEW public.v AS SELECT t.id FROM public.t GROUP BY t.id;";
  await same(`CREATE VIEW public.v AS SELECT NULL::integer AS id;\n${real}`, real.replace("OR REPLACE ", ""));
  const type = "CREATE TYPE public.y (INPUT = public.i, OUTPUT = public.o);";
  await same(`CREATE TYPE public.y;\n${type}`, type);
  await different("CREATE TYPE public.y;", "");
  await different("CREATE VIEW public.v AS SELECT NULL::integer AS id;", "");
});

rules("subscriptions count only where asked for", async () => {
  const subscription = "CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p WITH (connect = false);";
  await same(subscription, "");
  await different(subscription, "", { settings: { subscriptions: true } });
});

rules("the tool's own tables never count, nor what belongs to them", async () => {
  const own =
    "CREATE TABLE public.wo_objects (po_id text NOT NULL);\nALTER TABLE ONLY public.wo_objects ADD CONSTRAINT wo_objects_pkey PRIMARY KEY (po_id);\nGRANT SELECT ON TABLE public.wo_objects TO app;\nCREATE TABLE public.wo_migrations (pm_id text NOT NULL);\nCREATE SCHEMA wovtool;\nCREATE TABLE wovtool.x ();";
  await same(own, "");
});

rules("schemas and tables may be ignored by patterns", async () => {
  const sql =
    "CREATE SCHEMA cron;\nCREATE TABLE cron.job (id integer);\nCREATE TABLE public.events (id integer);\nCREATE TABLE public.events_1 (id integer);\nALTER TABLE ONLY public.events ATTACH PARTITION public.events_1 DEFAULT;\nCREATE TRIGGER t AFTER INSERT ON public.events_1 FOR EACH ROW EXECUTE FUNCTION public.f();\nCREATE PUBLICATION p;\nALTER PUBLICATION p ADD TABLE ONLY public.events_1;";
  const left = "CREATE TABLE public.events (id integer);\nCREATE PUBLICATION p;";
  await same(sql, left, { settings: { ignoreSchemas: ["cr?n"], ignoreTables: ["events_*"] } });
  await same(sql, left, { settings: { ignoreSchemas: ["cron"], ignoreTables: ["public.events_?"] } });
  await different(sql, left, { settings: { ignoreSchemas: ["cron"], ignoreTables: ["other.events_*"] } });
});

rules.run();

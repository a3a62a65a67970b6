/** From a dump to scripts: which script holds what, and how it reads. No server. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type ImportedTree, type ImportOptions, importTree, type ServerRole } from "#src/objects/import.js";

/** Imports statements as pg_dump writes them. */
function imported(sql: string, options: Partial<ImportOptions> = {}): Promise<ImportedTree> {
  return importTree(sql, { rolePrefix: "", roles: new Map(), tables: true, ...options });
}

const pathsOf = ({ files }: ImportedTree) => files.map(({ path }) => path);

function scriptAt({ files }: ImportedTree, path: string): string {
  const found = files.find((file) => file.path === path);
  assert.ok(found, `${path} among ${files.map((file) => file.path).join(", ")}`);
  return found?.content ?? "";
}

const tables = suite("import: tables");

/** As pg_dump 18 writes a table with much that can be said of one. */
const ORDERS = `
CREATE TABLE shop.customers (
    id integer NOT NULL
);
ALTER TABLE ONLY shop.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
CREATE TABLE shop.orders (
    id bigint NOT NULL,
    number integer NOT NULL,
    customer integer,
    "Note; to, (us)" text DEFAULT 'a, b)'::text NOT NULL,
    CONSTRAINT positive CHECK ((number > 0))
)
WITH (fillfactor='70');
ALTER TABLE ONLY shop.orders FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE shop.orders IS 'Who bought what';
COMMENT ON COLUMN shop.orders.customer IS 'Whose; it may be gone';
ALTER TABLE shop.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shop.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE shop.orders_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE shop.orders_number_seq OWNED BY shop.orders.number;
ALTER TABLE ONLY shop.orders ALTER COLUMN number SET DEFAULT nextval('shop.orders_number_seq'::regclass);
ALTER TABLE ONLY shop.orders
    ADD CONSTRAINT a_number UNIQUE (number);
ALTER TABLE ONLY shop.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
CREATE INDEX orders_customer ON shop.orders USING btree (customer);
ALTER TABLE shop.orders CLUSTER ON orders_customer;
COMMENT ON INDEX shop.orders_customer IS 'For the list';
ALTER TABLE ONLY shop.orders
    ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES shop.customers(id) ON DELETE SET NULL;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON TABLE shop.orders TO PUBLIC;
`;

tables("all of a table is one script, in the order in which it reads", async () => {
  const tree = await imported(ORDERS);
  assert.equal(pathsOf(tree), ["schemas/public.sql", "tables/shop.customers.sql", "tables/shop.orders.sql"]);
  assert.is(
    scriptAt(tree, "tables/shop.orders.sql"),
    `CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    number serial,
    customer integer,
    "Note; to, (us)" text DEFAULT 'a, b)'::text NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT positive CHECK ((number > 0)),
    CONSTRAINT a_number UNIQUE (number),
    CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES shop.customers(id) ON DELETE SET NULL
)
WITH (fillfactor='70');

CREATE INDEX orders_customer ON shop.orders USING btree (customer);

ALTER TABLE shop.orders CLUSTER ON orders_customer;

ALTER TABLE ONLY shop.orders FORCE ROW LEVEL SECURITY;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE shop.orders IS 'Who bought what';
COMMENT ON COLUMN shop.orders.customer IS 'Whose; it may be gone';
COMMENT ON INDEX shop.orders_customer IS 'For the list';

GRANT SELECT ON TABLE shop.orders TO PUBLIC;
`,
  );
});

tables("a sequence that is not as a serial's is said in full, one that others need has a file", async () => {
  const tree = await imported(`
CREATE TABLE s.a (
    id bigint CONSTRAINT id_is_there NOT NULL
);
CREATE SEQUENCE s.counter
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 99
    CACHE 1
    CYCLE;
ALTER SEQUENCE s.counter OWNED BY s.a.id;
CREATE TABLE s.b (
    id bigint DEFAULT nextval('s.shared'::regclass)
);
CREATE TABLE s.c (
    id integer NOT NULL
);
CREATE SEQUENCE s.shared
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE s.shared OWNED BY s.c.id;
ALTER TABLE ONLY s.a ALTER COLUMN id SET DEFAULT nextval('s.counter'::regclass);
ALTER TABLE ONLY s.c ALTER COLUMN id SET DEFAULT nextval('s.shared'::regclass);
`);
  assert.is(
    scriptAt(tree, "tables/s.a.sql"),
    `CREATE SEQUENCE s.counter
    MAXVALUE 99
    CYCLE;

CREATE TABLE s.a (
    id bigint DEFAULT nextval('s.counter'::regclass) CONSTRAINT id_is_there NOT NULL
);

ALTER SEQUENCE s.counter OWNED BY s.a.id;
`,
  );
  assert.is(scriptAt(tree, "sequences/s.shared.sql"), "CREATE SEQUENCE s.shared\n    AS integer;\n");
  assert.is(
    scriptAt(tree, "tables/s.c.sql"),
    `CREATE TABLE s.c (
    id integer DEFAULT nextval('s.shared'::regclass) NOT NULL
);

ALTER SEQUENCE s.shared OWNED BY s.c.id;
`,
  );
});

/** Tables `s.a`, `s.b` … with a key and foreign keys, e.g. `{ a: "bc" }`: `a` refers to `b` and to `c`. */
function references(by: Readonly<Record<string, string>>): string {
  const made = Object.keys(by).map(
    (name) =>
      `CREATE TABLE s.${name} (\n    id integer NOT NULL\n);\nALTER TABLE ONLY s.${name} ADD CONSTRAINT ${name}_pkey PRIMARY KEY (id);\n`,
  );
  const keys = Object.entries(by).flatMap(([name, targets]) =>
    [...targets].map(
      (to) =>
        `ALTER TABLE ONLY s.${name}\n    ADD CONSTRAINT ${name}_${to} FOREIGN KEY (id) REFERENCES s.${to}(id);\n`,
    ),
  );
  return [...made, ...keys].join("");
}

const CIRCLES: readonly (readonly [name: string, by: Record<string, string>, apart: string[]])[] = [
  ["a line has no file of its own for any", { a: "b", b: "c", c: "" }, []],
  ["a table may refer to itself", { a: "a", b: "ab" }, []],
  ["in a pair, the first by name has one", { b: "a", a: "b" }, ["s.a.a_b"]],
  ["what refers to a circle stays", { a: "bc", b: "c", c: "b" }, ["s.b.b_c"]],
  ["the one with the fewest has them", { a: "bc", b: "ac", c: "a" }, ["s.a.a_b", "s.c.c_a"]],
  ["two circles, each its own", { a: "b", b: "a", c: "d", d: "c" }, ["s.a.a_b", "s.c.c_d"]],
];

for (const [name, by, apart] of CIRCLES) {
  tables(`foreign keys: ${name}`, async () => {
    const tree = await imported(references(by));
    const files = pathsOf(tree).filter((path) => path.startsWith("constraints/"));
    assert.equal(
      files,
      apart.map((of) => `constraints/${of}.sql`),
    );
  });
}

tables.run();

const objects = suite("import: other objects");

objects("functions of one name are one script, and can be replaced", async () => {
  const tree = await imported(`
CREATE FUNCTION s.add(a integer) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1$_$;
COMMENT ON FUNCTION s.add(a integer) IS 'One';
CREATE FUNCTION s.add(a integer, b integer) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1 + $2$_$;
CREATE PROCEDURE s.add(IN a text)
    LANGUAGE sql
    AS $$SELECT 1$$;
REVOKE ALL ON FUNCTION s.add(a integer, b integer) FROM PUBLIC;
`);
  assert.is(
    scriptAt(tree, "functions/s.add.sql"),
    `CREATE OR REPLACE FUNCTION s.add(a integer) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1$_$;

COMMENT ON FUNCTION s.add(a integer) IS 'One';

CREATE OR REPLACE FUNCTION s.add(a integer, b integer) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1 + $2$_$;

REVOKE ALL ON FUNCTION s.add(a integer, b integer) FROM PUBLIC;
`,
  );
  assert.match(scriptAt(tree, "procedures/s.add.sql"), /^CREATE OR REPLACE PROCEDURE /);
});

objects("a body that only the search path of its caller understands is not looked at", async () => {
  const body = (name: string, more: string, text: string) => `
CREATE FUNCTION s.${name}() RETURNS bigint
    LANGUAGE ${more}
    AS $$${text}$$;`;
  const tree = await imported(`
CREATE TABLE public.known (
    id integer
);
CREATE VIEW s.other AS
 SELECT 1;
${body("gone", "sql", "SELECT count(*) FROM s.known")}
${body("unbound", "sql", "SELECT count(*) FROM other")}
${body("bound", "sql", "SELECT count(*) FROM known, pg_class, pg_catalog.pg_type, s.other")}
${body("with_path", "sql\n    SET search_path TO 's'", "SELECT count(*) FROM other")}
${body("looks_later", "plpgsql", "BEGIN RETURN (SELECT count(*) FROM other); END")}
`);
  const unchecked = tree.files.filter(({ content }) =>
    content.startsWith("SET check_function_bodies = off;\n\nCREATE OR REPLACE FUNCTION "),
  );
  assert.equal(
    unchecked.map(({ path }) => path),
    ["functions/s.gone.sql", "functions/s.unbound.sql"],
  );
});

objects("views can be replaced, materialized ones are filled, and each trigger is a file", async () => {
  const tree = await imported(`
CREATE VIEW s.v AS
 SELECT 1 AS a;
ALTER TABLE ONLY s.v ALTER COLUMN a SET DEFAULT 2;
CREATE MATERIALIZED VIEW s.m AS
 SELECT a
   FROM s.v
  WITH NO DATA;
CREATE UNIQUE INDEX m_a ON s.m USING btree (a);
CREATE TRIGGER touch INSTEAD OF UPDATE ON s.v FOR EACH ROW EXECUTE FUNCTION s.f();
COMMENT ON TRIGGER touch ON s.v IS 'Touches';
`);
  assert.is(
    scriptAt(tree, "views/s.v.sql"),
    "CREATE OR REPLACE VIEW s.v AS\n SELECT 1 AS a;\n\nALTER TABLE ONLY s.v ALTER COLUMN a SET DEFAULT 2;\n",
  );
  assert.is(
    scriptAt(tree, "materialized-views/s.m.sql"),
    "CREATE MATERIALIZED VIEW s.m AS\n SELECT a\n   FROM s.v;\n\nCREATE UNIQUE INDEX m_a ON s.m USING btree (a);\n",
  );
  assert.match(scriptAt(tree, "triggers/s.v.touch.sql"), /^CREATE TRIGGER .*;\n\nCOMMENT ON TRIGGER /);
});

objects("what has no kind is made before the objects, or after them where nothing needs it", async () => {
  const tree = await imported(`
CREATE SCHEMA s;
COMMENT ON SCHEMA s IS 'Ours';
CREATE TYPE s.pair AS (
    a integer
);
CREATE COLLATION s.by_code (provider = libc, locale = 'C');
CREATE FUNCTION s.less(s.pair, s.pair) RETURNS boolean
    LANGUAGE sql
    AS $$SELECT true$$;
CREATE OPERATOR s.<<< (
    FUNCTION = s.less,
    LEFTARG = s.pair,
    RIGHTARG = s.pair
);
CREATE FUNCTION s.idle(text, text) RETURNS boolean
    LANGUAGE sql
    AS $$SELECT true$$;
CREATE OPERATOR s.>>> (
    FUNCTION = s.idle,
    LEFTARG = text,
    RIGHTARG = text
);
COMMENT ON OPERATOR s.>>> (text, text) IS 'Idle';
CREATE VIEW s.v AS
 SELECT (ROW(1)::s.pair OPERATOR(s.<<<) ROW(2)::s.pair) AS less;
`);
  assert.equal(pathsOf(tree), [
    "final/01-operator.sql",
    "functions/s.idle.sql",
    "initial/01-schema.sql",
    "initial/02-type.sql",
    "initial/03-collation.sql",
    "initial/04-function.sql",
    "initial/05-operator.sql",
    "schemas/public.sql",
    "schemas/s.sql",
    "views/s.v.sql",
  ]);
  assert.is(scriptAt(tree, "initial/01-schema.sql"), "CREATE SCHEMA s;\nCOMMENT ON SCHEMA s IS 'Ours';\n");
  assert.match(scriptAt(tree, "final/01-operator.sql"), /^DO \$wo\$\nBEGIN\n {2}CREATE OPERATOR s\.>>> /);
  assert.match(scriptAt(tree, "final/01-operator.sql"), /\n\nCOMMENT ON OPERATOR s\.>>> /);
});

objects("views that need each other come last, with the placeholder that opens the circle", async () => {
  const tree = await imported(`
CREATE VIEW s.v AS
SELECT
    NULL::integer AS id;
CREATE FUNCTION s.f(s.v) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1.id$_$;
CREATE OR REPLACE VIEW s.v AS
 SELECT s.f(ROW(1)::s.v) AS id;
CREATE VIEW s.by_key AS
SELECT
    NULL::integer AS n;
CREATE OR REPLACE VIEW s.by_key AS
 SELECT 1 AS n;
`);
  assert.equal(pathsOf(tree), ["final/01-circle.sql", "schemas/public.sql", "views/s.by_key.sql"]);
  const circle = scriptAt(tree, "final/01-circle.sql");
  assert.equal(circle.match(/^CREATE OR REPLACE \w+/gm), [
    "CREATE OR REPLACE VIEW",
    "CREATE OR REPLACE FUNCTION",
    "CREATE OR REPLACE VIEW",
  ]);
  assert.is(scriptAt(tree, "views/s.by_key.sql"), "CREATE OR REPLACE VIEW s.by_key AS\n SELECT 1 AS n;\n");
});

objects("what is not understood is brought along and named", async () => {
  const odd = "-- Name: odd; Type: FROB; Schema: s; Owner: -";
  const tree = await imported(`CREATE VIEW s.v AS SELECT '{wo_role_prefix}';

--
${odd}
--

CREATE FROB s.odd;
`);
  assert.is(scriptAt(tree, "final/01-others.sql"), "CREATE FROB s.odd;\n");
  assert.match(tree.warnings.join("\n"), /frob odd does not parse/);
  assert.match(tree.warnings.join("\n"), /\{wo_role_prefix\}, which a migrate replaces/);
});

objects("beside deltas there are no tables, nor what is made of them", async () => {
  const tree = await imported(
    `${ORDERS}
CREATE SCHEMA shop;
CREATE TYPE shop.t AS ENUM (
    'a'
);
CREATE VIEW shop.v AS
 SELECT 1 AS a;
CREATE POLICY p ON shop.orders TO reader USING (true);
GRANT SELECT ON TABLE shop.orders TO reader;
CREATE COLLATION shop.c (provider = libc, locale = 'C');
`,
    { tables: false },
  );
  assert.equal(pathsOf(tree), ["policies/shop.orders.p.sql", "roles/reader.sql", "views/shop.v.sql"]);
});

objects("beside deltas, what a cast or an operator needs has no script, and is named", async () => {
  const tree = await imported(
    `
CREATE TYPE public.celsius AS (
    degrees numeric
);
CREATE FUNCTION public.to_text(public.celsius) RETURNS text
    LANGUAGE sql
    RETURN 'warm'::text;
CREATE CAST (public.celsius AS text) WITH FUNCTION public.to_text(public.celsius) AS ASSIGNMENT;
CREATE FUNCTION public.free() RETURNS integer
    LANGUAGE sql
    RETURN 1;
`,
    { tables: false },
  );
  assert.equal(pathsOf(tree), ["functions/public.free.sql"]);
  assert.is(tree.warnings.length, 1);
  assert.match(tree.warnings.join(), /^The function public\.to_text has no script: a cast/);
});

objects("what does not count as schema is left out", async () => {
  const sql = `
CREATE TABLE public.wo_objects (
    po_id text NOT NULL
);
CREATE SCHEMA private;
CREATE TABLE private.t (
    id integer
);
CREATE TABLE public.log_1 (
    id bigint NOT NULL
);
CREATE SEQUENCE public.log_seq;
ALTER SEQUENCE public.log_seq OWNED BY public.log_1.id;
CREATE POLICY p ON public.log_1 USING (true);
`;
  const settings = { ignoreSchemas: ["priv*"], ignoreTables: ["log_?"] };
  assert.equal(pathsOf(await imported(sql, { settings })), ["schemas/public.sql"]);
});

objects.run();

const roles = suite("import: roles");

const GRANTS = `
CREATE TABLE s.t (
    id integer
);
CREATE POLICY mine ON s.t FOR SELECT TO app_reader, "app_Writer" USING ((id > 0));
CREATE POLICY theirs ON s.t TO auditor USING (true);
GRANT SELECT ON TABLE s.t TO app_reader;
GRANT INSERT ON TABLE s.t TO "app_Writer" WITH GRANT OPTION;
GRANT UPDATE(id) ON TABLE s.t TO app_user;
GRANT SELECT ON TABLE s.t TO auditor;
GRANT SELECT ON TABLE s.t TO pg_monitor;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA s GRANT SELECT ON TABLES TO app_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;
`;

roles("permissions are in the scripts of the project's roles, with the prefix put in", async () => {
  const tree = await imported(GRANTS, { rolePrefix: "app_" });
  assert.is(
    scriptAt(tree, "roles/reader.sql"),
    `CREATE ROLE {wo_role_prefix}reader;

GRANT SELECT ON TABLE s.t TO {wo_role_prefix}reader;

ALTER POLICY mine ON s.t TO "{wo_role_prefix}Writer", {wo_role_prefix}reader;

ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO {wo_role_prefix}reader;
`,
  );
  assert.is(
    scriptAt(tree, "roles/%57riter.sql"),
    'CREATE ROLE "{wo_role_prefix}Writer";\n\nGRANT INSERT ON TABLE s.t TO "{wo_role_prefix}Writer" WITH GRANT OPTION;\n',
  );
  // `user` alone is a keyword, and the prefix may be empty elsewhere.
  assert.match(scriptAt(tree, "roles/user.sql"), /^CREATE ROLE "\{wo_role_prefix\}user";/);
  assert.is(
    scriptAt(tree, "policies/s.t.mine.sql"),
    "CREATE POLICY mine ON s.t FOR SELECT USING ((id > 0));\n",
  );
  assert.is(
    scriptAt(tree, "final/01-default-privileges.sql"),
    "ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;\n",
  );
});

roles(
  "other roles have no script: what they may do stands with the object, and a warning names them",
  async () => {
    const tree = await imported(GRANTS, { rolePrefix: "app_" });
    const table = scriptAt(tree, "tables/s.t.sql");
    assert.match(
      table,
      /GRANT SELECT ON TABLE s\.t TO auditor;\nGRANT SELECT ON TABLE s\.t TO pg_monitor;\n$/,
    );
    assert.is(
      scriptAt(tree, "policies/s.t.theirs.sql"),
      "CREATE POLICY theirs ON s.t TO auditor USING (true);\n",
    );
    assert.is(
      tree.warnings.filter((warning) => warning.includes("The role auditor does not begin")).length,
      1,
    );
    assert.is(tree.warnings.length, 1);
    assert.equal(tree.roles, ["app_Writer", "app_reader", "app_user"]);
  },
);

roles("what an owner gave up is given up by whoever migrates", async () => {
  const tree = await imported(`
CREATE TABLE s.t (
    id integer
);
REVOKE ALL ON TABLE s.t FROM boss;
GRANT SELECT ON TABLE s.t TO boss;
GRANT SELECT ON TABLE s.t TO reader;
`);
  assert.match(
    scriptAt(tree, "tables/s.t.sql"),
    /REVOKE ALL ON TABLE s\.t FROM CURRENT_USER;\nGRANT SELECT ON TABLE s\.t TO CURRENT_USER;\n$/,
  );
  assert.equal(tree.roles, ["reader"]);
  assert.match(tree.warnings.join("\n"), /has given up privileges/);
});

roles("what the server knows of a role is in its script", async () => {
  const role: ServerRole = {
    attributes: [],
    isSuperuser: false,
    memberOf: [],
    settings: [],
    comment: null,
  };
  const tree = await imported("GRANT USAGE ON SCHEMA public TO app_reader, app_root;", {
    rolePrefix: "app_",
    roles: new Map<string, ServerRole>([
      ["app_root", { ...role, isSuperuser: true }],
      [
        "app_reader",
        {
          ...role,
          attributes: ["LOGIN", "CONNECTION LIMIT 5"],
          memberOf: [{ role: "app_base", options: "WITH ADMIN OPTION" }],
          settings: ["SET work_mem TO '8MB'"],
          comment: "'Reads'",
        },
      ],
      ["app_base", role],
      ["app_unused", role],
    ]),
  });
  assert.equal(tree.roles, ["app_base", "app_reader", "app_unused"]);
  assert.is(
    scriptAt(tree, "roles/reader.sql").split("\n\nGRANT USAGE")[0],
    `CREATE ROLE {wo_role_prefix}reader LOGIN CONNECTION LIMIT 5;

ALTER ROLE {wo_role_prefix}reader SET work_mem TO '8MB';

COMMENT ON ROLE {wo_role_prefix}reader IS 'Reads';

GRANT {wo_role_prefix}base TO {wo_role_prefix}reader WITH ADMIN OPTION;`,
  );
});

roles("the password of a user mapping is named in a warning", async () => {
  const tree = await imported(
    `CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
CREATE USER MAPPING FOR reader SERVER far OPTIONS (
    password 'hidden'
);`,
  );
  assert.match(
    scriptAt(tree, "roles/reader.sql"),
    /CREATE USER MAPPING IF NOT EXISTS FOR \{wo_role_prefix\}reader/,
  );
  assert.match(tree.warnings.join("\n"), /user mapping for reader server far has a password/);
  assert.not.match(tree.warnings.join("\n"), /hidden/);
});

roles.run();

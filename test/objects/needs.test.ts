/** What scripts need, by their parse trees; in which order they run; what is refused before anything is touched. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, ConfigError } from "#src/errors.js";
import { planObjects } from "#src/objects/decide.js";
import {
  decodePart,
  encodePart,
  fileNameOf,
  idOf,
  kindOfDirectory,
  nameOfFile,
  nameOfId,
} from "#src/objects/kinds.js";
import { NOTHING } from "#src/objects/state.js";
import { readTree } from "#src/objects/tree.js";
import { thrownBy } from "../support/errors.js";
import { type Files, inFolder } from "./support.js";

/** What each object of a tree needs, its own schema aside. */
async function needsIn(files: Files, searchPath?: readonly string[]): Promise<Record<string, string[]>> {
  return inFolder(files, async (folder) => {
    const plan = await planObjects(await readTree(folder, "p_"), NOTHING, { searchPath });
    return Object.fromEntries(
      plan.bookkeep.enter.map(({ id, dependsOn }) => [
        id,
        dependsOn.filter((need) => !need.startsWith("schema.")),
      ]),
    );
  });
}

const orderOf = (files: Files, searchPath?: readonly string[]) =>
  inFolder(files, async (folder) => {
    const plan = await planObjects(await readTree(folder, "p_"), NOTHING, { searchPath });
    return { ids: plan.steps.map(({ id }) => id), check: plan.check, notes: plan.notes };
  });

const GROUND: Files = {
  "schemas/app.sql": "CREATE SCHEMA app;",
  "tables/public.a.sql": "CREATE TABLE a (id integer);",
  "tables/app.a.sql": "CREATE TABLE app.a (id integer);",
  "tables/public.b.sql": "CREATE TABLE b (id integer);",
  "functions/public.f.sql": "CREATE FUNCTION f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
  "functions/app.f.sql": "CREATE FUNCTION app.f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
  "types/public.mood.sql": "CREATE TYPE mood AS ENUM ('sad');",
  "sequences/public.s.sql": "CREATE SEQUENCE s;",
};
const F = "function.public.f";
const A = "table.public.a";
const B = "table.public.b";
const view = (query: string) => ({ "views/public.v.sql": `CREATE VIEW v AS ${query}` });
const body = (language: string, text: string, more = "") => ({
  "functions/public.g.sql": `CREATE FUNCTION g(${more}) RETURNS void LANGUAGE ${language} AS $_$${text}$_$;`,
});

const needs = suite("objects: what a script needs");

for (const [what, files, expected] of [
  ["a table", view("SELECT * FROM a"), [A]],
  ["no word in a comment or a string", view("SELECT 'f(1) from b' AS x /* b */ FROM a -- b, f(1)"), [A]],
  ["a schema that is named", view("SELECT * FROM app.a"), ["table.app.a"]],
  ["a function, its argument and all", view("SELECT f(id) FROM a"), [F, A]],
  ["no built-in function", view("SELECT lower('X'), count(*) FROM pg_class"), []],
  ["no column of a table's name", view("SELECT b FROM (SELECT id AS b FROM a) x"), [A]],
  ["no name of a WITH query", view("WITH b AS (SELECT * FROM a) SELECT * FROM b"), [A]],
  ["the table behind a WITH query of its name", view("WITH a AS (SELECT * FROM a) SELECT * FROM a"), [A]],
  [
    "not itself by WITH RECURSIVE",
    view("WITH RECURSIVE v AS (SELECT 1 UNION SELECT * FROM v) SELECT * FROM v"),
    [],
  ],
  ["a type", view("SELECT 'sad'::mood, NULL::a"), [A, "type.public.mood"]],
  [
    "a relation by regclass, and by nextval",
    view("SELECT 'a'::regclass, nextval('s')"),
    ["sequence.public.s", A],
  ],
  ["quoted names", view('SELECT * FROM "public"."a"'), [A]],
  ["a procedure that a body calls", body("sql", "CALL f(1)"), [F]],
  ["a procedure that PL/pgSQL calls", body("plpgsql", "BEGIN CALL f(1); END"), [F]],
  ["what an SQL body uses", body("sql", "INSERT INTO a SELECT f(1)"), [F, A]],
  [
    "what a PL/pgSQL body uses",
    body("plpgsql", "DECLARE r a%rowtype; n b.id%type; BEGIN r.id := f(1); PERFORM 1; END"),
    [F, A, B],
  ],
  [
    "assignments to fields and elements",
    body("plpgsql", "DECLARE r record; n int[]; BEGIN n[f(1)] := (SELECT id FROM b); END"),
    [F, B],
  ],
  [
    "a loop over a query",
    body(
      "plpgsql",
      "DECLARE r record; BEGIN FOR r IN SELECT * FROM a LOOP UPDATE b SET id = r.id; END LOOP; END",
    ),
    [A, B],
  ],
  [
    "cursors and dynamic arguments",
    body("plpgsql", "DECLARE c CURSOR FOR SELECT * FROM a; BEGIN EXECUTE 'x' USING f(1); OPEN c; END"),
    [F, A],
  ],
  ["no comment in a body", body("plpgsql", "BEGIN -- f(1) of b\n PERFORM 1; END"), []],
  ["types of parameters", body("sql", "SELECT", "x a, y mood"), [A, "type.public.mood"]],
  [
    "a body of standard SQL",
    {
      "functions/public.g.sql":
        "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM a; END;",
    },
    [A],
  ],
  [
    "an aggregate's functions",
    {
      "aggregates/public.g.sql": "CREATE AGGREGATE g(integer) (SFUNC = h, STYPE = mood);",
      "functions/public.h.sql":
        "CREATE FUNCTION h(m mood, x integer) RETURNS mood LANGUAGE sql AS 'SELECT m';",
    },
    ["function.public.h", "type.public.mood"],
  ],
  [
    "a foreign key",
    { "constraints/public.a.g.sql": "ALTER TABLE a ADD CONSTRAINT g FOREIGN KEY (id) REFERENCES b (id);" },
    [A, B],
  ],
  [
    "a policy",
    {
      "policies/public.a.g.sql": "CREATE POLICY g ON a USING (EXISTS (SELECT FROM b WHERE f(b.id) = a.id));",
    },
    [F, A, B],
  ],
  [
    "a trigger",
    { "triggers/public.a.g.sql": "CREATE TRIGGER g AFTER INSERT ON a EXECUTE FUNCTION f();" },
    [F, A],
  ],
  [
    "a rule",
    { "rules/public.a.g.sql": "CREATE RULE g AS ON INSERT TO a DO ALSO INSERT INTO b VALUES (f(new.id));" },
    [F, A, B],
  ],
  ["an index", { "indexes/public.g.sql": "CREATE INDEX g ON a (f(id));" }, [F, A]],
  [
    "a domain",
    { "domains/public.g.sql": "CREATE DOMAIN g AS mood CHECK (f(1) > 0);" },
    [F, "type.public.mood"],
  ],
  [
    "a default, a check, a generated column, a parent",
    {
      "tables/public.g.sql": "CREATE TABLE g (x integer DEFAULT f(1) CHECK (f(x) > 0), m mood) INHERITS (a);",
    },
    [F, A, "type.public.mood"],
  ],
  ["an owned sequence", { "sequences/public.g.sql": "CREATE SEQUENCE g OWNED BY a.id;" }, [A]],
  [
    "a role's grants and policies",
    {
      "policies/public.a.p.sql": "CREATE POLICY p ON a;",
      "roles/g.sql":
        "CREATE ROLE p_g; GRANT SELECT ON b TO p_g; GRANT EXECUTE ON FUNCTION f(integer) TO p_g; ALTER POLICY p ON a TO p_g;",
    },
    [F, "policy.public.a.p", A, B],
  ],
  [
    "all of a schema",
    { "roles/g.sql": "CREATE ROLE p_g; GRANT SELECT ON ALL TABLES IN SCHEMA app TO p_g;" },
    ["table.app.a"],
  ],
  [
    "what cannot be parsed, by words",
    body("plpgsql", "BEGIN this is no PL/pgSQL about a and f, 'b' -- b\n END"),
    [F, A],
  ],
] satisfies [string, Files, string[]][]) {
  needs(what, async () => {
    const all = await needsIn({ ...GROUND, ...files });
    const [id = ""] = Object.keys(all).filter((one) => /\.(?:v|g|p_g)$/.test(one));
    assert.equal(all[id], expected.toSorted());
  });
}

needs("the search path is that of the setting", async () => {
  const files = { ...GROUND, "views/app.v.sql": "CREATE VIEW v AS SELECT f(id) FROM a, b" };
  const all = await needsIn(
    {
      ...files,
      "tables/public.a.sql": "CREATE TABLE public.a ();",
      "tables/public.b.sql": "CREATE TABLE public.b ();",
      "functions/public.f.sql":
        "CREATE FUNCTION public.f(x integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
      "types/public.mood.sql": "CREATE TYPE public.mood AS ENUM ('sad');",
      "sequences/public.s.sql": "CREATE SEQUENCE public.s;",
    },
    ["app", "public"],
  );
  assert.equal(all["view.app.v"], ["function.app.f", "table.app.a", B]);
});

needs("a script that was searched by words is named", async () => {
  const { notes } = await orderOf({ ...GROUND, ...body("plpgsql", "BEGIN this is none END") });
  assert.match(notes.join(), /g\.sql could not be parsed whole .*looked for by words/);
});

needs.run();

const order = suite("objects: in which order");

order("what is needed comes first, kinds next, names last; roles at the end", async () => {
  const files = {
    ...GROUND,
    "tables/public.b.sql": "CREATE TABLE b (id integer DEFAULT f(1));",
    "tables/public.a.sql": "CREATE TABLE a (id integer, b b);",
    "views/public.y.sql": "CREATE VIEW y AS SELECT * FROM z;",
    "views/public.z.sql": "CREATE VIEW z AS SELECT * FROM a;",
    "roles/r.sql": "CREATE ROLE p_r;",
    "roles/q.sql": "CREATE ROLE p_q; GRANT p_r TO p_q;",
  };
  const { ids } = await orderOf(files);
  assert.equal(ids, [
    "schema.app",
    "type.public.mood",
    "sequence.public.s",
    "table.app.a",
    "function.app.f",
    F,
    B,
    A,
    "view.public.z",
    "view.public.y",
    "role.p_r",
    "role.p_q",
  ]);
  assert.equal((await orderOf(Object.fromEntries(Object.entries(files).reverse()))).ids, ids);
});

order("a function that a table needs is made first, and its body looked at last", async () => {
  const { ids, check } = await orderOf({
    "tables/public.a.sql": "CREATE TABLE a (id integer DEFAULT f());",
    "functions/public.f.sql":
      "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT count(*)::integer FROM a';",
  });
  assert.equal(ids, [F, A]);
  assert.equal(check, [F]);
});

order("functions may call each other, and themselves", async () => {
  const { ids } = await orderOf({
    "functions/public.f.sql":
      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM g(); PERFORM f(); END';",
    "functions/public.g.sql":
      "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f(); END';",
  });
  assert.equal(ids, [F, "function.public.g"]);
});

order.run();

const refused = suite("objects: what is refused before anything is touched");

for (const [what, files, code, message] of [
  [
    "tables whose foreign keys go round",
    {
      "tables/public.a.sql": "CREATE TABLE a (id integer PRIMARY KEY, b integer REFERENCES b);",
      "tables/public.b.sql": "CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a);",
    },
    "OBJECT_CYCLE",
    /a\.sql needs table\.public\.b[\s\S]*b\.sql needs table\.public\.a/,
  ],
  [
    "views of each other",
    {
      "views/public.a.sql": "CREATE VIEW a AS SELECT * FROM b;",
      "views/public.b.sql": "CREATE VIEW b AS SELECT * FROM c;",
      "views/public.c.sql": "CREATE VIEW c AS SELECT * FROM a;",
    },
    "OBJECT_CYCLE",
    /a\.sql needs view\.public\.b/,
  ],
  ["a view of itself", view("SELECT * FROM v"), "OBJECT_SELF_REFERENCE", /view\.public\.v/],
  [
    "another name",
    { "views/public.v.sql": "\n\nCREATE VIEW w AS SELECT 1;" },
    "OBJECT_MISMATCH",
    /view public\.v.*makes view w/,
  ],
  ["another schema", { "views/app.v.sql": "CREATE VIEW v AS SELECT 1;" }, "OBJECT_MISMATCH", /view app\.v/],
  ["another kind", { "views/public.v.sql": "CREATE TABLE v ();" }, "OBJECT_MISMATCH", /makes table v/],
  [
    "another table",
    { "triggers/public.a.t.sql": "CREATE TRIGGER t AFTER INSERT ON b EXECUTE FUNCTION f();" },
    "OBJECT_MISMATCH",
    /trigger b\.t/,
  ],
  ["nothing", { "views/public.v.sql": "SELECT 1;" }, "OBJECT_MISMATCH", /does not make/],
  [
    "a role without the prefix",
    { "roles/r.sql": "CREATE ROLE r;" },
    "OBJECT_MISMATCH",
    /role p_r.*makes role r/,
  ],
  [
    "a constraint without a name",
    { "constraints/public.a.c.sql": "ALTER TABLE a ADD CHECK (true);" },
    "OBJECT_MISMATCH",
    /constraint without a name/,
  ],
  [
    "two objects",
    { "views/public.v.sql": "CREATE VIEW v AS SELECT 1;\nCREATE VIEW w AS SELECT 1;" },
    "OBJECT_SEVERAL",
    /also makes view w/,
  ],
  [
    "another function",
    {
      "functions/public.f.sql":
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\nCREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    },
    "OBJECT_SEVERAL",
    /also makes function g/,
  ],
  [
    "BEGIN and COMMIT",
    { "views/public.v.sql": "BEGIN;\nCREATE VIEW v AS SELECT 1;\nCOMMIT;" },
    "OBJECT_TRANSACTION",
    /transaction/,
  ],
] satisfies [string, Files, string, RegExp][]) {
  refused(what, async () => {
    const error = await thrownBy(BlockedError, orderOf(files));
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.match(error.where ?? "", /\.sql/);
    if (code === "OBJECT_SEVERAL") assert.match(error.where ?? "", /\.sql:[23]$/);
  });
}

for (const [what, files, code, where] of [
  ["a name with too few parts", { "views/v.sql": "" }, "OBJECT_FILE_NAME", /views\/v\.sql/],
  ["a name with too many parts", { "views/db.public.v.sql": "" }, "OBJECT_FILE_NAME", /db\.public\.v\.sql/],
  ["a role with a dot", { "roles/public.r.sql": "" }, "OBJECT_FILE_NAME", /public\.r\.sql/],
  ["an empty part", { "triggers/public..t.sql": "" }, "OBJECT_FILE_NAME", /public\.\.t\.sql/],
  ["a % without digits", { "views/public.50%.sql": "" }, "OBJECT_FILE_NAME", /50%/],
  ["a folder inside", { "views/shop/public.v.sql": "" }, "OBJECT_FILE_NAME", /views\/shop/],
  ["a drop script of a table", { "tables/public.t.drop.sql": "" }, "OBJECT_FILE_NAME", /t\.drop\.sql/],
  [
    "two names that differ by case",
    { "views/public.v.sql": "", "views/public.V.sql": "" },
    "OBJECT_TWICE",
    /public\.V\.sql, .*public\.v\.sql/,
  ],
  [
    "bytes that are no UTF-8",
    { "views/public.v.sql": Buffer.from([0xff, 0xfe]) },
    "FILE_NOT_UTF8",
    /public\.v\.sql/,
  ],
] satisfies [string, Readonly<Record<string, string | Uint8Array>>, string, RegExp][]) {
  refused(what, async () => {
    const error = await thrownBy(
      ConfigError,
      inFolder(files, (folder) => readTree(folder, "")),
    );
    assert.is(error.code, code);
    assert.match(error.where ?? "", where);
  });
}

refused("what a table's and a view's script may hold beside it is not", async () => {
  const { ids } = await orderOf({
    "tables/public.a.sql":
      "CREATE TABLE a (id integer) PARTITION BY RANGE (id);\nCREATE TABLE a_1 PARTITION OF a FOR VALUES FROM (1) TO (9);\nCREATE INDEX ON a (id);\nALTER TABLE a ADD CONSTRAINT c CHECK (true);\nCREATE POLICY p ON a;\nCREATE RULE r AS ON DELETE TO a DO NOTHING;\nCREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION suppress_redundant_updates_trigger();\nCOMMENT ON TABLE a IS 'x';",
    "views/public.v.sql":
      "CREATE VIEW v AS SELECT 1 AS x;\nCREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING;\nGRANT SELECT ON v TO PUBLIC;",
    "functions/public.f.sql":
      "CREATE SCHEMA IF NOT EXISTS app;\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';\nREVOKE ALL ON FUNCTION f() FROM PUBLIC;",
  });
  assert.equal(ids, [A, F, "view.public.v"]);
});

refused.run();

const names = suite("objects: file names");

for (const name of [
  "plain",
  "two words",
  "My.View",
  "ÄÖ",
  "a/b\\c",
  'say "hi"',
  "100%",
  " ends ",
  "é",
  "e\u0301",
  "$1",
  "naïve.É",
]) {
  names(`${JSON.stringify(name)} goes there and back`, () => {
    const encoded = encodePart(name);
    assert.is(decodePart(encoded), name);
    assert.is(encoded, encoded.toLowerCase());
    assert.not.match(encoded, /[./\\:*?"<>|]/);
    const object = { type: "policy", parts: ["public", name, name] } as const;
    assert.equal(nameOfId(idOf(object)), object);
    const kind = kindOfDirectory("policies");
    assert.ok(kind);
    if (kind !== undefined) assert.equal(nameOfFile(kind, fileNameOf(object), "x"), object);
  });
}

names("letters are folded unless they are spelled out", () => {
  assert.is(decodePart("MyView"), "myview");
  assert.is(decodePart("%4Dy%56iew"), "MyView");
});

names.run();

/** wo's commands as a user runs them: its variables, making and dropping databases, what is printed. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { woDrop } from "#src/commands/wo/drop.js";
import { woMigrate } from "#src/commands/wo/migrate.js";
import { BlockedError, ConfigError, DatabaseError } from "#src/errors.js";
import { parseConnectionString } from "#src/postgres/conninfo.js";
import { freePort } from "#src/postgres/embedded.js";
import { actions, type Files, WoTree } from "../objects/support.js";
import { FaultProxy } from "../stage/fault-proxy.js";
import { thrownBy } from "../support/errors.js";
import { type Ended, TestProject } from "../support/project.js";
import { testServer } from "../support/server.js";
import { endedWith, jsonOf } from "./support.js";

const PASSWORD = "secret_1x";

const variables = suite("wo: its variables");

const GOOD: Readonly<Record<string, string>> = {
  WO_CONNECTION_STRING: `host=127.0.0.1 port=1 dbname=shop user=shop password=${PASSWORD}`,
  WO_ADMIN_CONNECTION_STRING: `postgres://postgres:${PASSWORD}@127.0.0.1:1/postgres`,
  WO_DIR: "./wo",
  WO_ROLE_PREFIX: "",
  WO_ROOT_CERT: "",
};

for (const name of Object.keys(GOOD)) {
  variables(`${name} has to be set`, async () => {
    const { [name]: _, ...env } = GOOD;
    const error = await thrownBy(ConfigError, woMigrate({ env }));
    assert.is(error.code, "WO_VARIABLE");
    assert.is(error.where, name);
  });
}

for (const [what, env, code, message] of [
  ["an empty connection string", { WO_CONNECTION_STRING: "" }, "WO_VARIABLE", /is empty/],
  [
    "no database",
    { WO_CONNECTION_STRING: `host=h user=u password=${PASSWORD}` },
    "WO_VARIABLE",
    /no database/,
  ],
  ["no role", { WO_CONNECTION_STRING: "postgres://h/db" }, "WO_VARIABLE", /no role/],
  ["an unknown key", { WO_CONNECTION_STRING: `host=h pasword=${PASSWORD}` }, "BAD_CONNINFO", /"pasword"/],
  [
    "a string cut off",
    { WO_CONNECTION_STRING: `host=h password='${PASSWORD}` },
    "BAD_CONNINFO",
    /from character/,
  ],
  ["a port that is no number", { WO_CONNECTION_STRING: "host=h port=x" }, "BAD_CONNINFO", /port/],
  ["an unknown sslmode", { WO_ADMIN_CONNECTION_STRING: "host=h sslmode=perhaps" }, "BAD_SSLMODE", /sslmode/],
  ["a prefix with a quote", { WO_ROLE_PREFIX: "a'b" }, "WO_VARIABLE", /WO_ROLE_PREFIX/],
  ["a search path with a quote", { WO_SEARCH_PATH: "a,b'c" }, "WO_VARIABLE", /WO_SEARCH_PATH/],
  ["an empty WO_DIR", { WO_DIR: "" }, "WO_VARIABLE", /WO_DIR/],
  ["a certificate that is not there", { WO_ROOT_CERT: "./no.pem" }, "WO_CERTIFICATE", /ENOENT/],
  ["a certificate that is none", { WO_ROOT_CERT: "package.json" }, "WO_CERTIFICATE", /cannot be read/],
] satisfies [string, Record<string, string>, string, RegExp][]) {
  variables(`${what} is refused`, async () => {
    const error = await thrownBy(ConfigError, woMigrate({ env: { ...GOOD, ...env } }));
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.not.match(`${error.message}${error.where}${error.hint}`, PASSWORD);
  });
}

variables("a connection string is read as libpq reads it", () => {
  const { host, port, database, user, password, sslmode } = parseConnectionString(
    " host = 'a b'  port=5433 user=u\\ v password='it\\'s \\\\ it' dbname=d sslmode=require connect_timeout=3 ",
  );
  assert.equal(
    [host, port, database, user, password, sslmode],
    ["a b", 5433, "d", "u v", "it's \\ it", "require"],
  );
  assert.is(parseConnectionString("postgresql://me@h:1/x%20y").database, "x y");
});

variables("there has to be a tree, and a server", async () => {
  const error = await thrownBy(ConfigError, woMigrate({ env: { ...GOOD, WO_DIR: "/nowhere/wo" } }));
  assert.is(error.code, "NO_OBJECTS_TREE");
  const tree = await WoTree.create();
  const port = await freePort();
  const env = { ...tree.env, WO_CONNECTION_STRING: `host=127.0.0.1 port=${port} dbname=a user=b` };
  const unreachable = await thrownBy(DatabaseError, woMigrate({ env }));
  assert.is(unreachable.code, "UNREACHABLE");
  assert.match(unreachable.hint ?? "", /WO_CONNECTION_STRING/);
  await tree.remove();
});

variables.run();

const making = suite("wo: making and dropping a database");

const FILES: Files = {
  "tables/public.t.sql": "CREATE TABLE t (id integer PRIMARY KEY);\n",
  "views/public.v.sql": "CREATE VIEW v AS SELECT id FROM t;\n",
  "roles/reader.sql": "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON v TO {wo_role_prefix}reader;\n",
};

interface Made {
  readonly tree: WoTree;
  readonly project: TestProject;
  readonly env: Readonly<Record<string, string>>;
  readonly database: string;
  wo(...args: string[]): Promise<Ended>;
}

/** A folder in which `wo init` was run, for a database and a role that are not there. */
async function initialised(settings: { password?: string } = {}): Promise<Made> {
  const [tree, project] = await Promise.all([WoTree.create(), TestProject.create()]);
  const { host, port } = await testServer();
  const database = `${tree.prefix}shop`;
  const env = {
    ...tree.env,
    WO_DIR: "./wo",
    WO_CONNECTION_STRING: `host=${host} port=${port} dbname=${database} user=${tree.prefix}owner password=${settings.password ?? PASSWORD}`,
  };
  const wo = (...args: string[]) => project.command("wo", args, { env });
  endedWith(0, await wo("init"));
  return { tree, project, env, database, wo };
}

async function write({ project }: Made, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) await project.write(`wo/${path}`, text ?? "");
}

async function exists({ tree, database }: Made): Promise<boolean> {
  return (await tree.value(`SELECT 1 FROM pg_database WHERE datname = '${database}'`)) === 1;
}

making("init, plan, migrate, plan, drop: the whole way", async () => {
  const made = await initialised();
  const { wo, project, env, database, tree } = made;
  assert.match((await wo("init")).stdout, /is there already/);
  assert.equal(Object(await jsonOf({ project }, "wo-init", ["wo", "init", "--json"], { env })).created, []);
  const entries = await readdir(join(project.root, "wo"));
  for (const folder of [
    "create",
    "drop",
    "functions",
    "migrations",
    "roles",
    "tables",
    "schemas",
    "constraints",
    "triggers",
    "policies",
    "extensions",
    "types",
    "views",
  ])
    assert.ok(entries.includes(folder), folder);
  await write(made, FILES);

  const plan = endedWith(0, await wo("plan"));
  assert.match(plan.stdout, /run +wo\/create\/00-create-role\.sql +makes the database/);
  assert.match(plan.stdout, /create +view public\.v +wo\/views\/public\.v\.sql +is not there/);
  assert.not.ok(await exists(made));

  const [, id = ""] = /^ {2}plan ([0-9a-f]{64})$/m.exec(plan.stdout) ?? [];
  assert.match(
    endedWith(1, await wo("migrate", "--plan-id", id.replace(/^./, "x"))).stderr,
    "is not the plan",
  );
  assert.not.ok(await exists(made));
  const migrated = endedWith(0, await wo("migrate", "--plan-id", id));
  assert.match(migrated.stdout, /^migrated \S+, which was made/);
  assert.not.match(migrated.output, PASSWORD);
  assert.ok(await exists(made));
  assert.match(endedWith(0, await wo("migrate")).stdout, /nothing to do/);
  const document = await jsonOf({ project }, "wo-migrate", ["wo", "plan", "--json"], { env });
  assert.equal(Object(document).steps, []);

  const asked = endedWith(1, await wo("drop"));
  assert.match(
    asked.stderr,
    /this will be gone:[\s\S]*database \S+[\s\S]*role \S+reader[\s\S]*view public\.v/,
  );
  assert.match(asked.stderr, /wo drop --no-joke/);
  const forbidden = await project.command("wo", ["drop", "--no-joke"], {
    env: { ...env, WO_ALLOW_DROP: "false" },
  });
  assert.match(endedWith(1, forbidden).stderr, /WO_ALLOW_DROP forbids/);
  assert.ok(await exists(made));

  const dropped = endedWith(0, await wo("drop", "--no-joke"));
  assert.match(dropped.stderr, /this will be gone:/);
  assert.match(dropped.stdout, new RegExp(`^dropped ${database}, and the role ${tree.prefix}reader`));
  assert.not.ok(await exists(made));
  assert.equal(await tree.values(`SELECT rolname FROM pg_roles WHERE rolname LIKE '${tree.prefix}%'`), []);
  const again = await jsonOf({ project }, "wo-drop", ["wo", "drop", "--no-joke", "--json"], { env });
  assert.is(Object(again).dropped, false);
  await Promise.all([project.remove(), tree.remove()]);
});

making("a database that exists but refuses the login is not made again", async () => {
  const made = await initialised();
  await write(made, FILES);
  await write(made, { "create/00-create-role.sql": "SELECT 1 / 0;" });
  await made.tree.db.query(`CREATE ROLE ${made.tree.prefix}owner LOGIN PASSWORD 'another'`);
  await made.tree.db.query(`CREATE DATABASE ${made.database}`);
  for (const command of [["migrate"], ["plan"], ["drop", "--no-joke"]]) {
    const ended = endedWith(3, await made.wo(...command));
    assert.match(ended.stderr, /refuses the login/);
    assert.match(ended.stderr, /Check WO_CONNECTION_STRING/);
  }
  await Promise.all([made.project.remove(), made.tree.remove()]);
});

making("a role that is there already is no reason not to make the database", async () => {
  const made = await initialised();
  await write(made, FILES);
  await made.tree.db.query(`CREATE ROLE ${made.tree.prefix}owner LOGIN SUPERUSER PASSWORD '${PASSWORD}'`);
  endedWith(0, await made.wo("migrate"));
  await Promise.all([made.project.remove(), made.tree.remove()]);
});

making("values that would be no names in SQL are refused before anything is run", async () => {
  const made = await initialised();
  const { tree, project } = made;
  const { port } = await testServer();
  for (const [what, string] of [
    ["password", `dbname=${made.database} user=${tree.prefix}owner password=it's`],
    ["database name", `dbname=my-db user=${tree.prefix}owner password=${PASSWORD}`],
    ["role name", `dbname=${made.database} user='${tree.prefix} owner' password=${PASSWORD}`],
  ] as const) {
    const WO_CONNECTION_STRING = `host=127.0.0.1 port=${port} ${string}`;
    const env = { ...made.env, WO_DIR: join(project.root, "wo"), WO_CONNECTION_STRING };
    const error = await thrownBy(ConfigError, woMigrate({ env }));
    assert.is(error.code, "WO_VARIABLE");
    assert.match(error.message, `The ${what} in WO_CONNECTION_STRING has other characters`);
    assert.match(error.where ?? "", /create\/0\d-create-\w+\.sql/);
  }
  assert.equal(await tree.values(`SELECT rolname FROM pg_roles WHERE rolname LIKE '${tree.prefix}%'`), []);
  await Promise.all([project.remove(), tree.remove()]);
});

making("scripts that do not make the database are told of", async () => {
  const made = await initialised();
  await write(made, { "create/01-create-database.sql": "SELECT 1;" });
  assert.match(endedWith(1, await made.wo("migrate")).stderr, /the database is not there/);
  await write(made, {
    "create/00-create-role.sql": `CREATE ROLE "{role_name}" PASSWORD '{password}' NONSENSE;`,
  });
  const ended = endedWith(1, await made.wo("migrate"));
  assert.match(ended.stderr, /00-create-role\.sql:1/);
  assert.not.match(ended.output, PASSWORD);
  await Promise.all([made.project.remove(), made.tree.remove()]);
});

making("a role that another database needs stays, and so does the database", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const other = await WoTree.create({}, `CREATE TABLE o (); GRANT SELECT ON o TO ${tree.prefix}reader`);
  const error = await thrownBy(BlockedError, woDrop({ env: tree.env, noJoke: true }));
  assert.is(error.code, "ROLE_STAYS");
  assert.match(error.message, new RegExp(other.db.name));
  assert.is(await tree.value("SELECT count(*)::int FROM v"), 0);
  await Promise.all([tree.remove(), other.remove()]);
});

making.run();

const told = suite("wo: what is told");

told("a script that fails: file, line, statement, and what the server says", async () => {
  const tree = await WoTree.create(FILES);
  await tree.migrate();
  const files = {
    "views/public.a.sql": "CREATE VIEW a AS SELECT 1 AS x;\n",
    "views/public.v.sql": "-- what is sold\nCREATE VIEW v AS\n  SELECT id,\n    price\n  FROM t;\n",
  };
  const error = await thrownBy(BlockedError, tree.migrate(files));
  assert.is(error.code, "OBJECT_SCRIPT_FAILED");
  assert.is(error.exitStatus, 1);
  assert.match(error.where ?? "", /views\/public\.v\.sql:4$/);
  assert.match(error.message, /column "price" does not exist/);
  assert.match(error.message, /CREATE VIEW v AS SELECT id, price FROM t/);
  assert.is(await tree.value("SELECT to_regclass('a')"), null);
  assert.not.ok((await tree.recorded()).includes("view.public.a"));
  await tree.remove();
});

told("a script that fails among many new ones", async () => {
  const tree = await WoTree.create({
    ...FILES,
    "views/public.a.sql": "CREATE VIEW a AS SELECT 1 AS x -- no semicolon",
    "views/public.b.sql": "CREATE VIEW b AS SELECT 1 AS x;\nSELECT nothing\n  FROM nowhere;\n",
    "views/public.c.sql": "CREATE VIEW c AS SELECT 1 AS x;\n",
  });
  const error = await thrownBy(BlockedError, tree.migrate());
  assert.match(error.where ?? "", /views\/public\.b\.sql:3$/);
  assert.match(error.message, /"nowhere" does not exist[\s\S]*SELECT nothing FROM nowhere/);
  assert.is(await tree.value("SELECT to_regclass('t')"), null);
  assert.is(await tree.value("SELECT to_regclass('wo_objects')"), null);
  const syntax = "CREATE VIEW b AS SELECT 1 AS x -- one\n;\nCOMMENT ON VIEW b\n  IS 1;\n";
  const refused = await thrownBy(BlockedError, tree.migrate({ "views/public.b.sql": syntax }));
  assert.match(refused.where ?? "", /views\/public\.b\.sql:4$/);
  assert.match(refused.message, /syntax error at or near "1"/);
  await tree.remove();
});

told(
  "an index or a comment made by hand on what would be dropped, and a view that no script makes",
  async () => {
    const tree = await WoTree.create({
      ...FILES,
      "materialized-views/public.m.sql":
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t;\nCREATE INDEX m_id ON m (id);\n",
    });
    await tree.migrate();
    await tree.db.query("CREATE VIEW by_hand AS SELECT id FROM v; CREATE INDEX hand ON m (id)");
    const view = await thrownBy(
      BlockedError,
      tree.migrate({ "views/public.v.sql": "CREATE VIEW v AS SELECT id::text FROM t;\n" }),
    );
    assert.is(view.code, "OBJECT_NEEDED");
    assert.match(view.message, /view public\.by_hand/);
    const { blockers } = await tree.plan();
    assert.is(blockers[0]?.code, "OBJECT_NEEDED");
    await tree.write({ "views/public.v.sql": "CREATE OR REPLACE VIEW v AS SELECT id::text FROM t;\n" });
    const replaced = await thrownBy(BlockedError, tree.migrate());
    assert.match(replaced.message, /cannot change data type of view column[\s\S]*view public\.by_hand/);
    await tree.write({ "views/public.v.sql": FILES["views/public.v.sql"] ?? null });
    const index = await thrownBy(
      BlockedError,
      tree.migrate({
        "materialized-views/public.m.sql":
          "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id;\nCREATE INDEX m_id ON m (id);\n",
      }),
    );
    assert.match(index.message, /index public\.hand, which no script makes/);
    await tree.db.query("DROP INDEX hand");
    assert.ok((await tree.migrate()).applied);
    await tree.remove();
  },
);

told("all overloads of a function are its script's", async () => {
  const f = (args: string, body = "SELECT 1") =>
    `CREATE OR REPLACE FUNCTION f(${args}) RETURNS integer LANGUAGE sql AS '${body}';\n`;
  const tree = await WoTree.create({ "functions/public.f.sql": f("") + f("a integer") });
  await tree.migrate();
  assert.equal(actions(await tree.migrate({ "functions/public.f.sql": f("") + f("a text") })), [
    "replace function.public.f",
  ]);
  const signatures =
    "SELECT pg_get_function_identity_arguments(oid) FROM pg_proc WHERE proname = 'f' ORDER BY 1";
  assert.equal(await tree.values(signatures), ["", "a text"]);
  await tree.db.query("CREATE VIEW by_hand AS SELECT f('x'::text)");
  const error = await thrownBy(BlockedError, tree.migrate({ "functions/public.f.sql": f("") }));
  assert.match(error.message, /view public\.by_hand/);
  await tree.remove();
});

told("a drop script of the user's own", async () => {
  const tree = await WoTree.create({
    ...FILES,
    "functions/public.f.sql": "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
    "functions/public.f.drop.sql": "COMMENT ON TABLE t IS 'f was here';\nDROP FUNCTION f;\n",
  });
  await tree.migrate();
  await tree.migrate({ "functions/public.f.sql": null });
  assert.is(await tree.value("SELECT obj_description('t'::regclass)"), "f was here");
  assert.is((await tree.migrate()).applied, false);
  await tree.remove();
});

told("what a script sets for the session ends with it", async () => {
  const tree = await WoTree.create({
    "schemas/app.sql": "CREATE SCHEMA app;\n",
    "views/app.a.sql": "SET search_path = app;\nCREATE VIEW a AS SELECT 1 AS x;\n",
    "views/public.b.sql": "CREATE VIEW b AS SELECT 1 AS x;\n",
  });
  await tree.migrate();
  assert.ok(await tree.value("SELECT to_regclass('app.a')"));
  assert.ok(await tree.value("SELECT to_regclass('public.b')"));
  const env = { ...tree.env, WO_SEARCH_PATH: "app, public" };
  await tree.migrate({ "views/app.c.sql": "CREATE VIEW c AS SELECT a.x FROM a, b;\n" }, { env });
  assert.ok(await tree.value("SELECT to_regclass('app.c')"));
  assert.is((await tree.migrate({}, { env })).applied, false);
  await tree.remove();
});

told.run();

const questions = suite("wo: questions to the server");

/** A tree of some tables and views. */
function many(count: number): Files {
  const files: Record<string, string> = {};
  for (let number = 0; number < count; number++) {
    files[`tables/public.t${number}.sql`] = `CREATE TABLE t${number} (id integer);\n`;
    files[`views/public.v${number}.sql`] =
      `CREATE OR REPLACE VIEW v${number} AS SELECT id FROM t${number};\n`;
  }
  return files;
}

async function asked(
  tree: WoTree,
  fault: { at: number } | null = null,
): Promise<{ labels: string[]; failed: boolean }> {
  const proxy = await FaultProxy.start(
    await testServer(),
    fault === null ? null : { ...fault, when: "before", strike: () => undefined },
  );
  const url = new URL(tree.db.url);
  url.port = String(proxy.port);
  let failed = false;
  try {
    await tree.migrate({}, { env: { ...tree.env, WO_CONNECTION_STRING: url.href } });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    failed = true;
  } finally {
    await proxy.stop();
  }
  return { labels: proxy.questions.map(({ label }) => label), failed };
}

questions("are as many for 40 objects as for 4, with nothing to do and with one view changed", async () => {
  const counts: number[][] = [];
  for (const size of [2, 20]) {
    const tree = await WoTree.create(many(size));
    await tree.migrate();
    const idle = (await asked(tree)).labels;
    await tree.write({
      "views/public.v1.sql": "CREATE OR REPLACE VIEW v1 AS SELECT id, id AS other FROM t1;\n",
    });
    const changed = (await asked(tree)).labels;
    counts.push([idle.length, changed.length]);
    await tree.remove();
  }
  assert.equal(counts[0], counts[1]);
  // Login and password, four questions, and the good-bye.
  assert.is(counts[0]?.[0], 8);
});

questions("cut at any of them leave the database as it was, or as it is to be", async () => {
  const tree = await WoTree.create(many(2));
  await tree.migrate();
  const state = `SELECT json_build_array(pg_get_viewdef('v1'::regclass), pg_get_viewdef('v0'::regclass),
    (SELECT json_agg(o ORDER BY po_id) FROM wo_objects o))::text`;
  let at = 1;
  let before = await tree.value(state);
  for (let failed = true; failed; at++) {
    const change = `SELECT id, ${at} AS other FROM`;
    await tree.write({
      "views/public.v0.sql": `CREATE VIEW v0 AS ${change} t0;\n`,
      "views/public.v1.sql": `CREATE OR REPLACE VIEW v1 AS ${change} t1;\n`,
    });
    failed = (await asked(tree, { at })).failed;
    const after = await tree.value(state);
    await tree.migrate();
    const end = await tree.value(state);
    assert.ok(after === before || after === end, `question ${at}`);
    assert.match(String(end), new RegExp(`${at} AS other`));
    before = end;
  }
  assert.ok(at > 15, `${at} questions`);
  await tree.remove();
});

questions.run();

import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkDatabaseName, checkStageName, urlVariable } from "#src/config/names.js";
import { databasePaths, findProject, loadProject, projectDatabase } from "#src/config/project.js";
import { ConfigError } from "#src/errors.js";
import { failureOf, projectWith, temporaryFolder } from "./support.js";

const FULL = {
  $schema: "../node_modules/wovtools/dist/json-schemas/config.json",
  databases: {
    shopdb: {
      objects: "sql/shop",
      pgDump: "tools/pg_dump",
      schema: { owners: true, ignoreTables: ["log_*"] },
    },
    billing: {},
  },
  stage: "dev",
  pver: "commits",
  archive: { path: "../shop-archive", push: false, commitPrefix: "chore: " },
  hook: { unreachable: "warn", uncommitted: "block" },
  pgDump: "system",
  schema: { tablespaces: true, columnOrder: false, ignoreSchemas: ["job_?"] },
};

const loading = suite("config.json");

loading("is found from any folder below", async () => {
  const root = await projectWith('{"databases": {}}');
  await mkdir(join(root, "src", "deep"), { recursive: true });
  assert.is(await findProject(join(root, "src", "deep")), root);
  assert.is(await findProject(root), root);
  assert.is(await findProject(join(root, "not", "there")), root);
  const outside = temporaryFolder();
  await mkdir(join(outside, "wovtools"));
  assert.is(await findProject(outside), null);
});

loading("needs nothing but the databases", async () => {
  const root = await projectWith('{"databases": {"shopdb": {}}}');
  const project = await loadProject(root);
  const archive = join(root, "wovtools", "db");
  assert.is(project.stage, "local");
  assert.is(project.pver, "package.json");
  assert.equal(project.archive, { folder: archive, push: null, commitPrefix: "wovtools: " });
  assert.equal(project.hook, { unreachable: "block", uncommitted: "report" });
  const { pgDump, schema, paths } = projectDatabase(project, "shopdb");
  assert.is(pgDump, "bundled");
  assert.equal(schema, {
    owners: false,
    tablespaces: false,
    subscriptions: false,
    columnOrder: true,
    ignoreSchemas: [],
    ignoreTables: [],
  });
  assert.is(paths.pendingDeltas, join(archive, "shopdb.deltas"));
  assert.is(paths.history, join(archive, "shopdb.json"));
  assert.is(paths.archivedDeltas("1.1.0+2"), join(archive, "shopdb", "1.1.0+2.deltas"));
  assert.is(paths.archivedSchema("1.1.0"), join(archive, "shopdb", "schemas", "1.1.0.schema"));
  assert.is(paths.objects, join(archive, "shopdb", "objects"));
  assert.is((await failureOf(() => paths.archivedDeltas("../../../x"))).code, "PATH_OUTSIDE");
});

loading("takes every setting, a database's own over those for all", async () => {
  const root = await projectWith(JSON.stringify(FULL));
  const project = await loadProject(root);
  assert.is(project.stage, "dev");
  assert.is(project.pver, "commits");
  assert.equal(project.archive, {
    folder: join(root, "..", "shop-archive"),
    push: false,
    commitPrefix: "chore: ",
  });
  assert.equal(project.hook, { unreachable: "warn", uncommitted: "block" });
  assert.equal([...project.databases.keys()], ["shopdb", "billing"]);
  const shop = projectDatabase(project, "shopdb");
  assert.is(shop.pgDump, join(root, "tools", "pg_dump"));
  assert.equal(shop.schema, {
    owners: true,
    tablespaces: true,
    subscriptions: false,
    columnOrder: false,
    ignoreSchemas: ["job_?"],
    ignoreTables: ["log_*"],
  });
  assert.is(databasePaths(project, "shopdb").objects, join(root, "sql", "shop"));
  assert.is(projectDatabase(project, "billing").pgDump, "system");
});

loading("with an unknown key is refused with the place and the nearest key", async () => {
  const root = await projectWith('{\n  "databases": {\n    "shopdb": { "objets": "x" }\n  }\n}');
  const failure = await failureOf(() => loadProject(root));
  assert.instance(failure, ConfigError);
  assert.is(failure.exitStatus, 2);
  assert.is(failure.code, "CONFIG_INVALID");
  assert.is(failure.where, `${join(root, "wovtools", "config.json")}:3:17`);
  assert.is(failure.message, 'databases.shopdb: unknown key "objets"; did you mean "objects"?');
});

loading("with several mistakes tells all of them", async () => {
  const root = await projectWith(
    '{\n  "databases": [],\n  "stage": 1,\n  "hook": {"unreachable": "ignore"},\n  "zebra": 1\n}',
  );
  const failure = await failureOf(() => loadProject(root));
  assert.match(failure.message, /^databases: must be an object/);
  assert.match(failure.message, /\n3:3: stage: must be string/);
  assert.match(failure.message, /\n4:12: hook\.unreachable: must be \("block" \| "warn"\)/);
  assert.match(failure.message, /\n5:3: unknown key "zebra"; known are \$schema, databases/);
  const none = await projectWith("{}");
  assert.is((await failureOf(() => loadProject(none))).message, 'the key "databases" is missing');
});

loading("that is no JSON is refused with line and column", async () => {
  const broken: [text: string, place: string, says: RegExp][] = [
    [
      '{\n  "databases": {},\n}',
      "3:1",
      /a key in double quotes is expected, not "}"; JSON has no comma after/,
    ],
    ['{"databases": {}', "1:17", /"," or "}" is expected, not the end of the file/],
    ["", "1:1", /a value is expected, not the end of the file/],
    ["{\n  // none\n}", "2:3", /JSON has no comments/],
    ["{'databases': {}}", "1:2", /double quotes only/],
    ['{"databases": {}} x', "1:19", /the end of the file is expected, not "x"/],
    ['{"stage": "a\nb"}', "1:11", /the string has no end/],
    ['{"stage" "local"}', "1:10", /":" is expected/],
    ['{"stage": 01}', "1:12", /"," or "}" is expected/],
    ['{"stage": "a", "stage": "b"}', "1:16", /the key "stage" is there twice/],
    [`${"[".repeat(70)}${"]".repeat(70)}`, "1:66", /nested more than 64 levels/],
  ];
  for (const [text, place, says] of broken) {
    const root = await projectWith(text);
    const failure = await failureOf(() => loadProject(root));
    assert.is(failure.code, "CONFIG_JSON", text);
    assert.is(failure.where, `${join(root, "wovtools", "config.json")}:${place}`, text);
    assert.match(failure.message, says);
  }
});

loading("that is missing or leads out of the project is refused", async () => {
  assert.is((await failureOf(() => loadProject(temporaryFolder()))).code, "NO_PROJECT");
  const root = await projectWith('{"databases": {"shopdb": {"objects": "../elsewhere"}}}');
  assert.is((await failureOf(() => loadProject(root))).code, "PATH_OUTSIDE");
  await rm(join(root, "wovtools", "config.json"));
  await mkdir(join(root, "wovtools", "config.json"));
  assert.is((await failureOf(() => loadProject(root))).code, "FILE_UNREADABLE");
});

loading("is refused where two names would share a variable or a file", async () => {
  for (const [a, b] of [
    ["shop-db", "shop_db"],
    ["Shop", "shop"],
  ]) {
    const root = await projectWith(JSON.stringify({ databases: { [`${a}`]: {}, [`${b}`]: {} } }));
    assert.is((await failureOf(() => loadProject(root))).code, "NAMES_COLLIDE");
  }
});

loading("has a published JSON Schema that says the same", async () => {
  const folder = fileURLToPath(new URL("../../dist/json-schemas/", import.meta.url));
  const schema = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  const validate = new Ajv({ strict: false }).compile(schema);
  assert.ok(validate(FULL), JSON.stringify(validate.errors));
  assert.not(validate({ ...FULL, stages: "x" }));
  assert.not(validate({ ...FULL, pver: "git" }));
  const undocumented = Object.entries<{ description?: string }>(schema.properties).filter(
    ([, property]) => property.description === undefined,
  );
  assert.equal(undocumented, []);
});

loading.run();

const names = suite("names");

names("are what PostgreSQL and a file system both take", () => {
  for (const name of ["shopdb", "shop-db", "shop_db2", "2shop", "größe", "データ", "a".repeat(63)]) {
    assert.is(checkDatabaseName(name), name);
    assert.is(checkStageName(name), name);
  }
});

names("that are anything else are refused", async () => {
  const wrong = [
    "",
    "a/b",
    "..",
    ".",
    ".hidden",
    'a"b',
    "a'b",
    "a b",
    "a\0b",
    "a\nb",
    "a\\b",
    "a:b",
    "a.b",
    "-a",
    "a".repeat(64),
    "größe".normalize("NFD"),
    "ü".repeat(32),
    "NUL",
    "com1",
  ];
  for (const name of wrong) {
    const database = await failureOf(() => checkDatabaseName(name));
    assert.is(database.code, "BAD_DATABASE_NAME", JSON.stringify(name));
    assert.is(database.exitStatus, 2);
    assert.is((await failureOf(() => checkStageName(name))).code, "BAD_STAGE_NAME");
    const root = await projectWith(JSON.stringify({ databases: { [name]: {} } }));
    const failure = await failureOf(() => loadProject(root));
    assert.is(failure.code, "CONFIG_INVALID", JSON.stringify(name));
    assert.match(failure.where ?? "", /config\.json:1:15$/);
  }
});

names("of the ledger are taken, for a database", async () => {
  assert.match((await failureOf(() => checkDatabaseName("wovtool"))).message, /ledger/);
  assert.is(checkStageName("wovtool"), "wovtool");
});

names("that the project has not are answered with the nearest", async () => {
  const project = await loadProject(await projectWith('{"databases": {"shopdb": {}, "billing": {}}}'));
  const near = await failureOf(() => projectDatabase(project, "shobdb"));
  assert.is(near.code, "UNKNOWN_DATABASE");
  assert.is(near.hint, "Did you mean shopdb?");
  const far = await failureOf(() => projectDatabase(project, "users"));
  assert.match(far.hint ?? "", /shopdb, billing.*\n.*wov init --database users/s);
  assert.is((await failureOf(() => databasePaths(project, "../x"))).code, "BAD_DATABASE_NAME");
});

names("become variables", () => {
  assert.is(urlVariable("shopdb", "prod"), "WOV_SHOPDB_PROD_URL");
  assert.is(urlVariable("shop-db"), "WOV_SHOP_DB_URL");
});

names.run();

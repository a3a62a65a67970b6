import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveConnection } from "#src/config/connection.js";
import { loadProject, type Project } from "#src/config/project.js";
import { failureOf, projectWith, writeSecrets } from "./support.js";

const PASSWORD = "hunter2-Wörd";
const URL_WITH_PASSWORD = `postgres://me:${encodeURIComponent(PASSWORD)}@url.example/fromurl`;

async function newProject(databases = '{"shopdb": {}}'): Promise<Project> {
  return loadProject(await projectWith(`{"stage": "prod", "databases": ${databases}}`));
}

function resolve(
  project: Project | null,
  env: Record<string, string> = {},
  options: { database?: string; stage?: string; url?: string } = {},
) {
  return resolveConnection({ project, database: "shopdb", stage: "prod", env, ...options });
}

/** The settings that are there, and where they come from. */
async function resolved(...args: Parameters<typeof resolve>): Promise<[Record<string, unknown>, string]> {
  const { settings, source } = await resolve(...args);
  return [Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)), source];
}

const order = suite("connections");

order(
  "come from --url, the stage's variable, the database's, the secrets, libpq's, in this order",
  async () => {
    const project = await newProject();
    await writeSecrets(project.root, "shopdb.json", { shopdb: { host: "secret.example" } });
    const env: Record<string, string> = {
      WOV_SHOPDB_PROD_URL: "postgres://stage.example/a",
      WOV_SHOPDB_URL: "postgres://all.example/b",
      PGHOST: "libpq.example",
    };
    assert.equal(await resolved(project, env, { url: "postgres://option.example/c" }), [
      { host: "option.example", database: "c" },
      "--url",
    ]);
    assert.equal(await resolved(project, env), [
      { host: "stage.example", database: "a" },
      "WOV_SHOPDB_PROD_URL",
    ]);
    delete env.WOV_SHOPDB_PROD_URL;
    assert.equal(await resolved(project, env), [{ host: "all.example", database: "b" }, "WOV_SHOPDB_URL"]);
    env.WOV_SHOPDB_URL = "";
    assert.equal(await resolved(project, env), [
      { host: "secret.example", database: "shopdb" },
      join("wovtools", "secrets", "shopdb.json"),
    ]);
    assert.equal(await resolved(await newProject(), env), [{ database: "shopdb" }, "PGHOST"]);
  },
);

order("give the database the name that its URL has, every character of it decoded", async () => {
  for (const name of ["a/b", "a?b#c", "$(id)", "x@y:z", "50%", "tenant_*", "Größe"]) {
    const url = `postgres://me@url.example/${encodeURIComponent(name)}?sslmode=disable`;
    assert.is((await resolve(null, {}, { url })).settings.database, name);
  }
});

order("without a project come from --url and the variables", async () => {
  assert.equal(await resolved(null, { WOV_SHOPDB_URL: "postgres://h" }), [
    { host: "h", database: "shopdb" },
    "WOV_SHOPDB_URL",
  ]);
  assert.is((await failureOf(() => resolve(null))).code, "SECRETS_MISSING");
});

order("from secrets are the stage's over the shared ones", async () => {
  const project = await newProject();
  await writeSecrets(project.root, "shopdb.json", {
    shopdb: {
      host: "db.example",
      port: 5433,
      database: "shop",
      username: "app",
      sslmode: "verify-full",
      sslrootcert: "ca.pem",
    },
  });
  await writeSecrets(project.root, "shopdb_prod.json", {
    shopdb: { username: "me", password: PASSWORD, options: "-c search_path=shop" },
  });
  const [settings, source] = await resolved(project);
  assert.equal(settings, {
    host: "db.example",
    port: 5433,
    user: "me",
    password: PASSWORD,
    options: "-c search_path=shop",
    sslmode: "verify-full",
    sslrootcert: join(project.root, "ca.pem"),
    database: "shop",
  });
  assert.is(
    source,
    `${join("wovtools", "secrets", "shopdb.json")}, ${join("wovtools", "secrets", "shopdb_prod.json")}`,
  );
  assert.is((await resolve(project, {}, { stage: "prod" })).settings.user, "me");
  const failure = await failureOf(() => resolve(project, {}, { stage: "prdo" }));
  assert.is(failure.code, "SECRETS_MISSING", "a mistyped stage is not the shared settings' server");
  assert.match(failure.message, "for the stage prdo");
});

order("from a url in the secrets take separate keys beside it, but none that lead elsewhere", async () => {
  const project = await newProject();
  await writeSecrets(project.root, "shopdb.json", { shopdb: { url: "postgres://shared.example:5433/x" } });
  await writeSecrets(project.root, "shopdb_prod.json", { shopdb: { username: "me", password: PASSWORD } });
  assert.equal((await resolved(project))[0], {
    host: "shared.example",
    port: 5433,
    database: "x",
    user: "me",
    password: PASSWORD,
  });
  await writeSecrets(project.root, "shopdb_prod.json", { shopdb: { host: "prod.example" } });
  assert.equal((await resolved(project))[0], { host: "prod.example", database: "shopdb" });
  await writeSecrets(project.root, "shopdb.json", { shopdb: { host: "a.example", password: PASSWORD } });
  await writeSecrets(project.root, "shopdb_prod.json", { shopdb: { url: "postgres://prod.example" } });
  assert.equal((await resolved(project))[0], { host: "prod.example", database: "shopdb" });
});

order("have variables replaced from the environment, once, and can escape that", async () => {
  const project = await newProject();
  await writeSecrets(project.root, "shopdb.json", {
    shopdb: { host: `\${H}.example`, port: `\${P}`, username: `a$\${b}`, password: `\${PW}` },
  });
  const { settings } = await resolve(project, { H: "db", P: "5433", PW: `\${H}$&` });
  assert.is(settings.host, "db.example");
  assert.is(settings.port, 5433);
  assert.is(settings.user, `a\${b}`);
  assert.is(settings.password, `\${H}$&`);
  const failure = await failureOf(() => resolve(project, { H: "db", P: "5433" }));
  assert.is(failure.code, "SECRETS_VARIABLE");
  assert.match(failure.message, /"PW"/);
  assert.match(failure.where ?? "", /shopdb\.json$/);
  assert.is((await failureOf(() => resolve(project, { H: "", P: "x", PW: "" }))).code, "SECRETS_INVALID");
});

order("that could mean two databases are refused", async () => {
  const project = await newProject('{"shop": {}, "shop_eu": {}}');
  const env = { WOV_SHOP_EU_URL: "postgres://h/x" };
  const failure = await failureOf(() => resolve(project, env, { database: "shop", stage: "eu" }));
  assert.is(failure.code, "AMBIGUOUS_CONNECTION");
  assert.is((await resolve(project, env, { database: "shop_eu", stage: "us" })).source, "WOV_SHOP_EU_URL");
  const libpq = await failureOf(() => resolve(project, { PGDATABASE: "x" }, { database: "shop" }));
  assert.is(libpq.code, "AMBIGUOUS_CONNECTION");
  assert.is((await resolve(project, { PGDATABASE: "shop" }, { database: "shop" })).settings.database, "shop");
  assert.is((await resolve(await newProject(), { PGDATABASE: "x" })).settings.database, "x");
});

order("of a file that two databases share by its name are each one's own", async () => {
  const project = await newProject('{"shop": {}, "shop_eu": {}}');
  await writeSecrets(project.root, "shop_eu.json", { shop_eu: { host: "own.example" } });
  assert.is((await resolve(project, {}, { database: "shop_eu" })).settings.host, "own.example");
  const failure = await failureOf(() => resolve(project, {}, { database: "shop", stage: "eu" }));
  assert.is(failure.code, "SECRETS_MISSING");
});

order("that nothing tells of name the files, the variables and the command", async () => {
  const failure = await failureOf(async () => resolve(await newProject()));
  assert.is(failure.code, "SECRETS_MISSING");
  assert.is(failure.exitStatus, 2);
  for (const name of ["shopdb.json", "shopdb_prod.json", "WOV_SHOPDB_PROD_URL", "WOV_SHOPDB_URL", "PGHOST"]) {
    assert.ok(failure.where?.includes(name), name);
  }
  assert.match(failure.hint ?? "", /wov init --database shopdb/);
});

order("by a bad name are refused before anything is looked at", async () => {
  const project = await newProject();
  assert.is((await failureOf(() => resolve(project, {}, { database: "../x" }))).code, "BAD_DATABASE_NAME");
  assert.is((await failureOf(() => resolve(project, {}, { stage: "a/b" }))).code, "BAD_STAGE_NAME");
});

order.run();

const secrets = suite("secrets files");

secrets("that others can get at are refused, for root too", async () => {
  const project = await newProject();
  const file = await writeSecrets(project.root, "shopdb.json", { shopdb: { host: "h" } });
  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    await chmod(file, mode);
    const failure = await failureOf(() => resolve(project));
    assert.is(failure.code, "SECRETS_OPEN", mode.toString(8));
    assert.is(failure.where, file);
    assert.is(failure.hint, `Keep it to yourself with:\n  chmod 600 '${file}'`);
  }
  for (const mode of [0o600, 0o400]) {
    await chmod(file, mode);
    assert.is((await resolve(project)).settings.host, "h");
  }
});

secrets("with a mistake are refused, with the place and without a value", async () => {
  const mistakes: [content: string, code: string, says: RegExp, place: string][] = [
    [
      '{"shopdb": {"user": "x"}}',
      "SECRETS_INVALID",
      /unknown key "user"; did you mean "username"\?/,
      ":1:13",
    ],
    [
      `{"shopdb": {"password": ["${PASSWORD}"]}}`,
      "SECRETS_INVALID",
      /shopdb\.password: must be string/,
      ":1:13",
    ],
    [
      `{"shopdb": {"port": 70000, "password": "${PASSWORD}"}}`,
      "SECRETS_INVALID",
      /port: must be a number from/,
      ":1:13",
    ],
    [`{"shopdb": {"sslmode": "${PASSWORD}"}}`, "BAD_SSLMODE", /verify-full/, "shopdb.json"],
    [`{"shopdb": "${PASSWORD}"}`, "SECRETS_INVALID", /shopdb: must be an object/, ":1:2"],
    [`{"shopdb": {"password": "${PASSWORD}}}`, "SECRETS_JSON", /the string has no end|is expected/, ":1:25"],
    [`{"shopdb": {"password": ${PASSWORD}}}`, "SECRETS_JSON", /a value is expected/, ":1:25"],
    ['{"shobdb": {}}', "SECRETS_INVALID", /no database shobdb/, "shopdb.json"],
    [`{"shopdb": {"url": "http://me:${PASSWORD}@h"}}`, "BAD_URL", /postgres:\/\//, "shopdb.json"],
  ];
  for (const [content, code, says, place] of mistakes) {
    const project = await newProject();
    await writeSecrets(project.root, "shopdb.json", content);
    const failure = await failureOf(() => resolve(project));
    assert.is(failure.code, code, content);
    assert.match(failure.message, says);
    assert.ok(failure.where?.endsWith(place), `${failure.where} for ${content}`);
    const everything = `${failure.message}${failure.where}${failure.hint}${failure.stack}`;
    assert.not.match(everything, /hunter2/, content);
  }
});

secrets("and URLs never show in a source or an error", async () => {
  const { source } = await resolve(null, { WOV_SHOPDB_URL: URL_WITH_PASSWORD });
  assert.is(source, "WOV_SHOPDB_URL");
  const failure = await failureOf(() => resolve(null, {}, { url: `mysql://me:${PASSWORD}@h` }));
  assert.is(failure.code, "BAD_URL");
  assert.is(failure.where, "--url");
  assert.not.match(`${failure.message}${failure.hint}${failure.stack}`, /hunter2/);
});

secrets("that are no UTF-8 are refused", async () => {
  const project = await newProject();
  const file = await writeSecrets(project.root, "shopdb.json", "");
  await writeFile(file, Buffer.from([0x7b, 0xc3, 0x28, 0x7d]));
  assert.is((await failureOf(() => resolve(project))).code, "FILE_NOT_UTF8");
});

secrets.run();

/** The command line as its users and their programs meet it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BINS, type Ended, PACKAGE, type TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";
import {
  type Command,
  inProject,
  inShop,
  type Refusal,
  refused,
  SHOP_SQL,
  sharedShop,
  succeeds,
  withFile,
} from "./support.js";

const run = (project: TestProject, [program, ...args]: Command) => project.command(program, args);
const ADD = "ALTER TABLE orders ADD COLUMN note text;\n";
const DELTAS = "wovtools/db/shopdb.deltas";

const usage = suite("usage");
const used = sharedShop(usage, { archived: true });

for (const command of [
  ["wov", "init"],
  ["wov", "status"],
  ["wov", "push-db"],
  ["wov", "db"],
  ["wov", "hash"],
  ["wov", "diff"],
  ["wov", "hook"],
  ["wov-push-db"],
  ["wov-db"],
  ["wo", "init"],
  ["wo", "migrate"],
  ["wo", "plan"],
  ["wo", "drop"],
] satisfies Command[]) {
  usage(`${command.join(" ")} --help shows examples and the options of every command`, async () => {
    const { stdout, stderr } = succeeds(await run((await used()).project, [...command, "--help"]));
    assert.is(stderr, "");
    assert.match(stdout, /Examples:\n +\S/);
    for (const option of ["--json", "--quiet", "--verbose", "--stage", "--help"])
      assert.match(stdout, option);
  });
}

const NO_SUCH = /Unknown|unknown/;
const SEE_HELP = /--help/;
for (const [command, what, hint] of [
  [["wov"], /Which command\?/, SEE_HELP],
  [["wov", "statsu"], /Did you mean status\?|Unknown/, SEE_HELP],
  [["wov", "status", "--bogus"], NO_SUCH, SEE_HELP],
  [["wov-push-db", "--chek"], NO_SUCH, SEE_HELP],
  [["wov", "hash"], /Not enough/, SEE_HELP],
  [["wov", "hook", "post-office"], /post-office/, SEE_HELP],
  [["wov", "status", "--stage"], /stage/, SEE_HELP],
  [["wov-db"], /nothing to do/, /wov-db --help/],
  [["wov-db", "--info", "--schema"], /One thing at a time/, /wov-db --help/],
  [["wov-db", "-c", "SELECT 1", "-f", "x.sql"], /-c and -f do not go together/, /Give one/],
  [["wov-db", "-f", "nowhere.sql"], /no such file/, /.*/],
  [["wov-push-db", "--check", "--log"], /--check and --log do not go together/, /Give one/],
  [["wov", "hash", "shopdb@9.9.9"], /no version 9\.9\.9/, /It has: 1\.0\.0/],
  [["wov", "hash", "shopdb@banana"], /neither a version nor head/, /path\/file\.sql/],
  [["wov", "hash", "nowhere.sql"], /no such file/, /.*/],
  [["wo", "migrate"], /Not set: WO_CONNECTION_STRING, WO_ADMIN_CONNECTION_STRING/, /export WO_ROLE_PREFIX/],
  [["wo", "plan", "--url", "postgres://localhost/x"], /--url is not for wo/, /WO_CONNECTION_STRING/],
] satisfies [Command, RegExp, RegExp][]) {
  usage(`${command.join(" ")} ends with 2`, async () => {
    const refusal: Refusal = { status: 2, what, hint };
    await refused((await used()).project, command, refusal);
  });
}

usage("each program is a process of its own that ends with the status of what it was asked", async () => {
  const { project } = await used();
  const ends = async (status: number, program: string, ...args: string[]) => {
    const ended = await project.run(program, args);
    assert.is(ended.status, status, `${program} ${args.join(" ")}\n${ended.output}`);
    assert.match(status === 0 ? ended.stdout : ended.stderr, status === 0 ? /^\d+\.\d+\.\d+\n$/ : /^error /);
    assert.is(status === 0 ? ended.stderr : ended.stdout, "");
  };
  for (const program of BINS) {
    await ends(0, program, "--version");
    await ends(2, program, "--bogus");
  }
  await ends(1, "wov-db", "-c", "SELECT nonsense");
  await ends(3, "wov", "hash", "postgres://nobody@127.0.0.1:1/x");
  await withFile(await used(), "wovtools/db/shopdb.json", "{", () => ends(4, "wov", "status"));
});

usage("-v shows where an error comes from, and nothing else does", async () => {
  const { project } = await used();
  assert.match((await project.wov("hash", "nowhere.sql", "-v")).stderr, /\n\s+at .*\.c?js:\d+/);
  assert.not.match((await project.wov("hash", "nowhere.sql")).stderr, /\n\s+at /);
});

usage("completion prints a script for the shell", async () => {
  const { stdout } = succeeds(await (await used()).project.wov("completion"));
  assert.match(stdout, "complete ");
  const words = succeeds(await (await used()).project.wov("--get-yargs-completions", "wov", "st"));
  assert.match(words.stdout, /^status/m);
});

const json = suite("--json");

async function validates(ended: Ended, name: string): Promise<void> {
  const file = join(PACKAGE, "dist/json-schemas/results", `${name}.json`);
  const schema: object = JSON.parse(await readFile(file, "utf8"));
  const ajv = new Ajv({ allErrors: true });
  const validate = ajv.compile(schema);
  const document: unknown = JSON.parse(ended.stdout);
  assert.ok(validate(document), `${name}: ${ajv.errorsText(validate.errors)}\n${ended.stdout}`);
}

/** In this order each has something to do. */
const DOCUMENTS: readonly (readonly [string, Command, number?])[] = [
  ["init", ["wov", "init"]],
  ["check", ["wov-push-db", "--check"], 1],
  ["push-db", ["wov-push-db", "--snapshot", "shopdb", "initial"]],
  ["check", ["wov-push-db", "--check"]],
  ["check", ["wov-push-db", "--check", "--url", "postgres://nobody@127.0.0.1:1/x"], 3],
  ["push-db", ["wov", "push-db"]],
  ["sql", ["wov-db", "-c", `${ADD} SELECT 1 AS one, NULL AS none, '{"a": [1]}'::jsonb AS deep`]],
  ["check", ["wov-push-db", "-pc"], 1],
  ["diff", ["wov", "diff", "shopdb@head", "shopdb"], 1],
  ["diff", ["wov-db", "--schema-diff"], 1],
  ["diff", ["wov", "diff", "shopdb", "shopdb"]],
  ["log", ["wov-push-db", "--log"]],
  ["checksum", ["wov-push-db", "--checksum"]],
  ["hash", ["wov", "hash", "shopdb@head"]],
  ["hash", ["wov-db", "--schema-hash"]],
  ["schema", ["wov-db", "--schema"]],
  ["info", ["wov-db", "--info"]],
  ["info", ["wov-db", "--info", "--url", "postgres://nobody@127.0.0.1:1/x"], 3],
  ["ledger-init", ["wov-db", "--wdb-init"]],
  ["ledger-version", ["wov-db", "--wdb-ver"]],
  ["ledger-log", ["wov-db", "--wdb-log"]],
  ["server", ["wov-db", "--postgres-stop"]],
  ["status", ["wov", "status"]],
  ["hook", ["wov", "hook", "pre-push"]],
  ["hook", ["wov", "hook", "pre-commit"]],
  ["hook", ["wov", "hook", "post-merge", "0"]],
  ["sql", ["wov-db", "-c", "ALTER TABLE orders DROP COLUMN note"]],
  ["instance", ["wov-db", "--wdb-createinstance"]],
  ["error", ["wov", "statsu"], 2],
  ["error", ["wov", "hash", "shopdb@9.9.9"], 2],
  ["error", ["wov", "hash", "postgres://nobody@127.0.0.1:1/x"], 3],
  ["error", ["wov-db", "-c", "SELECT nonsense"], 1],
  ["error", ["wo", "migrate"], 2],
];

json(
  "prints one document that its published schema describes, for every command and for errors",
  inShop(async ({ project }) => {
    for (const [name, [program, ...args], status = 0] of DOCUMENTS) {
      const ended = await project.command(program, [...args, "--json"]);
      assert.is(ended.status, status, `${program} ${args.join(" ")}\n${ended.output}`);
      assert.is(ended.stderr, "", args.join(" "));
      await validates(ended, name);
    }
    await project.write("editor.sh", "echo 'SELECT 1;' >>\"$1\"\n");
    await validates(
      succeeds(await project.run("wov-db", ["--wdb-edit", "--json"], { env: { VISUAL: "sh editor.sh" } })),
      "edit",
    );
    await project.write("wovtools/db/shopdb.json", "{");
    const damaged = await project.wov("status", "--json");
    assert.is(damaged.status, 4);
    await validates(damaged, "error");
  }),
);

json(
  "-q leaves results and errors, and takes the rest",
  inShop(
    async ({ project }) => {
      await project.addRemote();
      const head = (await project.git("rev-parse", "HEAD")).trim();
      const input = `refs/heads/main ${head} refs/heads/main ${"0".repeat(40)}\n`;
      await project.write("code.txt", "not committed");
      const told = await project.run("wov", ["hook", "pre-push", "-v"], { input });
      assert.match(told.stderr, "uncommitted changes");
      const quiet = await project.run("wov", ["hook", "pre-push", "-q"], { input });
      assert.is(quiet.output, "");
      assert.match(succeeds(await project.wov("hash", "shopdb", "-q")).stdout, /^[0-9a-f]{64}\n$/);
      assert.match((await project.wov("hash", "nowhere.sql", "-q")).stderr, "no such file");
    },
    { archived: true },
  ),
);

const colour = suite("colour");

colour(
  "is for a terminal, and as FORCE_COLOR and NO_COLOR say",
  inShop(
    async ({ project }) => {
      const status = (env: Record<string, string>) => project.run("wov", ["status"], { env });
      const error = (env: Record<string, string>) => project.run("wov", ["statsu"], { env });
      for (const command of [status, error]) {
        assert.not.match((await command({})).output, "\u001b[");
        assert.not.match((await command({ FORCE_COLOR: "0" })).output, "\u001b[");
        assert.match((await command({ FORCE_COLOR: "1" })).output, "\u001b[");
        assert.not.match((await command({ FORCE_COLOR: "1", NO_COLOR: "1" })).output, "\u001b[");
      }
      const document = await project.run("wov", ["status", "--json"], { env: { FORCE_COLOR: "1" } });
      assert.not.match(document.output, "\u001b[");
    },
    { archived: true },
  ),
);

const db = suite("wov-db");

db(
  "looks into the database, its ledger and its pending deltas",
  inShop(
    async ({ project, root, db: database }) => {
      const say = async (...args: string[]) => succeeds(await project.command("wov-db", args)).stdout;
      assert.match(await say("shopdb", "--info"), /connection +postgres@127\.0\.0\.1:\d+\/test_/);
      assert.match(await say("--wdb-init"), "there already");
      assert.match(await say("shopdb", "--wdb-ver"), /^shopdb +1\.0\.0 /);
      assert.match(await say("--wdb-log"), /shopdb +1\.0\.0 +archived +Dana Developer/);
      assert.match(await say("-lwdb", "-c", "SELECT count(*) FROM wovtool.log"), /count\n\d+/);
      const hash = await say("--schema-hash");
      assert.is(hash, (await project.wov("hash", "shopdb@head")).stdout);
      const schema = await say("--schema");
      assert.match(schema, "CREATE TABLE public.customers");
      assert.is(
        schema.trim(),
        (await readFile(join(root, "wovtools/db/shopdb/schemas/1.0.0.schema"), "utf8")).trim(),
      );
      assert.is(await say("--schema-diff"), "");

      await project.write("more.sql", `-- in one transaction\n${ADD}`);
      assert.is(await say("-f", "more.sql"), "done\n");
      const differs = await project.command("wov-db", ["shopdb", "--schema-diff", "1.0.0"]);
      assert.is(differs.status, 1, differs.output);
      assert.match(differs.stdout, /table public\.orders\n +column note added[\s\S]*\+ +note text/);
      assert.match(await say("-c", "SELECT 1 AS one, 'two' AS two"), /^one +two\n1 +two\n$/);

      await project.write("half.sql", "CREATE TABLE one (id integer);\nCREATE TABLE one (id integer);\n");
      const half = await project.command("wov-db", ["-f", "half.sql"]);
      assert.is(half.status, 1);
      assert.match(half.stderr, /relation "one" already exists/);
      assert.equal(await database.query("SELECT to_regclass('one') AS one"), [{ one: null }]);
    },
    { archived: true },
  ),
);

db(
  "--wdb-edit opens an editor on what is missing, and checks what comes back",
  inShop(
    async ({ project, root, db: database }) => {
      await database.query(ADD);
      await project.write("my editor.sh", `cp "$2" seen.sql; printf '%s' "$1" >>"$2"\n`);
      const edit = (env: Record<string, string>) => project.run("wov-db", ["shopdb", "--wdb-edit"], { env });
      const none = await edit({ VISUAL: "", EDITOR: "" });
      assert.is(none.status, 2, none.output);
      assert.match(none.stderr, /No editor is set[\s\S]*Set VISUAL or EDITOR/);
      const bad = await edit({ VISUAL: "", EDITOR: "sh 'my editor.sh' NONSENSE;" });
      assert.is(bad.status, 1, bad.output);
      assert.match(bad.stderr, /shopdb\.deltas:\d+:1: syntax error at or near "NONSENSE"/);
      const seen = await readFile(join(root, "seen.sql"), "utf8");
      assert.match(seen, /^ALTER TABLE public\.orders ADD COLUMN note text;$/m);
      await project.write(DELTAS, ADD);
      const good = succeeds(await edit({ VISUAL: 'sh "my editor.sh" SELECT', EDITOR: "false" }));
      assert.match(good.stdout, "shopdb.deltas: 2 statements");
      const failed = await edit({ VISUAL: "false" });
      assert.is(failed.status, 2);
      assert.match(
        failed.stderr,
        /The editor ended with an error[\s\S]*stands in the file:\n +.*shopdb\.deltas/,
      );
    },
    { archived: true },
  ),
);

db(
  "--wdb-createinstance makes a database of the newest version, and knows one that is there",
  inShop(
    async ({ project, db: database }) => {
      const other = new URL(database.url);
      other.pathname = `${database.name}_copy`;
      const url = ["--url", other.href] as const;
      const made = succeeds(await project.wov("db", "--wdb-createinstance", ...url));
      assert.match(made.stdout, "shopdb on local: made, at 1.0.0");
      const again = succeeds(await project.wov("db", "--wdb-createinstance", ...url));
      assert.match(again.stdout, "shopdb on local: at 1.0.0");
      succeeds(await project.wov("diff", "shopdb", other.href));
      succeeds(await project.wov("db", ...url, "-c", "CREATE TABLE stray (id integer)"));
      const stray = await project.wov("db", "--wdb-createinstance", ...url);
      assert.is(stray.status, 1);
      assert.match(stray.stderr, /no archived version's[\s\S]*wov diff shopdb@head shopdb/);
    },
    { archived: true },
  ),
);

const sources = suite("schema sources");

sources(
  "every form names the same schema, by whichever command",
  inShop(
    async ({ project, db: database }) => {
      await project.write("shop.sql", SHOP_SQL);
      const env = { WOV_SHOPDB_PROD_URL: database.url };
      const forms = ["shopdb", "prod:shopdb", "shopdb@1.0.0", "shopdb@head", database.url, "shop.sql"];
      const dump = "wovtools/db/shopdb/schemas/1.0.0.schema";
      const sums = new Set<string>();
      for (const form of [...forms, dump])
        sums.add(succeeds(await project.command("wov", ["hash", form], { env })).stdout);
      sums.add(succeeds(await project.wov("db", "shopdb", "--schema-hash")).stdout);
      sums.add(`${succeeds(await project.wov("push-db", "--checksum")).stdout.split(" ")[0]}\n`);
      assert.is(sums.size, 1, [...sums].join());
      assert.is(
        succeeds(await project.command("wov", ["diff", "prod:shopdb", "shop.sql"], { env })).stdout,
        "",
      );
    },
    { archived: true },
  ),
);

sources(
  "none needs a project when it does not belong to one",
  inProject(async (project) => {
    const { url } = await freshDatabase(SHOP_SQL);
    await project.write("shop.sql", SHOP_SQL);
    await project.write("less.sql", SHOP_SQL.replace(/CREATE VIEW.*/, ""));
    await project.write("broken.sql", "CREATE TABLE t (id integer);\nCREATE TABL u ();\n");
    const cwd = project.folder;
    const wov = (...args: string[]) => project.command("wov", args, { cwd });
    assert.is(
      succeeds(await wov("hash", url)).stdout,
      succeeds(await wov("hash", join(project.root, "shop.sql"))).stdout,
    );
    const diff = await wov("diff", url, "shop/less.sql", "--stat");
    assert.is(diff.status, 1, diff.output);
    assert.match(diff.stdout, /^ *dropped +view +public\.totals\n$/);
    for (const [source, what] of [
      ["mysql://shop/shopdb", /no schema source[\s\S]*shopdb@1\.2\.0/],
      ["shop/wovtools", /cannot be read \(EISDIR\)|no such file/],
      ["shop/nothing.sql", /no such file/],
    ] satisfies [string, RegExp][]) {
      const none = await wov("deltas", source, url);
      assert.is(none.status, 2, none.output);
      assert.match(none.stderr, what);
    }
    const broken = await wov("hash", "shop/broken.sql");
    assert.is(broken.status, 2, broken.output);
    assert.match(broken.stderr, /syntax error at or near "TABL"[\s\S]*shop\/broken\.sql:2/);
  }),
);

usage.run();
json.run();
colour.run();
db.run();
sources.run();

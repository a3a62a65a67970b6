/** Every database and stage on one screen, whatever state they are in. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { deploy, pushDb, runSql, type StatusResult, status } from "#src/index.js";
import { freshDatabase } from "../support/server.js";
import { ADD_MAIL, ADD_NOTE, endedWith, HISTORY, inShop, jsonOf, lines, PENDING, Shop } from "./support.js";

type Stage = StatusResult["databases"][number]["stages"][number];

/** A secrets file that sends a stage to another database of the server, or anywhere. */
async function addStage(shop: Shop, stage: string, settings: Record<string, unknown>): Promise<void> {
  const file = `wovtools/secrets/shopdb_${stage}.json`;
  const own: { shopdb: object } = JSON.parse((await shop.read("wovtools/secrets/shopdb_local.json")) ?? "");
  await shop.project.write(file, JSON.stringify({ shopdb: { ...own.shopdb, ...settings } }));
  await shop.project.run("chmod", ["600", file]);
}

/** A database that is the archive's newest version, with its entry in the ledger. */
async function stageAtHead(shop: Shop, stage: string): Promise<(sql: string) => Promise<unknown>> {
  const db = await shop.anotherDatabase();
  await addStage(shop, stage, { database: db.name });
  return db.query;
}

async function only(shop: Shop): Promise<StatusResult["databases"][number]> {
  const [database, ...others] = (await status({ cwd: shop.root })).databases;
  assert.equal(others, []);
  assert.ok(database);
  return database;
}

async function stagesOf(shop: Shop): Promise<Map<string, Stage>> {
  return new Map((await only(shop)).stages.map((stage) => [stage.stage, stage]));
}

const text = async (shop: Shop, ...args: string[]) =>
  endedWith(0, await shop.project.command("wov", ["status", ...args])).stdout;

const screen = suite("wov status");

screen(
  "shows every stage that there are secrets for, each where it is",
  inShop(async (shop) => {
    const behind = await stageAtHead(shop, "behind");
    const byHand = await stageAtHead(shop, "byhand");
    await shop.archive("1.1.0", ADD_NOTE);
    await byHand(ADD_NOTE);
    const drifted = await stageAtHead(shop, "drifted");
    await drifted(ADD_MAIL);
    await addStage(shop, "new", { database: (await freshDatabase()).name });
    await addStage(shop, "gone", { database: "no_such_database" });
    await addStage(shop, "off", { port: 1, password: "s3cret" });
    await behind("INSERT INTO customers VALUES (1, 'Ada')");

    const reached = {
      onServer: null,
      reachable: true,
      problem: null,
      ledger: true,
      drift: false,
      behind: [],
      stopped: null,
      unapplied: [],
    };
    const found = await stagesOf(shop);
    assert.equal([...found.keys()], ["local", "behind", "byhand", "drifted", "gone", "new", "off"]);
    assert.equal(found.get("local"), { ...reached, stage: "local", version: "1.1.0" });
    assert.equal(found.get("behind"), { ...reached, stage: "behind", version: "1.0.0", behind: ["1.1.0"] });
    assert.equal(found.get("byhand"), { ...reached, stage: "byhand", version: "1.1.0" });
    assert.equal(found.get("drifted"), { ...reached, stage: "drifted", version: "1.1.0", drift: true });
    assert.equal(found.get("new"), { ...reached, stage: "new", version: null, ledger: false, drift: true });
    for (const [stage, why] of [
      ["gone", 'database "no_such_database" does not exist'],
      ["off", "127.0.0.1:1"],
    ] as const) {
      const { problem, ...unreachable } = found.get(stage) ?? { problem: null };
      assert.match(problem ?? "", why);
      const nothing = {
        onServer: null,
        version: null,
        ledger: false,
        drift: null,
        behind: [],
        stopped: null,
        unapplied: [],
      };
      assert.equal(unreachable, { stage, reachable: false, ...nothing });
    }

    const shown = await text(shop);
    assert.match(shown, /^project version 1\.1\.0, branch main, clean\n\nshopdb +newest 1\.1\.0 of 2\n/);
    assert.match(shown, /^ +local +1\.1\.0 +no drift *$/m);
    assert.match(shown, /^ +behind +1\.0\.0 +no drift +lacks 1\.1\.0$/m);
    assert.match(shown, /^ +drifted +1\.1\.0 +drift *$/m);
    assert.match(shown, /^ +gone +\? +unreachable: .*no_such_database/m);
    assert.not.match(shown, "s3cret");
    const told = await jsonOf(shop, "status", ["wov", "status"]);
    assert.equal(told, await status({ cwd: shop.root }));
    assert.not.match(JSON.stringify(told), "s3cret");
  }),
);

screen(
  "shows one stage where one is asked for, and a stage by its variable",
  inShop(async (shop) => {
    await stageAtHead(shop, "dev");
    const { databases } = await status({ cwd: shop.root, stage: "dev" });
    assert.equal(
      databases.flatMap(({ stages }) => stages.map(({ stage, version }) => `${stage} ${version}`)),
      ["dev 1.0.0"],
    );
    const env = { WOV_SHOPDB_PROD_URL: shop.db.url };
    const ended = endedWith(0, await shop.project.command("wov", ["status", "--stage", "prod"], { env }));
    assert.match(ended.stdout, /^ +prod +1\.0\.0 +no drift *$/m);
    assert.is(lines(ended.stdout).filter((line) => /no drift/.test(line)).length, 1);
  }),
);

screen(
  "shows what the repository holds: pending deltas, uncommitted changes, files that no version names",
  inShop(async (shop) => {
    const clean = await only(shop);
    assert.equal(clean.strays, []);
    assert.is(clean.pending, null);
    assert.not.ok(clean.archiveUncommitted);
    await shop.project.write(PENDING, `${ADD_NOTE}${ADD_MAIL}`);
    await shop.project.write("wovtools/db/shopdb/1.0.5.deltas", "SELECT 1;\n");
    await shop.project.write("src/app.ts", "export {};\n");
    const found = await only(shop);
    assert.is(found.pending, 2);
    assert.equal(found.strays, ["wovtools/db/shopdb/1.0.5.deltas"]);
    assert.ok(found.archiveUncommitted);
    assert.equal(found.heads, ["1.0.0"]);
    const shown = await text(shop);
    assert.match(shown, "branch main, 1 uncommitted");
    assert.match(shown, "2 pending statements");
    assert.match(shown, "archive not committed");
    assert.match(shown, "files that no version names: wovtools/db/shopdb/1.0.5.deltas");
    await jsonOf(shop, "status", ["wov", "status"]);
  }),
);

screen(
  "shows an archive without a version",
  inShop(async (shop) => {
    const found = await only(shop);
    assert.is(found.newest, null);
    assert.is(found.versions, 0);
    assert.match(await text(shop), /shopdb +no version yet/);
  }, Shop.create),
);

screen(
  "shows a fork, which blocks a push and an archiving until one line follows the other",
  inShop(async (shop) => {
    const { project } = shop;
    const cwd = shop.root;
    const mine = await shop.anotherDatabase();
    await project.git("switch", "--quiet", "--create", "theirs");
    await shop.archive("1.1.0", ADD_NOTE);
    await project.git("switch", "--quiet", "main");
    const settings = "wovtools/secrets/shopdb.json";
    const secrets = (await shop.read(settings)) ?? "";
    await project.write(settings, secrets.replaceAll(shop.db.name, mine.name));
    await shop.setVersion("1.2.0");
    await mine.query(ADD_MAIL);
    await project.write(PENDING, ADD_MAIL);
    await pushDb({ cwd });
    // Both sides are kept, as git's message and ours say.
    await project.run("git", ["merge", "--quiet", "--no-edit", "theirs"]);
    const [ours, theirs] = await Promise.all(
      ["main", "theirs"].map(
        async (branch): Promise<{ versions: object }> =>
          JSON.parse(await project.git("show", `${branch}:${HISTORY}`)),
      ),
    );
    assert.ok(ours && theirs);
    const merged = { ...ours, versions: { ...theirs.versions, ...ours.versions } };
    await project.write(HISTORY, `${JSON.stringify(merged, null, 2)}\n`);
    await project.git("checkout", "--quiet", "--ours", "--", "package.json");
    await project.commitAll("Merge theirs");

    const found = await only(shop);
    assert.equal(found.heads, ["1.1.0", "1.2.0"]);
    assert.equal(found.versions, 3);
    assert.equal(
      found.stages.map(({ stage, version, drift }) => ({ stage, version, drift })),
      [{ stage: "local", version: "1.2.0", drift: false }],
    );
    assert.match(await text(shop), "forked: 1.1.0, 1.2.0");
    const ended = endedWith(1, await project.command("wov-push-db", ["--check"]));
    assert.match(ended.stdout, "The archive of shopdb is forked: 1.1.0 and 1.2.0");
    await project.write(PENDING, "DROP TABLE orders;\n");
    const refused = endedWith(1, await project.command("wov-push-db", []));
    assert.match(refused.stderr, "forked");
    assert.is(await shop.read(PENDING), "DROP TABLE orders;\n");
  }),
);

screen(
  "shows an archiving that was interrupted",
  inShop(async (shop) => {
    const stopped = "stopped for this test";
    await shop.change(ADD_NOTE);
    const onStep = (_database: string, step: string) => {
      if (step === "deltas-in-place") throw new RangeError(stopped);
    };
    const message = await pushDb({ cwd: shop.root, onStep }).then(
      () => "archived",
      (error: unknown) => (error instanceof RangeError ? error.message : String(error)),
    );
    assert.is(message, stopped);
    assert.ok((await only(shop)).interrupted);
    assert.match(await text(shop), "an archiving was interrupted: run wov-push-db");
    const [finished] = (await pushDb({ cwd: shop.root })).databases;
    assert.is(finished?.archived, "1.0.0+2");
    assert.ok(finished?.resumed);
    assert.not.ok((await only(shop)).interrupted);
  }),
);

screen(
  "shows where a deploy stopped, until it is gone on with",
  inShop(async (shop) => {
    const stage = await shop.anotherDatabase();
    await shop.archive("1.1.0", "CREATE INDEX CONCURRENTLY by_name ON customers (name);\n");
    await shop.archive("1.2.0", "ALTER TABLE customers ADD CHECK (length(name) < 5);\n");
    await stage.query("INSERT INTO customers VALUES (1, 'Annabelle')");
    const env = { WOV_SHOPDB_URL: stage.url };
    endedWith(5, await shop.project.command("wov-deploy", [], { env }));
    const stopped = endedWith(0, await shop.project.command("wov", ["status"], { env }));
    assert.match(
      stopped.stdout,
      /local +1\.0\.0 +stopped within 1\.1\.0, 1 statement applied +lacks 1\.1\.0, 1\.2\.0/,
    );
    const plan = endedWith(0, await shop.project.command("wov-deploy", ["--plan"], { env }));
    assert.match(plan.stdout, "shopdb 1.0.0 → 1.2.0");
    const checked = endedWith(1, await shop.project.command("wov-push-db", ["--check"], { env }));
    assert.match(checked.stdout, "shopdb on local is at 1.0.0, and a deploy stopped within 1.1.0.");
    assert.match(stopped.stdout, "  wov-deploy shopdb --stage local\n");
    await stage.query("DELETE FROM customers");
    endedWith(0, await shop.project.command("wov-deploy", ["shopdb", "--stage", "local"], { env }));
    const done = endedWith(0, await shop.project.command("wov", ["status"], { env }));
    assert.match(done.stdout, /local +1\.2\.0 +no drift\n/);
  }),
);

screen(
  "sums up a stage whose secrets give a pattern, and the ledger is asked about every database of it",
  inShop(async (shop) => {
    const prefix = `fleet_${shop.db.name}_`;
    await addStage(shop, "prod", { database: `${prefix}*` });
    const none = (await stagesOf(shop)).get("prod");
    assert.is(none?.problem, `No database of prod is called like ${prefix}*.`);

    await shop.archive("1.1.0", ADD_NOTE);
    const urlOfTenant = (name: string) => shop.db.url.replace(shop.db.name, `${prefix}${name}`);
    for (const [tenant, pver] of Object.entries({ a: "1.1.0", b: "1.1.0", c: "1.0.0", d: "1.1.0" })) {
      await shop.db.query(`CREATE DATABASE ${prefix}${tenant} TEMPLATE template0`);
      await deploy({ cwd: shop.root, stage: "prod", url: urlOfTenant(tenant), pver, rehearse: false });
    }
    const drifted = { stage: "prod", url: urlOfTenant("d"), command: ADD_MAIL };
    await runSql({ cwd: shop.root, ...drifted });

    const found = (await only(shop)).stages.filter(({ stage }) => stage === "prod");
    assert.equal(
      found.map(({ onServer, version, drift, behind }) => ({ onServer, version, drift, behind })),
      [
        { onServer: `${prefix}a`, version: "1.1.0", drift: false, behind: [] },
        { onServer: `${prefix}b`, version: "1.1.0", drift: false, behind: [] },
        { onServer: `${prefix}c`, version: "1.0.0", drift: false, behind: ["1.1.0"] },
        { onServer: `${prefix}d`, version: "1.1.0", drift: true, behind: [] },
      ],
    );
    const shown = await text(shop);
    assert.match(shown, /^ +local +1\.1\.0 +no drift$/m);
    assert.match(shown, /^ +prod, 2 of 4 +1\.1\.0 +no drift$/m);
    assert.match(
      shown,
      new RegExp(`^ +prod, 1 of 4 +1\\.0\\.0 +no drift +lacks 1\\.1\\.0 +${prefix}c$`, "m"),
    );
    assert.match(shown, new RegExp(`^ +prod, 1 of 4 +1\\.1\\.0 +drift +${prefix}d$`, "m"));
    await jsonOf(shop, "status", ["wov", "status"]);

    const onProd = async (...args: string[]) =>
      endedWith(0, await shop.project.command("wov-db", [...args, "--stage", "prod"])).stdout;
    assert.match(await onProd("--wdb-ver"), new RegExp(`^shopdb ${prefix}c +1\\.0\\.0 `, "m"));
    assert.is(lines(await onProd("--wdb-log")).length, 7);
    assert.is(lines(await onProd("--info")).filter((line) => line.includes(prefix)).length, 4);
    assert.match(await onProd("-lwdb", "-c", "SELECT name FROM wovtool.database"), `${prefix}a`);
    const one = await shop.project.command("wov-db", ["--schema-hash", "--stage", "prod"]);
    assert.match(endedWith(2, one).stderr, `shopdb on prod is every database like ${prefix}*`);
  }),
);

screen(
  "says where a clone has no git hooks, and not where nobody works",
  inShop(async ({ project }) => {
    await project.addRemote();
    await project.git("push", "--quiet", "--no-verify", "origin", "main");
    const eve = await project.clone("Eve");
    const shown = async (env = {}) => endedWith(0, await eve.command("wov", ["status"], { env })).stdout;
    const hooks = async () => (await status({ cwd: eve.root })).hooks;
    assert.is(await hooks(), false);
    assert.match(await shown(), /^git calls no hooks of wovtools in this clone, .*: run wov init$/m);
    assert.not.match(await shown({ CI: "true" }), "wov init");
    await jsonOf({ project: eve }, "status", ["wov", "status"]);
    endedWith(0, await eve.command("wov", ["init"]));
    assert.is(await hooks(), true);
    assert.not.match(await shown(), "wov init");
  }),
);

screen.run();

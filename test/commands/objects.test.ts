/** What a check, an archiving and an instance make of object scripts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, check, createInstance, hook, pushDb, status, writePending } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { ADD_NOTE, commandsIn, endedWith, inShop, PENDING, SHOP, Shop } from "./support.js";

const WHO = "CREATE OR REPLACE VIEW who AS SELECT id, name FROM customers;\n";
const COUNT = "CREATE VIEW counted AS SELECT count(*) AS orders FROM orders;\n";
const OBJECTS = "wovtools/db/shopdb/objects";

/** A shop with two views as scripts. */
async function scripted(): Promise<Shop> {
  const shop = await Shop.archived({ sql: SHOP + WHO + COUNT });
  await shop.project.write(`${OBJECTS}/views/public.who.sql`, WHO);
  await shop.project.write(`${OBJECTS}/views/public.counted.sql`, COUNT);
  await shop.project.commitAll("Views as scripts");
  return shop;
}

async function checked(shop: Shop) {
  const [database] = (await check({ cwd: shop.root })).databases;
  if (database === undefined) throw new Error("there is one database");
  return database;
}

const objects = suite("objects in a project");

objects(
  "a view that differs as its script says blocks nothing, and is no drift",
  inShop(async (shop) => {
    const changed = WHO.replace("id, name", "id, name, 1 AS one");
    await shop.db.query(changed);
    await shop.project.write(`${OBJECTS}/views/public.who.sql`, changed);
    await shop.project.commitAll("Another view");
    // The second answer is remembered.
    for (const _ of [1, 2]) {
      const { blockers, byScripts } = await checked(shop);
      assert.equal(blockers, []);
      assert.equal(
        byScripts.map(({ change, name }) => `${change} ${name}`),
        ["changed public.who"],
      );
    }
    assert.is((await status({ cwd: shop.root })).databases[0]?.stages[0]?.drift, false);
    const [nothing] = (await pushDb({ cwd: shop.root })).databases;
    assert.is(nothing?.archived, null);
  }, scripted),
);

objects(
  "a view that no script accounts for is told with its script's path, a table with the deltas",
  inShop(async (shop) => {
    await shop.db.query(WHO.replace("id, name", "id, name, 2 AS two"));
    const [view] = (await checked(shop)).blockers;
    assert.is(view?.state, "schemaDiffers");
    assert.match(view?.message ?? "", `view public.who: ${OBJECTS}/views/public.who.sql`);
    assert.not.match(view?.hint ?? "", PENDING);
    await shop.db.query("ALTER TABLE orders ADD COLUMN note text; CREATE VIEW more AS SELECT 1 AS one");
    const [both] = (await checked(shop)).blockers;
    assert.match(
      both?.message ?? "",
      `view public.more: ${OBJECTS}/views/public.more.sql, which is not there yet`,
    );
    assert.match(both?.hint ?? "", PENDING);
  }, scripted),
);

objects(
  "a script that the database was not given is told by name, and blocks nothing",
  inShop(async (shop) => {
    await shop.project.write(
      `${OBJECTS}/views/public.who.sql`,
      WHO.replace("id, name", "id, name, 1 AS one"),
    );
    const [uncommitted] = (await status({ cwd: shop.root })).databases;
    assert.equal(uncommitted?.scriptsUncommitted, [`${OBJECTS}/views/public.who.sql`]);
    const checked = endedWith(0, await shop.project.command("wov-push-db", ["--check", "--skip-git-checks"]));
    assert.match(
      checked.stdout,
      "not as its script says: view public.who\n    wov-deploy shopdb --stage local",
    );
    await shop.project.commitAll("Another view");
    const shown = endedWith(0, await shop.project.wov("status"));
    assert.match(shown.stdout, /local +1\.0\.0 +not as its script says: view public\.who/);
    assert.not.match(shown.stdout, "as HEAD has them");
    endedWith(0, await shop.project.run("sh", ["-c", "wov-deploy shopdb --stage local"]));
    const [stage] = (await status({ cwd: shop.root })).databases[0]?.stages ?? [];
    assert.equal([stage?.drift, stage?.unapplied], [false, []]);
  }, scripted),
);

objects(
  "deltas below a view are proven with the scripts around them",
  inShop(async (shop) => {
    const deltas = "ALTER TABLE customers ALTER COLUMN name TYPE varchar(80);\n";
    await shop.setVersion("1.1.0");
    await shop.db.query(`DROP VIEW who; ${deltas} ${WHO}`);
    await shop.project.write(PENDING, deltas);
    const [archived] = (await pushDb({ cwd: shop.root })).databases;
    assert.is(archived?.archived, "1.1.0");
    const instance = await freshDatabase();
    const made = await createInstance({ cwd: shop.root, url: instance.url });
    assert.is(made.version, "1.1.0");
    assert.equal(
      (await instance.query("SELECT po_id FROM wo_objects ORDER BY 1")).map(({ po_id }) => po_id),
      ["view.public.counted", "view.public.who"],
    );
    assert.equal((await check({ cwd: shop.root, url: instance.url })).blocked, false);

    const failing = await freshDatabase();
    await shop.project.write(`${OBJECTS}/views/public.who.sql`, WHO.replace("name", "nobody"));
    const error = await thrownBy(BlockedError, createInstance({ cwd: shop.root, url: failing.url }));
    assert.is(error.code, "OBJECT_SCRIPT_FAILED");
    assert.match(error.message, /column "nobody" does not exist/);
    assert.is(error.where, `${OBJECTS}/views/public.who.sql:1`);
    assert.equal(await failing.query("SELECT to_regclass('orders') AS orders"), [{ orders: null }]);
    await failing.query("CREATE TABLE orders ()");
    const elsewhere = await thrownBy(BlockedError, createInstance({ cwd: shop.root, url: failing.url }));
    assert.is(elsewhere.code, "NO_VERSION_FITS");
  }, scripted),
);

objects(
  "deltas are written for what the scripts do not make, and proven with them",
  inShop(async (shop) => {
    const changed = WHO.replace("id, name", "id, name, 1 AS one");
    await shop.project.write(`${OBJECTS}/views/public.who.sql`, changed);
    await shop.db.query(`${ADD_NOTE} ${changed}`);
    const { outcome, statements } = await writePending({ cwd: shop.root });
    assert.is(outcome, "proven");
    assert.equal(
      statements.map(({ sql }) => sql),
      ['ALTER TABLE "public"."orders" ADD COLUMN "note" text'],
    );
  }, scripted),
);

objects(
  "deltas are written where a script needs what they make",
  inShop(async (shop) => {
    const changed = WHO.replace("id, name", "id, name, nick");
    await shop.project.write(`${OBJECTS}/views/public.who.sql`, changed);
    await shop.db.query(`ALTER TABLE customers ADD COLUMN nick text; ${changed}`);
    const { outcome } = await writePending({ cwd: shop.root });
    assert.is(outcome, "proven");
    await shop.setVersion("1.1.0");
    await shop.project.commitAll("Nicks");
    assert.is((await pushDb({ cwd: shop.root })).databases[0]?.proven, true);
  }, scripted),
);

for (const ledger of [true, false]) {
  objects(
    `who is behind is told to deploy, which brings the scripts' objects too; ledger: ${ledger}`,
    inShop(async (shop) => {
      const cwd = shop.root;
      const mine = ledger
        ? await shop.anotherDatabase()
        : await freshDatabase((await shop.read("wovtools/db/shopdb/schemas/1.0.0.schema")) ?? "");
      await shop.archive("1.1.0", ADD_NOTE);
      const more = WHO.replace("id, name", "id, name, 3 AS three");
      await shop.project.write(`${OBJECTS}/views/public.who.sql`, more);
      await shop.project.commitAll("A view more");
      const env = { WOV_SHOPDB_URL: mine.url };
      const before = await shop.project.command("wov-push-db", ["--check"], { env });
      const [command = ""] = commandsIn(before.output).filter((line) => line.startsWith("wov-deploy"));
      assert.is(command, `wov-deploy shopdb --stage local${ledger ? "" : " --baseline 1.0.0"}`);
      if (ledger) {
        const [note] = (await hook("post-merge", { cwd, url: mine.url })).notes;
        assert.match(note ?? "", command);
      }
      endedWith(0, await shop.project.run("sh", ["-c", command], { env }));
      endedWith(0, await shop.project.command("wov-push-db", ["--check"], { env }));
      assert.equal(await mine.query("SELECT three FROM who"), []);
    }, scripted),
  );
}

objects(
  "who lacks archived data is told to deploy it before archiving",
  inShop(async (shop) => {
    const mine = await shop.anotherDatabase();
    await shop.archive("1.1.0", "INSERT INTO customers VALUES (1, 'Ada');\n");
    await shop.project.write(PENDING, "UPDATE customers SET name = 'Ada L.';\n");
    const { code, hint } = await thrownBy(BlockedError, pushDb({ cwd: shop.root, url: mine.url }));
    assert.is(code, "DATABASE_ELSEWHERE");
    const commands = commandsIn(hint ?? "");
    assert.is(commands[0], "wov-deploy shopdb --stage local");
    const env = { WOV_SHOPDB_URL: mine.url };
    for (const command of commands) endedWith(0, await shop.project.run("sh", ["-c", command], { env }));
    await pushDb({ cwd: shop.root, url: mine.url });
    assert.equal(await mine.query("SELECT name FROM who"), [{ name: "Ada L." }]);
  }, scripted),
);

objects.run();

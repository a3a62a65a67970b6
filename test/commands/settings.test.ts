/** What counts as schema may change after versions are archived; an interrupted archiving is told by itself. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConfigError, check, pushDb } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { ADD_NOTE, Shop } from "./support.js";

const test = suite("what counts as schema, later on");

async function setSchema(shop: Shop, schema: Record<string, unknown>): Promise<void> {
  await shop.project.write("wovtools/config.json", JSON.stringify({ databases: { shopdb: {} }, schema }));
  await shop.project.commitAll("Settings");
}

async function blockers(shop: Shop): Promise<string[]> {
  const { databases } = await check({ cwd: shop.root });
  return databases.flatMap((database) => database.blockers.map(({ state }) => state));
}

test("can leave out more, or less again, than when a version was archived", async () => {
  const shop = await Shop.archived();
  await shop.db.query("CREATE SCHEMA cron; CREATE TABLE cron.job (id integer)");
  assert.equal(await blockers(shop), ["schemaDiffers"]);
  await setSchema(shop, { ignoreSchemas: ["cron"] });
  assert.equal(await blockers(shop), []);
  await shop.archive("1.1.0", ADD_NOTE);
  assert.equal(await blockers(shop), []);
  await setSchema(shop, {});
  assert.equal(await blockers(shop), [], "the archived schema holds what was ignored");
  await shop.db.query("CREATE TABLE cron.run (id integer)");
  assert.equal(await blockers(shop), ["schemaDiffers"]);
  await shop.project.remove();
});

test("cannot count what the archived schema does not hold", async () => {
  const shop = await Shop.archived();
  await setSchema(shop, { owners: true });
  const error = await thrownBy(ConfigError, check({ cwd: shop.root }));
  assert.is(error.code, "SETTINGS_CHANGED");
  assert.match(error.hint ?? "", '"owners"');
  await shop.project.remove();
});

test("an interrupted archiving is to be finished, and nothing else is proposed", async () => {
  const shop = await Shop.archived();
  await shop.setVersion("1.1.0");
  await shop.change(ADD_NOTE);
  const onStep = (_database: string, step: string) => {
    if (step === "history-in-place") throw new RangeError("stop here");
  };
  await pushDb({ cwd: shop.root, onStep }).then(
    () => assert.unreachable("it was stopped"),
    (error: unknown) => assert.instance(error, RangeError),
  );
  assert.equal(await blockers(shop), ["interrupted"]);
  await pushDb({ cwd: shop.root });
  assert.equal(await blockers(shop), []);
  await shop.project.remove();
});

test.run();

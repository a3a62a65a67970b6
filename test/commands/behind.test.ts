/** A database that is not where the archive is. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, check, hook, ledgerLog, pushDb, runSql } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { ADD_MAIL, ADD_NOTE, commandsIn, endedWith, inShop, PENDING, type Shop } from "./support.js";

const behind = suite("a teammate whose database is behind the archive");

/** From here on the clone is a teammate's, with a database of their own. */
async function useDatabase(shop: Shop, { name }: TestDatabase): Promise<void> {
  const file = "wovtools/secrets/shopdb.json";
  const secrets = (await shop.read(file)) ?? "";
  assert.match(secrets, shop.db.name);
  await shop.project.write(file, secrets.replaceAll(shop.db.name, name));
}

/** Runs commands as they stand in a hint. */
async function follow(shop: Shop, hint: string): Promise<void> {
  const commands = commandsIn(hint);
  assert.ok(commands.length > 0, hint);
  for (const command of commands) {
    endedWith(0, await shop.project.run("sh", ["-c", command]));
  }
}

for (const ledger of [true, false]) {
  behind(
    `is told the versions and the commands, which clear the block; ledger: ${ledger}`,
    inShop(async (shop) => {
      const cwd = shop.root;
      const mine = ledger
        ? await shop.anotherDatabase()
        : await freshDatabase((await shop.read("wovtools/db/shopdb/schemas/1.0.0.schema")) ?? "");
      await shop.archive("1.1.0", ADD_NOTE);
      await shop.change(ADD_MAIL);
      await pushDb({ cwd });
      await useDatabase(shop, mine);
      const { databases } = await check({ cwd });
      assert.equal(databases[0]?.behind, ["1.1.0", "1.1.0+2"]);
      assert.is(databases[0]?.version, "1.0.0");
      const [blocker, ...others] = databases[0]?.blockers ?? [];
      assert.equal(others, []);
      assert.match(
        blocker?.message ?? "",
        "shopdb on local is at 1.0.0; the archive is ahead by 1.1.0, 1.1.0+2.",
      );
      await thrownBy(BlockedError, pushDb({ cwd }));
      await follow(shop, blocker?.hint ?? "");
      const after = await check({ cwd });
      assert.not.ok(after.blocked);
      assert.is(after.databases[0]?.version, "1.1.0+2");
      // What they change next follows what they have been given.
      await shop.setVersion("1.2.0");
      await mine.query("CREATE TABLE returns (id integer)");
      await shop.project.write(PENDING, "CREATE TABLE returns (id integer);\n");
      await pushDb({ cwd });
      assert.equal((await shop.versions()).at(-1), "1.2.0 < 1.1.0+2");
    }),
  );
}

behind(
  "by data alone is not blocked, but archives nothing before it has the data",
  inShop(async (shop) => {
    const cwd = shop.root;
    const mine = await shop.anotherDatabase();
    await shop.archive("1.1.0", "INSERT INTO customers VALUES (1, 'Ada');\n");
    const { blocked, databases } = await check({ cwd, url: mine.url });
    assert.not.ok(blocked);
    assert.is(databases[0]?.version, "1.0.0");
    assert.equal(databases[0]?.behind, ["1.1.0"]);
    await useDatabase(shop, mine);
    await shop.project.write(PENDING, "UPDATE customers SET name = 'Ada L.';\n");
    const error = await thrownBy(BlockedError, pushDb({ cwd }));
    assert.is(error.code, "DATABASE_ELSEWHERE");
    assert.match(error.message, "shopdb is at version 1.0.0, but the archive is at 1.1.0");
    await follow(shop, error.hint ?? "");
    await pushDb({ cwd });
    assert.equal(await mine.query("SELECT name FROM customers"), [{ name: "Ada L." }]);
    assert.equal((await shop.versions()).at(-1), "1.1.0+2 < 1.1.0");
  }),
);

behind(
  "and has changes of their own is told to bring the archive's in first",
  inShop(async (shop) => {
    const cwd = shop.root;
    const mine = await shop.anotherDatabase();
    await shop.archive("1.1.0", ADD_NOTE);
    await useDatabase(shop, mine);
    await mine.query(ADD_MAIL);
    await shop.project.write(PENDING, ADD_MAIL);
    const error = await thrownBy(BlockedError, pushDb({ cwd }));
    assert.match(error.message, "is at 1.0.0, with changes of its own; the archive is ahead by 1.1.0.");
    assert.is(await shop.read(PENDING), ADD_MAIL);
    await mine.query("ALTER TABLE customers DROP COLUMN mail");
    await follow(shop, error.hint ?? "");
    await mine.query(ADD_MAIL);
    await pushDb({ cwd });
    assert.equal((await shop.versions()).at(-1), "1.1.0+2 < 1.1.0");
    assert.not.ok((await check({ cwd })).blocked);
  }),
);

behind(
  "or on another branch's version is told so",
  inShop(async (shop) => {
    await shop.project.git("switch", "--quiet", "--create", "feature");
    await shop.archive("1.1.0", ADD_NOTE);
    await shop.project.git("switch", "--quiet", "main");
    const { databases } = await check({ cwd: shop.root });
    const [blocker] = databases[0]?.blockers ?? [];
    assert.is(blocker?.state, "schemaDiffers");
    assert.match(blocker?.message ?? "", "1.1.0");
    assert.match(blocker?.hint ?? "", "git log --all");
    await shop.change(ADD_MAIL);
    const error = await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.match(error.message, "1.1.0");
    assert.equal(await shop.versions(), ["1.0.0 < null"]);
    await shop.project.git("switch", "--quiet", "feature");
    assert.equal(await shop.versions(), ["1.0.0 < null", "1.1.0 < 1.0.0"]);
  }),
);

behind(
  "or empty is not told to archive that everything is dropped",
  inShop(async (shop) => {
    await shop.db.query("DROP TABLE orders, customers");
    const cwd = shop.root;
    const [blocker] = (await check({ cwd })).databases[0]?.blockers ?? [];
    assert.match(blocker?.message ?? "", "is empty, and the archive is not");
    await follow(shop, blocker?.hint ?? "");
    assert.not.ok((await check({ cwd })).blocked);
  }),
);

behind(
  "has archived deltas that are run by hand entered in the ledger, and no others",
  inShop(async (shop) => {
    const cwd = shop.root;
    const mine = await shop.anotherDatabase();
    await shop.archive("1.1.0", ADD_NOTE);
    await shop.archive("1.2.0", ADD_MAIL);
    const run = (version: string) =>
      runSql({ cwd, url: mine.url, file: `wovtools/db/shopdb/${version}.deltas` });
    await mine.query("CREATE TABLE scratch ()");
    assert.is((await run("1.1.0")).version, null, "not the schema of that version");
    await mine.query(`DROP TABLE scratch; ALTER TABLE orders DROP COLUMN note`);
    assert.is((await run("1.2.0")).version, null, "not the version after its own");
    await mine.query("ALTER TABLE customers DROP COLUMN mail");
    assert.is((await run("1.1.0")).version, "1.1.0");
    assert.is((await run("1.2.0")).version, "1.2.0");
    const { entries } = await ledgerLog({ cwd, url: mine.url });
    assert.equal(
      entries.slice(-2).map(({ version }) => version),
      ["1.1.0", "1.2.0"],
    );
  }),
);

behind(
  "may not commit archived deltas that are not as they were archived",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    const file = "wovtools/db/shopdb/1.1.0.deltas";
    await shop.project.write(file, `${ADD_NOTE}-- and more\n`);
    assert.equal((await hook("pre-commit", { cwd: shop.root })).problems, []);
    await shop.project.git("add", file);
    const { problems, blocked } = await hook("pre-commit", { cwd: shop.root });
    assert.ok(blocked);
    assert.equal(
      problems.map(({ where, message }) => [where, message]),
      [[file, "These are the archived deltas of 1.1.0, and not as they were archived."]],
    );
    endedWith(0, await shop.project.run("sh", ["-c", commandsIn(problems[0]?.hint ?? "")[0] ?? ""]));
    assert.equal((await hook("pre-commit", { cwd: shop.root })).problems, []);
  }),
);

behind.run();

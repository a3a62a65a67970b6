/** An archive that lies in a repository of its own. */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, ConfigError, check, pushDb } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { ADD_NOTE, endedWith, inArchive, inShop, lines, moveArchiveApart, Shop } from "./support.js";

const separate = suite("an archive in a repository of its own");

/** A shop with 1.0.0 archived beside it. */
async function apart(): Promise<Shop> {
  const shop = await Shop.create();
  await moveArchiveApart(shop);
  await pushDb({ cwd: shop.root, databases: ["shopdb"], snapshot: "initial" });
  return shop;
}

separate(
  "is committed and pushed there; the project's own repository is left alone",
  inShop(async (shop) => {
    const head = await shop.project.git("rev-parse", "HEAD");
    await shop.change(ADD_NOTE, "../shop-archive/shopdb.deltas");
    const { blocked, databases: checked } = await check({ cwd: shop.root });
    assert.ok(blocked);
    assert.equal(
      checked[0]?.blockers.map(({ state, where }) => `${state} ${where}`),
      ["schemaDiffers null", "pendingDeltas ../shop-archive/shopdb.deltas"],
    );
    const { databases } = await pushDb({ cwd: shop.root });
    assert.is(databases[0]?.archived, "1.0.0+2");
    assert.is(databases[0]?.pushed, true);
    assert.is(await shop.project.git("rev-parse", "HEAD"), head);
    const expected = ["wovtools: archive shopdb 1.0.0+2", "wovtools: archive shopdb 1.0.0", "An archive"];
    assert.equal(lines(await inArchive(shop, "log", "--format=%s", "origin/main")), expected);
    const remote = await shop.project.git("-C", "../archive-origin.git", "log", "--format=%s", "main");
    assert.equal(lines(remote), expected);
    assert.is(await inArchive(shop, "status", "--porcelain"), "");
    assert.equal(await shop.status(), []);
    assert.not.ok((await check({ cwd: shop.root })).blocked);
    // Its own uncommitted changes block; what else lies in the repository does not.
    await shop.project.write("../shop-archive/README.md", "Ours.\n");
    await shop.project.write("../shop-archive/shopdb/.1.0.0+2.deltas.swp", "An editor's.\n");
    assert.not.ok((await check({ cwd: shop.root })).blocked);
    await shop.project.write("../shop-archive/shopdb/1.2.0.deltas", "SELECT 1;\n");
    const again = await check({ cwd: shop.root, skipGitChecks: true });
    assert.equal(
      again.databases[0]?.blockers.map(({ state }) => state),
      ["archiveUncommitted"],
    );
  }, apart),
);

separate(
  "without a remote is committed, and not said to be pushed",
  inShop(async (shop) => {
    await inArchive(shop, "remote", "remove", "origin");
    await shop.change(ADD_NOTE, "../shop-archive/shopdb.deltas");
    const { databases } = await pushDb({ cwd: shop.root });
    assert.is(databases[0]?.archived, "1.0.0+2");
    assert.is(databases[0]?.pushed, false);
  }, apart),
);

separate(
  "whose remote refuses keeps the commit, and the next run pushes it",
  inShop(async (shop) => {
    await shop.change(ADD_NOTE, "../shop-archive/shopdb.deltas");
    const origin = join(shop.root, "../archive-origin.git");
    await rename(origin, `${origin}.gone`);
    const error = await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.is(error.code, "PUSH_REFUSED");
    assert.ok((await check({ cwd: shop.root })).blocked);
    await rename(`${origin}.gone`, origin);
    const { databases } = await pushDb({ cwd: shop.root });
    assert.equal(databases, [
      {
        database: "shopdb",
        archived: "1.0.0+2",
        parent: "1.0.0",
        proven: true,
        commit: null,
        pushed: true,
        resumed: true,
        warnings: [],
      },
    ]);
    assert.is(await inArchive(shop, "rev-parse", "HEAD"), await inArchive(shop, "rev-parse", "origin/main"));
    assert.not.ok((await check({ cwd: shop.root })).blocked);
  }, apart),
);

separate(
  "that is not there is said to be missing, and nothing is made",
  inShop(async (shop) => {
    const archive = join(shop.root, "../shop-archive");
    await rename(archive, `${archive}.away`);
    for (const command of [check, pushDb]) {
      const error = await thrownBy(ConfigError, command({ cwd: shop.root }));
      assert.is(error.code, "NO_ARCHIVE");
      assert.is(error.where, archive);
      assert.match(error.hint ?? "", "git clone");
    }
    assert.not.ok((await readdir(join(shop.root, ".."))).includes("shop-archive"));
  }, apart),
);

separate(
  "or not: an archive inside the project is pushed with it where the configuration says so",
  inShop(async (shop) => {
    const { project } = shop;
    await project.addRemote();
    const config = (await shop.read("wovtools/config.json")) ?? "";
    await project.write(
      "wovtools/config.json",
      config.replace("{", '{\n  "archive": { "push": true, "commitPrefix": "chore: " },'),
    );
    await project.commitAll("Push what is archived");
    await shop.change(ADD_NOTE);
    const ended = endedWith(0, await project.command("wov-push-db", []));
    assert.match(ended.stdout, /archived shopdb 1\.0\.0\+2 after 1\.0\.0 .*pushed/);
    assert.is((await project.git("log", "-1", "--format=%s")).trim(), "chore: archive shopdb 1.0.0+2");
    assert.is(await project.git("rev-parse", "HEAD"), await project.git("rev-parse", "origin/main"));
  }),
);

separate.run();

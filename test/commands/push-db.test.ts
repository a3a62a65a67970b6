import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, check, init, ledgerLog, log, pushDb } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import {
  ADD_MAIL,
  ADD_NOTE,
  commandsIn,
  endedWith,
  HISTORY,
  inShop,
  jsonOf,
  lines,
  PENDING,
  Shop,
} from "./support.js";

const archiving = suite("archiving");

archiving(
  "the first version is a snapshot, and everything of it is in one commit and in the ledger",
  inShop(async (shop) => {
    const { cwd } = { cwd: shop.root };
    const empty = await thrownBy(BlockedError, pushDb({ cwd }));
    assert.is(empty.code, "NOT_ARCHIVED");
    assert.match(empty.message, "its archive has no version yet");
    assert.match(empty.message, /added +table +public\.customers/);
    const [command = ""] = commandsIn(empty.hint ?? "");
    assert.is(command, "wov-push-db --snapshot shopdb initial");
    endedWith(0, await shop.project.command("wov-push-db", ["--snapshot", "shopdb", "initial"]));
    assert.equal(await shop.versions(), ["1.0.0 < null"]);
    assert.equal(await shop.committed(), [
      "A wovtools/db/shopdb.json",
      "A wovtools/db/shopdb/schemas/1.0.0.schema",
    ]);
    assert.equal(await shop.commits(), ["wovtools: archive shopdb 1.0.0", "A shop"]);
    assert.equal(await shop.ledger(), ["archived 1.0.0"]);
    assert.equal(await shop.status(), []);
    assert.not.ok((await check({ cwd })).blocked);
    const second = await thrownBy(BlockedError, pushDb({ cwd, databases: ["shopdb"], snapshot: "again" }));
    assert.is(second.code, "SNAPSHOT_EXISTS");
  }, Shop.create),
);

archiving(
  "pending deltas become a version of their own; what is archived loads by psql's rules",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    await shop.change(ADD_NOTE);
    const result = await jsonOf(shop, "push-db", ["wov-push-db"]);
    const commit = (await shop.project.git("rev-parse", "HEAD")).trim();
    assert.equal(result, {
      pver: "1.1.0",
      stage: "local",
      databases: [
        {
          database: "shopdb",
          archived: "1.1.0",
          parent: "1.0.0",
          proven: true,
          commit,
          pushed: false,
          resumed: false,
          warnings: [],
        },
      ],
    });
    assert.equal(await shop.committed(), [
      "M wovtools/db/shopdb.json",
      "A wovtools/db/shopdb/1.1.0.deltas",
      "A wovtools/db/shopdb/schemas/1.1.0.schema",
    ]);
    assert.is(await shop.read("wovtools/db/shopdb/1.1.0.deltas"), ADD_NOTE);
    assert.is(await shop.read(PENDING), null);
    const schema = (await shop.read("wovtools/db/shopdb/schemas/1.1.0.schema")) ?? "";
    const copy = await freshDatabase(schema);
    assert.not.ok((await check({ cwd: shop.root, url: copy.url })).blocked);
    assert.equal(await shop.status(), []);
  }),
);

archiving(
  "pending deltas that git knows are taken out of it by the same commit",
  inShop(async (shop) => {
    await shop.change(ADD_NOTE);
    await shop.setVersion("1.1.0");
    await shop.project.commitAll("Deltas, not archived yet");
    await pushDb({ cwd: shop.root });
    assert.equal(await shop.committed(), [
      "D wovtools/db/shopdb.deltas",
      "M wovtools/db/shopdb.json",
      "A wovtools/db/shopdb/1.1.0.deltas",
      "A wovtools/db/shopdb/schemas/1.1.0.schema",
    ]);
    assert.equal(await shop.status(), []);
  }),
);

archiving(
  "deltas that change nothing but data are a version with the same schema",
  inShop(async (shop) => {
    await shop.archive("1.1.0", "INSERT INTO customers VALUES (1, 'Ada');\n");
    assert.equal(await shop.versions(), ["1.0.0 < null", "1.1.0 < 1.0.0"]);
    const { databases } = await log({ cwd: shop.root });
    const [first, second] = databases[0]?.versions ?? [];
    assert.is(first?.checksum, second?.checksum);
    assert.is.not(first?.id, second?.id);
    assert.equal(await shop.ledger(), ["archived 1.0.0", "archived 1.1.0"]);
    // The ledger alone can tell the two apart.
    const { databases: checked } = await check({ cwd: shop.root });
    assert.is(checked[0]?.version, "1.1.0");
  }),
);

archiving(
  "what changes after its version was archived becomes further revisions of it",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    await shop.db.query(ADD_MAIL);
    const refused = await thrownBy(BlockedError, pushDb({ cwd: shop.root }));
    assert.match(refused.message, "shopdb on local is not as version 1.1.0 has it.");
    assert.match(refused.message, /changed +table +public\.customers\n +column mail added/);
    assert.match(refused.hint ?? "", "as a further revision of 1.1.0");
    await shop.project.write(PENDING, ADD_MAIL);
    await pushDb({ cwd: shop.root });
    assert.not.ok((await check({ cwd: shop.root })).blocked);
    await shop.change("DROP TABLE orders;\n");
    await pushDb({ cwd: shop.root });
    assert.equal(await shop.versions(), [
      "1.0.0 < null",
      "1.1.0 < 1.0.0",
      "1.1.0+2 < 1.1.0",
      "1.1.0+3 < 1.1.0+2",
    ]);
    assert.equal(await shop.commits(HISTORY), [
      "wovtools: archive shopdb 1.1.0+3",
      "wovtools: archive shopdb 1.1.0+2",
      "wovtools: archive shopdb 1.1.0",
      "wovtools: archive shopdb 1.0.0",
    ]);
    assert.not.ok((await check({ cwd: shop.root })).blocked);
  }),
);

archiving(
  "nothing to archive leaves everything as it is",
  inShop(async (shop) => {
    const head = await shop.project.git("rev-parse", "HEAD");
    for (const comment of [null, "-- Nothing yet.\n"]) {
      if (comment !== null) await shop.project.write(PENDING, comment);
      const ended = endedWith(0, await shop.project.command("wov-push-db", ["shopdb"]));
      assert.is(ended.stdout, "shopdb nothing to archive\n");
      await jsonOf(shop, "push-db", ["wov-push-db"]);
    }
    assert.is(await shop.project.git("rev-parse", "HEAD"), head);
    assert.is(await shop.read(PENDING), "-- Nothing yet.\n");
    assert.equal(await shop.ledger(), ["archived 1.0.0"]);
  }),
);

archiving(
  "the history, the ledger and the checksum are told to programs as their schemas say",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    const history = await jsonOf(shop, "log", ["wov-push-db", "--log"]);
    assert.equal(history, await log({ cwd: shop.root }));
    const entries = await jsonOf(shop, "ledger-log", ["wov-db", "--wdb-log"]);
    assert.equal(entries, await ledgerLog({ cwd: shop.root }));
    const [first, second] = (await ledgerLog({ cwd: shop.root })).entries;
    assert.is(first?.by, "Dana Developer <dana@shop.example>");
    assert.is(second?.commit, (await shop.project.git("rev-parse", "HEAD")).trim());
    await jsonOf(shop, "ledger-version", ["wov-db", "--wdb-ver"]);
    await jsonOf(shop, "ledger-init", ["wov-db", "--wdb-init"]);
    await jsonOf(shop, "checksum", ["wov-push-db", "--checksum"]);
    await jsonOf(shop, "check", ["wov-push-db", "--check"]);
    const text = endedWith(0, await shop.project.command("wov-db", ["--wdb-log"])).stdout;
    assert.equal(
      lines(text).map((line) => /shopdb +(\S+) +(\S+)/.exec(line)?.slice(1).join(" ")),
      ["1.0.0 archived", "1.1.0 archived"],
    );
    await jsonOf(shop, "instance", ["wov-db", "--wdb-createinstance"]);
  }),
);

archiving.run();

const first = suite("a repository without a commit");

first(
  "is unclean; archived all the same where asked, the first commit holds the archive and nothing else",
  inShop(
    async (shop) => {
      const { project } = shop;
      const error = await thrownBy(
        BlockedError,
        pushDb({ cwd: shop.root, databases: ["shopdb"], snapshot: "initial" }),
      );
      assert.match(error.message, "uncommitted changes");
      await project.git("add", "package.json");
      const result = await pushDb({
        cwd: shop.root,
        databases: ["shopdb"],
        snapshot: "initial",
        skipGitChecks: true,
      });
      assert.is(result.databases[0]?.archived, "1.0.0");
      assert.equal(await shop.commits(), ["wovtools: archive shopdb 1.0.0"]);
      assert.equal(lines(await project.git("ls-tree", "-r", "--name-only", "HEAD")), [
        "wovtools/db/shopdb.json",
        "wovtools/db/shopdb/schemas/1.0.0.schema",
      ]);
      assert.ok((await shop.status()).includes("A  package.json"));
      await project.commitAll("The rest");
      assert.not.ok((await check({ cwd: shop.root })).blocked);
    },
    async () => {
      const shop = await Shop.create();
      await shop.project.git("update-ref", "-d", "HEAD");
      await shop.project.git("read-tree", "--empty");
      return shop;
    },
  ),
);

first.run();

const several = suite("several databases");

several(
  "are archived together, or none of them",
  inShop(async (shop) => {
    const cwd = shop.root;
    const stock = await freshDatabase("CREATE TABLE items (id integer PRIMARY KEY)");
    await init({ cwd, database: "stockdb", from: stock.url });
    await shop.project.commitAll("Another database");
    await pushDb({ cwd, databases: ["stockdb"], snapshot: "initial" });
    await shop.setVersion("1.1.0");
    await shop.change(ADD_NOTE);
    await stock.query("ALTER TABLE items ADD COLUMN name text");
    const head = await shop.project.git("rev-parse", "HEAD");
    for (const databases of [undefined, ["shopdb", "stockdb"], ["stockdb", "shopdb"]]) {
      const { message } = await thrownBy(BlockedError, pushDb({ cwd, databases }));
      assert.match(message, "stockdb on local is not as version 1.0.0 has it.");
      assert.is(await shop.project.git("rev-parse", "HEAD"), head);
      assert.is(await shop.read(PENDING), ADD_NOTE);
      assert.equal(await shop.ledger(), ["archived 1.0.0", "archived 1.0.0"]);
    }
    await shop.project.write("wovtools/db/stockdb.deltas", "ALTER TABLE items ADD COLUMN name text;\n");
    const { databases } = await pushDb({ cwd });
    assert.equal(
      databases.map(({ database, archived }) => `${database} ${archived}`),
      ["shopdb 1.1.0", "stockdb 1.1.0"],
    );
    assert.equal((await shop.commits()).slice(0, 2), [
      "wovtools: archive stockdb 1.1.0",
      "wovtools: archive shopdb 1.1.0",
    ]);
    assert.not.ok((await check({ cwd })).blocked);
    // One of them alone is nobody else's business.
    await shop.change(ADD_MAIL);
    await stock.query("DROP TABLE items");
    await pushDb({ cwd, databases: ["shopdb"] });
    assert.equal((await shop.versions()).at(-1), "1.1.0+2 < 1.1.0");
  }),
);

several.run();

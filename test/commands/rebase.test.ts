/** Forks: two branches archive a child of the same version, git merges both, and one command ends it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { rebase } from "#src/commands/rebase.js";
import { BlockedError } from "#src/errors.js";
import { check, pushDb } from "#src/index.js";
import { withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { everything, inFork, isEnded, isOneLine, ledgerOf, MINE, THEIRS } from "./fork.js";
import { commandsIn, endedWith, jsonOf, lines } from "./support.js";

const forks = suite("forks");

const WITH_EVE = "INSERT INTO customers VALUES (7, 'Eve');\nINSERT INTO theirs VALUES (7);";

forks(
  "are named by status, the check, the hook and an archiving, each with the command that ends them",
  inFork(MINE, THEIRS, async ({ shop, root }) => {
    const { project } = shop;
    assert.match((await project.wov("status")).output, /forked: 1\.1\.0, 1\.2\.0 \(wov-db shopdb --rebase\)/);
    const checked = await check({ cwd: root });
    const blocker = checked.databases[0]?.blockers.find(({ state }) => state === "forked");
    assert.equal(commandsIn(blocker?.hint ?? ""), ["wov-db shopdb --rebase"]);
    await shop.change("ALTER TABLE orders ADD COLUMN more text;");
    const refused = await thrownBy(
      BlockedError,
      pushDb({ cwd: root, env: { ...process.env, WOV_PVER: "1.2.0" } }),
    );
    assert.match(refused.hint ?? "", "wov-db shopdb --rebase");
  }),
);

forks(
  "a lower line is put behind a higher one, in one commit, and the database gets what it lacks",
  inFork(MINE, THEIRS, async (fork) => {
    const { shop } = fork;
    const before = lines(await shop.project.git("rev-list", "HEAD")).length;
    const result = await jsonOf(shop, "rebase", ["wov-db", "shopdb", "--rebase"]);
    assert.match(JSON.stringify(result), '"rebased":[{"from":"1.1.0","to":"1.2.0+2"}]');
    assert.match(JSON.stringify(result), '"applied":["1.2.0"]');
    assert.is(lines(await shop.project.git("rev-list", "HEAD")).length, before + 1);
    const changed = lines(
      await shop.project.git("show", "--name-status", "--no-renames", "--format=%s", "HEAD"),
    );
    assert.equal(changed, [
      "wovtools: rebase shopdb onto 1.2.0: 1.1.0 as 1.2.0+2",
      "M\twovtools/db/shopdb.json",
      "D\twovtools/db/shopdb/1.1.0.deltas",
      "A\twovtools/db/shopdb/1.2.0+2.deltas",
      "D\twovtools/db/shopdb/schemas/1.1.0.schema",
      "A\twovtools/db/shopdb/schemas/1.2.0+2.schema",
    ]);
    assert.is(await shop.read("wovtools/db/shopdb/1.2.0+2.deltas"), `${MINE[0]?.[1]}\n`);
    assert.is(await shop.read("wovtools/db/shopdb/1.1.0.deltas"), null);
    await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
    assert.equal((await ledgerOf(shop.db)).events.slice(-2), ["archived 1.1.0", "archived 1.2.0+2"]);
  }),
);

forks(
  "a higher line keeps its PVER and gets a key that nobody knows",
  inFork([["1.3.0", "CREATE TABLE mine (id integer);"]], THEIRS, async (fork) => {
    const { rebased } = await rebase({ cwd: fork.root });
    assert.equal(rebased, [{ from: "1.3.0", to: "1.3.0+2" }]);
    await isOneLine(fork, ["1.0.0", "1.2.0", "1.3.0+2"]);
  }),
);

forks(
  "whole lines, and pending deltas stay pending",
  inFork(
    [...MINE, ["1.1.1", "CREATE TABLE mine (id integer);"]],
    // What 1.2.0 puts off to its end is checked there, else nothing could alter the table in the same transaction.
    [
      [
        "1.2.0",
        `CREATE TABLE theirs (id integer REFERENCES customers DEFERRABLE INITIALLY DEFERRED);\n${WITH_EVE}`,
      ],
      ["1.2.1", "ALTER TABLE theirs ADD COLUMN note text;"],
    ],
    async (fork) => {
      const { shop, root } = fork;
      await shop.change("ALTER TABLE mine ADD COLUMN later text;");
      const { applied } = await rebase({ cwd: root });
      assert.equal(applied, ["1.2.0", "1.2.1"]);
      assert.equal((await fork.read()).keys, ["1.0.0", "1.2.0", "1.2.1", "1.2.1+2", "1.2.1+3"]);
      await pushDb({ cwd: root, env: { ...process.env, WOV_PVER: "1.3.0" } });
      await isEnded(fork, ["1.0.0", "1.2.0", "1.2.1", "1.2.1+2", "1.2.1+3", "1.3.0"]);
    },
  ),
);

forks(
  "where there is no fork there is nothing to do",
  inFork(MINE, THEIRS, async (fork) => {
    await rebase({ cwd: fork.root });
    const before = await everything(fork);
    const ended = endedWith(0, await fork.shop.project.wov("db", "shopdb", "--rebase"));
    assert.match(ended.stdout, "shopdb has no other line to go behind");
    assert.equal(await everything(fork), before);
  }),
);

forks(
  "are ended while nobody deploys to the database",
  inFork(MINE, THEIRS, async (fork) => {
    const { shop, root } = fork;
    await withClient(shop.db.connection, async (deploying) => {
      // The lock that a deploy holds.
      await deploying.query("SELECT pg_advisory_lock(7827318, 1684369516)");
      const told: string[] = [];
      let released: Promise<unknown> | undefined;
      const progress = (doing: string) => {
        told.push(doing);
        if (doing.startsWith("waiting for ")) released ??= deploying.query("SELECT pg_advisory_unlock_all()");
      };
      await rebase({ cwd: root, progress });
      assert.ok(released, told.join());
      await released;
    });
    await isOneLine(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

forks.run();

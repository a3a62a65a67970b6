/** Forks of which git has kept one side only, or woven one into the other: mine comes back from its history. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { rebase } from "#src/commands/rebase.js";
import { ArchiveError, BlockedError } from "#src/errors.js";
import { createInstance } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { everything, Fork, inFork, isEnded, isOneLine, type Side } from "./fork.js";
import { endedWith } from "./support.js";

const lost = suite("lost lines");

lost(
  "two versions of one key: the merge keeps the other side's, and mine comes back from git's history",
  inFork(
    [
      ["1.1.0", "ALTER TABLE orders ADD COLUMN mine text;"],
      ["1.1.0", "UPDATE orders SET mine = 'x';"],
      ["1.1.1", "CREATE TABLE mine (id integer);"],
    ],
    [["1.1.0", "ALTER TABLE customers ADD COLUMN theirs text;"]],
    async (fork) => {
      assert.equal((await fork.read()).keys, ["1.0.0", "1.1.0"]);
      const { rebased, applied } = await rebase({ cwd: fork.root });
      assert.equal(rebased, [
        { from: "1.1.0", to: "1.1.0+3" },
        { from: "1.1.0+2", to: "1.1.0+4" },
        { from: "1.1.1", to: "1.1.1+2" },
      ]);
      assert.equal(applied, ["1.1.0"]);
      await isEnded(fork, ["1.0.0", "1.1.0", "1.1.0+3", "1.1.0+4", "1.1.1+2"]);
    },
  ),
);

for (const [what, mine, keys] of [
  ["whose commit git drops", [["1.1.0", "CREATE TABLE mine (id integer);"]], ["1.1.0+2"]],
  [
    "of which git puts the second behind theirs",
    [
      ["1.1.0", "CREATE TABLE mine (id integer);"],
      ["1.1.1", "CREATE TABLE more (id integer);"],
    ],
    ["1.1.0+2", "1.1.1+2"],
  ],
] satisfies [string, Side, string[]][]) {
  lost(`git's own rebase, two versions of one key: mine comes back, ${what}`, async () => {
    const fork = await Fork.replayed(mine, [["1.1.0", "CREATE TABLE theirs (id integer);"]]);
    try {
      const told = await fork.shop.project.wov("push-db", "--check");
      assert.match(told.output, "wov-db shopdb --rebase", told.output);
      const { rebased, applied } = await rebase({ cwd: fork.root });
      assert.equal(
        rebased.map(({ to }) => to),
        keys,
      );
      assert.equal(applied, ["1.1.0"]);
      await isOneLine(fork, ["1.0.0", "1.1.0", ...keys]);
    } finally {
      await fork.remove();
    }
  });
}

lost("a version that is picked brings those that it follows", async () => {
  const fork = await Fork.picked([
    ["1.1.0", "CREATE TABLE mine (id integer);"],
    ["1.1.1", "CREATE TABLE more (id integer);"],
  ]);
  try {
    await isOneLine(fork, ["1.0.0", "1.1.0", "1.1.1"]);
  } finally {
    await fork.remove();
  }
});

for (const [what, theirs, keys] of [
  ["no version that it follows", "1.2.0", ["1.2.0+2", "1.2.0+3"]],
  ["another version of the key that it follows", "1.1.0", ["1.1.0+2", "1.1.1+2"]],
] as const) {
  lost(
    `a version that git's cherry-pick puts where there is ${what}: all of mine comes behind theirs`,
    async () => {
      const mine: Side = [
        ["1.1.0", "CREATE TABLE mine (id integer);"],
        ["1.1.1", "ALTER TABLE mine ADD COLUMN more text;"],
      ];
      const fork = await Fork.woven(mine, [[theirs, "CREATE TABLE theirs (id integer);"]]);
      try {
        const { project } = fork.shop;
        const told = endedWith(4, await project.wov("push-db", "--check"));
        assert.match(told.output, "wov-db shopdb --rebase");
        const before = await project.git("rev-parse", "HEAD");
        const { rebased, applied } = await rebase({ cwd: fork.root });
        assert.equal(rebased, [
          { from: "1.1.0", to: keys[0] },
          { from: "1.1.1", to: keys[1] },
        ]);
        assert.equal(applied, [theirs]);
        assert.is(await project.git("rev-parse", "HEAD~1"), before);
        await isEnded(fork, ["1.0.0", theirs, ...keys]);
      } finally {
        await fork.remove();
      }
    },
  );
}

lost("lines that do not go together are left as git's rebase has put them", async () => {
  const mine: Side = [
    ["1.1.0", "CREATE TABLE mine (id integer);"],
    ["1.1.1", "CREATE INDEX names ON customers (name);"],
  ];
  const theirs: Side = [["1.1.0", "ALTER TABLE customers RENAME COLUMN name TO called;"]];
  const fork = await Fork.replayed(mine, theirs);
  try {
    const before = await everything(fork);
    const error = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
    assert.is(error.code, "LINES_CLASH");
    assert.match(error.message, "Nothing was changed.");
    assert.equal(await everything(fork), before);
  } finally {
    await fork.remove();
  }
});

lost("a picked version that is not on the database's line is nobody's to put elsewhere", async () => {
  const mine: Side = [
    ["1.1.0", "CREATE TABLE mine (id integer);"],
    ["1.1.1", "CREATE TABLE more (id integer);"],
  ];
  const fork = await Fork.woven(mine, [["1.2.0", "CREATE TABLE theirs (id integer);"]]);
  try {
    const { project } = fork.shop;
    const other = await freshDatabase();
    await project.git("checkout", "--quiet", "--detach", "main~1");
    await createInstance({ cwd: fork.root, url: other.url });
    await project.git("checkout", "--quiet", "main");
    const before = await everything(fork);
    const error = await thrownBy(ArchiveError, rebase({ cwd: fork.root, url: other.url }));
    assert.is(error.code, "UNKNOWN_PARENT");
    assert.equal(await everything(fork), before);
  } finally {
    await fork.remove();
  }
});

lost.run();

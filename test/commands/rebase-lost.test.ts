/** Forks of which git has kept one side only, or woven one into the other: mine comes back from its history. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { rebase } from "#src/commands/rebase.js";
import { Fork, inFork, isEnded, isOneLine, type Side } from "./fork.js";

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

lost.run();

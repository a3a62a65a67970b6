/** Forks that the command does not end, and what it says then: nothing is changed. */
import { writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { rebase } from "#src/commands/rebase.js";
import { BlockedError } from "#src/errors.js";
import { createInstance } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { everything, inFork, isOneLine, ledgerOf, MINE, THEIRS } from "./fork.js";
import { commandsIn } from "./support.js";

const refused = suite("refused forks");

refused(
  "lines that do not go together are refused with the statement that fails",
  inFork(
    [["1.1.0", "CREATE TABLE fine (id integer);\nCREATE INDEX names\n  ON customers (name);"]],
    [["1.2.0", "ALTER TABLE customers RENAME COLUMN name TO called;"]],
    async (fork) => {
      const before = await everything(fork);
      const error = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
      assert.is(error.code, "LINES_CLASH");
      assert.match(error.message, "1.1.0 does not go behind 1.2.0. Nothing was changed.");
      assert.match(error.message, 'column "name" does not exist');
      assert.is(error.where, "wovtools/db/shopdb/1.1.0.deltas:2");
      assert.equal(await everything(fork), before);
    },
  ),
);

refused(
  "a database that theirs do not fit on top of: its owner takes mine back, and it gets both",
  inFork(
    [["1.1.0", "ALTER TABLE customers ADD COLUMN IF NOT EXISTS mail text;"]],
    [["1.2.0", "ALTER TABLE customers ADD COLUMN mail varchar(80);"]],
    async (fork) => {
      const { shop, root } = fork;
      const before = await everything(fork);
      const error = await thrownBy(BlockedError, rebase({ cwd: root }));
      assert.match(error.message, "has 1.1.0 already, and 1.2.0 on top of that does not go");
      assert.equal(await everything(fork), before);
      assert.equal(commandsIn(error.hint ?? "").at(-1), "wov-db shopdb --rebase");
      await shop.db.query("ALTER TABLE customers DROP COLUMN mail");
      const { applied } = await rebase({ cwd: root });
      assert.equal(applied, ["1.2.0", "1.1.0"]);
      await isOneLine(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
    },
  ),
);

refused(
  "columns that each line adds to one table: the way out is told, and goes",
  inFork(MINE, [["1.2.0", "ALTER TABLE orders ADD COLUMN theirs text;"]], async (fork) => {
    const { shop, root } = fork;
    const before = await everything(fork);
    const error = await thrownBy(BlockedError, rebase({ cwd: root }));
    assert.is(error.code, "ORDER_MATTERS");
    assert.match(
      error.message,
      "column order changed: id, customer, theirs, mine → id, customer, mine, theirs",
    );
    assert.match(error.hint ?? "", '{ "columnOrder": false }');
    assert.equal(await everything(fork), before);
    await shop.db.query("ALTER TABLE orders DROP COLUMN mine");
    const { applied } = await rebase({ cwd: root });
    assert.equal(applied, ["1.2.0", "1.1.0"]);
    await isOneLine(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

refused(
  "two orders that come to different schemas are refused, with the difference",
  inFork(
    [["1.1.0", "CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''mine''';"]],
    [["1.2.0", "CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''theirs''';"]],
    async (fork) => {
      const before = await everything(fork);
      const error = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
      assert.is(error.code, "ORDER_MATTERS");
      assert.match(error.message, /changed +function +public\.f\(\)/);
      assert.equal(await everything(fork), before);
    },
  ),
);

refused(
  "drift is refused, with what differs",
  inFork(MINE, THEIRS, async (fork) => {
    await fork.shop.db.query("CREATE TABLE stray (id integer)");
    const before = await everything(fork);
    const error = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
    assert.is(error.code, "LOCAL_DRIFT");
    assert.match(error.message, /added +table +public\.stray/);
    assert.equal(await everything(fork), before);
  }),
);

refused(
  "rows that do not let their deltas pass: all is taken back, nothing is archived",
  inFork(MINE, [["1.2.0", "ALTER TABLE customers ADD CHECK (name <> '');"]], async (fork) => {
    await fork.shop.db.query("INSERT INTO customers VALUES (1, '')");
    const before = await everything(fork);
    const error = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
    assert.match(error.message, "shopdb on local does not take 1.2.0; on a shadow without rows it went");
    assert.match(error.where ?? "", "wovtools/db/shopdb/1.2.0.deltas:1");
    assert.equal(await everything(fork), before);
    await fork.shop.db.query("DELETE FROM customers");
    await rebase({ cwd: fork.root });
    await isOneLine(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

refused(
  "a stage that has mine is not left behind; one that cannot be asked is named",
  inFork(MINE, THEIRS, async (fork) => {
    const { root } = fork;
    const prod = await freshDatabase(
      "CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL); CREATE TABLE orders (id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers, mine text);",
    );
    const secret = (stage: string, url: string) =>
      writeFile(`${root}/wovtools/secrets/shopdb_${stage}.json`, JSON.stringify({ shopdb: { url } }), {
        mode: 0o600,
      });
    await secret("prod", prod.url);
    await secret("gone", "postgres://nobody@127.0.0.1:1/shopdb");
    await createInstance({ cwd: root, stage: "prod" });
    assert.is((await ledgerOf(prod)).version, "1.1.0");
    const before = await everything(fork);
    const error = await thrownBy(BlockedError, rebase({ cwd: root }));
    assert.is(error.code, "STAGE_HAS_LINE");
    assert.match(error.message, "1.1.0 of shopdb was deployed to prod");
    await secret("prod", prod.url.replace(prod.name, `${prod.name.slice(0, -1)}*`));
    assert.is((await thrownBy(BlockedError, rebase({ cwd: root }))).code, "STAGE_HAS_LINE");
    assert.equal(await everything(fork), before);

    await secret("prod", "postgres://nobody@127.0.0.1:1/shopdb");
    const { warnings } = await rebase({ cwd: root });
    assert.equal(
      warnings.map((warning) => /line\. (\w+):/.exec(warning)?.[1]),
      ["gone", "prod"],
    );
    await isOneLine(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

refused(
  "a database on neither line is told so",
  inFork(MINE, THEIRS, async (fork) => {
    const db = await freshDatabase();
    const { shop, root } = fork;
    await shop.project.git("checkout", "--quiet", "--detach", "main~1");
    await createInstance({ cwd: root, url: db.url });
    await shop.project.git("checkout", "--quiet", "feature");
    const error = await thrownBy(BlockedError, rebase({ cwd: root, url: db.url }));
    assert.is(error.code, "NEITHER_LINE");
    const unknown = await freshDatabase();
    assert.is((await thrownBy(BlockedError, rebase({ cwd: root, url: unknown.url }))).code, "NOT_IN_LEDGER");
  }),
);

refused.run();

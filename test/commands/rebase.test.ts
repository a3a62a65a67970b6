/** Forks: two branches archive a child of the same version, git merges both, and one command ends it. */
import { writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ARCHIVING_STEPS } from "#src/archive/apply.js";
import { rebase } from "#src/commands/rebase.js";
import { BlockedError } from "#src/errors.js";
import { check, createInstance, hash, pushDb } from "#src/index.js";
import { withClient } from "#src/postgres/connection.js";
import { openLedger } from "#src/stage/ledger.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { Fork, type Side } from "./fork.js";
import { commandsIn, endedWith, HISTORY, jsonOf, lines } from "./support.js";

const forks = suite("forks");

const MINE: Side = [["1.1.0", "ALTER TABLE orders ADD COLUMN mine text;"]];
const WITH_EVE = "INSERT INTO customers VALUES (7, 'Eve');\nINSERT INTO theirs VALUES (7);";
const THEIRS: Side = [["1.2.0", "ALTER TABLE customers ADD COLUMN theirs text;"]];

function inFork(mine: Side, theirs: Side, work: (fork: Fork) => Promise<void>) {
  return async () => {
    const fork = await Fork.merged(mine, theirs);
    try {
      await work(fork);
    } finally {
      await fork.remove();
    }
  };
}

async function ledgerOf(db: TestDatabase): Promise<{ version: string; events: string[] }> {
  const ledger = await openLedger(db.connection);
  if (ledger === null) throw new Error("there is a ledger");
  try {
    const events = (await ledger.log(db.name)).map(({ event, version }) => `${event} ${version}`);
    return { version: (await ledger.versionOf(db.name))?.version ?? "", events };
  } finally {
    await ledger.close();
  }
}

/** Everything that a refusal has to leave as it was. */
async function everything({ shop, root }: Fork): Promise<unknown> {
  return {
    history: await shop.read(HISTORY),
    head: await shop.project.git("rev-parse", "HEAD"),
    status: await shop.project.git("status", "--short"),
    schema: (await hash(shop.db.url, { cwd: root })).checksum,
    ledger: await ledgerOf(shop.db),
  };
}

/** The fork has ended: one whole line, the database at its end, and nothing left to do. @returns the versions' ids */
async function isOneLine(fork: Fork, keys: readonly string[]): Promise<string[]> {
  const { shop, root } = fork;
  const read = await fork.read();
  assert.equal(read.keys, [...keys]);
  assert.equal(read.heads, keys.slice(-1));
  assert.equal(read.strays, []);
  assert.is((await ledgerOf(shop.db)).version, keys.at(-1));
  assert.is(await shop.project.git("status", "--short", "--", "wovtools"), "");
  const { blocked, databases } = await check({
    cwd: root,
    env: { ...process.env, WOV_PVER: "9.0.0" },
  });
  assert.not.ok(blocked, JSON.stringify(databases[0]?.blockers));
  return [...read.archive.versions.values()].map(({ id }) => id);
}

/** The fork has ended, and a new database made of the archive is as the one that went through it. */
async function isEnded(fork: Fork, keys: readonly string[]): Promise<string[]> {
  const { shop, root } = fork;
  const ids = await isOneLine(fork, keys);
  const fresh = await freshDatabase();
  await createInstance({ cwd: root, url: fresh.url });
  const [own, made] = [await hash(shop.db.url, { cwd: root }), await hash(fresh.url, { cwd: root })];
  assert.is(own.checksum, made.checksum);
  const { archive } = await fork.read();
  assert.is(own.checksum, archive.versions.get(keys.at(-1) ?? "")?.checksum);
  return ids;
}

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
    await isEnded(fork, ["1.0.0", "1.2.0", "1.3.0+2"]);
  }),
);

forks(
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
  forks(`git's own rebase, two versions of one key: mine comes back, ${what}`, async () => {
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
      await isEnded(fork, ["1.0.0", "1.1.0", ...keys]);
    } finally {
      await fork.remove();
    }
  });
}

forks("a version that is picked brings those that it follows", async () => {
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

forks(
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
      await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
    },
  ),
);

forks(
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
    await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

forks(
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

forks(
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

forks(
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
    await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

forks(
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
    await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
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

/** Rows show whether deltas came once: a schema would be the same. */
const COUNTING: Side = [
  [
    "1.2.0",
    "ALTER TABLE customers ADD COLUMN seen integer NOT NULL DEFAULT 0;\nUPDATE customers SET seen = seen + 1;",
  ],
];
const COUNTED = ["1.0.0", "1.2.0", "1.2.0+2"];

async function countingFork(): Promise<Fork> {
  const fork = await Fork.merged(MINE, COUNTING);
  await fork.shop.db.query("INSERT INTO customers VALUES (1, 'Ada')");
  return fork;
}

let undisturbed: Promise<string[]> | undefined;

/** What a run comes to that nothing has disturbed. */
async function undisturbedIds(): Promise<string[]> {
  const fork = await countingFork();
  try {
    await rebase({ cwd: fork.root });
    return await isEnded(fork, COUNTED);
  } finally {
    await fork.remove();
  }
}

/** The fork has ended as one that nothing has disturbed; the ids tell it, since they cover the files and what they lead to. */
async function isEndedAsEver(fork: Fork, stop: string): Promise<void> {
  assert.equal(await fork.shop.db.query("SELECT seen FROM customers"), [{ seen: 1 }], stop);
  undisturbed ??= undisturbedIds();
  assert.equal(await isOneLine(fork, COUNTED), await undisturbed, stop);
}

forks("interrupted after any step, the next run ends as one that was not", async () => {
  for (const stop of [
    "local",
    ...ARCHIVING_STEPS.filter((step) => !["pending-removed", "pushed"].includes(step)),
  ]) {
    const fork = await countingFork();
    try {
      const onStep = (step: string) => {
        if (step === stop) throw new Error(`stopped after ${stop}`);
      };
      const stopped = await thrownBy(Error, rebase({ cwd: fork.root, onStep }));
      assert.is(stopped.message, `stopped after ${stop}`);
      await rebase({ cwd: fork.root });
      await isEndedAsEver(fork, stop);
    } finally {
      await fork.remove();
    }
  }
});

for (const [how, end] of [
  ["committed", "COMMIT"],
  ["aborted", "ROLLBACK"],
] as const) {
  forks(
    `killed at the COMMIT in the database, which the server says was ${how}`,
    inFork(MINE, COUNTING, async (fork) => {
      const { shop, root } = fork;
      const { project, db } = shop;
      await db.query("INSERT INTO customers VALUES (1, 'Ada')");
      // The note as it stands between the transaction's last statement and the end of the COMMIT.
      const theirs = (await fork.read()).archive.versions.get("1.2.0");
      const { xid, oid } = await withClient(db.connection, async (client) => {
        await client.query("BEGIN");
        await client.query(COUNTING[0]?.[1] ?? "");
        const { rows } = await client.query<{ xid: string; oid: string }>(
          "SELECT pg_current_xact_id()::text AS xid, oid FROM pg_database WHERE datname = current_database()",
        );
        await client.query(end);
        return rows[0] ?? { xid: "", oid: "" };
      });
      const { host, port, database } = db.connection;
      await project.write(
        ".git/wovtools/rebasing-shopdb.json",
        JSON.stringify({
          wovtoolsrebase: "1",
          database: `${host}:${port}/${database} ${oid}`,
          from: "mine",
          versions: [theirs?.id],
          done: 0,
          xid,
          outside: false,
        }),
      );
      await rebase({ cwd: root });
      await isEndedAsEver(fork, how);
      assert.is(await shop.read(".git/wovtools/rebasing-shopdb.json"), null);
    }),
  );
}

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
    await isEnded(fork, ["1.0.0", "1.2.0", "1.2.0+2"]);
  }),
);

forks.run();

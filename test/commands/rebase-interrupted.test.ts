/** A command that ends a fork, stopped or killed on the way: the next one goes on from there. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ARCHIVING_STEPS } from "#src/archive/apply.js";
import { rebase } from "#src/commands/rebase.js";
import { withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { Fork, inFork, isEnded, isOneLine, MINE, type Side } from "./fork.js";

const interrupted = suite("interrupted rebases");

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

interrupted("interrupted after any step, the next run ends as one that was not", async () => {
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
  interrupted(
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

interrupted.run();

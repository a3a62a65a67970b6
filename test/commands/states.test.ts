/** The five states that decide whether anything blocks a push, in every combination. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { check, hook } from "#src/index.js";
import type { TestDatabase } from "../support/server.js";
import { ADD_NOTE, endedWith, jsonOf, PENDING, Shop } from "./support.js";

/** The states by their numbers. */
interface Row {
  /** The schema differs from the archived one of this PVER, or of the version the database is at. */
  readonly 1: boolean;
  /** There are pending deltas. */
  readonly 2: boolean;
  /** The repository has uncommitted changes. */
  readonly 3: boolean;
  /** This PVER has archived deltas. */
  readonly 4: boolean;
  /** The archive has uncommitted changes. */
  readonly 5: boolean;
}

interface Expected {
  /** What blocks when nothing is skipped, in the order in which it is told. */
  readonly blocks: readonly string[];
  /** What blocks where the uncommitted changes of the repository are left out. */
  readonly blocksWithoutGit: readonly string[];
  /** What an archiving would make; null where nothing is there to archive. */
  readonly proposal: string | null;
}

/** 1 always blocks, 2 blocks, 3 blocks unless it is skipped, 5 always blocks; 4 decides what is proposed. */
function expectedOf(row: Row): Expected {
  const told = (skipped: boolean) => [
    ...(row[1] ? ["schemaDiffers"] : []),
    ...(row[2] ? ["pendingDeltas"] : []),
    ...(row[3] && !skipped ? ["uncommittedChanges"] : []),
    ...(row[5] ? ["archiveUncommitted"] : []),
  ];
  const proposal = row[4] ? "as a further revision of 1.1.0" : "as version 1.2.0";
  return {
    blocks: told(false),
    blocksWithoutGit: told(true),
    proposal: row[1] || row[2] ? proposal : null,
  };
}

const bit = (number: number, place: number) => (number & (1 << place)) !== 0;
/** All 32, those of one branch and one database next to each other. */
const ROWS: readonly Row[] = Array.from({ length: 32 }, (_, number) => ({
  2: bit(number, 0),
  3: bit(number, 1),
  5: bit(number, 2),
  1: bit(number, 3),
  4: bit(number, 4),
}));

const CLEAN: Row = { 1: false, 2: false, 3: false, 4: true, 5: false };
const nameOf = (row: Row) =>
  Object.entries(row)
    .filter(([, holds]) => holds)
    .map(([state]) => state)
    .join(" ") || "none";

interface Stand {
  readonly shop: Shop;
  /** At 1.1.0, without drift. */
  readonly sound: TestDatabase;
  /** At 1.1.0, and a column more. */
  readonly drifted: TestDatabase;
}

const states = suite<{ stand: Stand | undefined }>("the five states", { stand: undefined });

/** On `main` the PVER is 1.1.0, which is archived; on `next` it is 1.2.0, which is not. Both are at 1.1.0. */
states.before(async (context) => {
  const shop = await Shop.archived();
  await shop.archive("1.1.0", ADD_NOTE);
  const drifted = await shop.anotherDatabase();
  await drifted.query("ALTER TABLE customers ADD COLUMN mail text");
  const { project } = shop;
  await project.git("switch", "--quiet", "--create", "next");
  await shop.setVersion("1.2.0");
  context.stand = { shop, sound: shop.db, drifted };
});

states.after(async ({ stand }) => stand?.shop.remove());

function standOf({ stand }: { stand: Stand | undefined }): Stand {
  if (stand === undefined) throw new Error("there is no stand to test on");
  return stand;
}

/** Brings the repository into the states of a row, and gives the database that is in state 1 or not. */
async function bring({ shop, sound, drifted }: Stand, row: Row): Promise<TestDatabase> {
  const { project } = shop;
  await project.git("clean", "--quiet", "--force", "-d");
  await project.git("checkout", "--quiet", "--force", "HEAD", "--", ".");
  const branch = row[4] ? "main" : "next";
  if ((await project.git("branch", "--show-current")).trim() !== branch)
    await project.git("switch", "--quiet", branch);
  if (row[2]) await project.write(PENDING, "ALTER TABLE customers ADD COLUMN mail text;\n");
  if (row[3]) await project.write("package.json", `${await shop.read("package.json")}\n`);
  if (row[5]) await project.write("wovtools/db/shopdb/1.0.1.deltas", "SELECT 1;\n");
  return row[1] ? drifted : sound;
}

states("decide in all 32 combinations as they should", async (context) => {
  const stand = standOf(context);
  const cwd = stand.shop.root;
  const seen = new Set<string>();
  for (const row of ROWS) {
    const { url } = await bring(stand, row);
    const expected = expectedOf(row);
    const [all, withoutGit] = await Promise.all([
      check({ cwd, url }),
      check({ cwd, url, skipGitChecks: true }),
    ]);
    for (const [result, blocks] of [
      [all, expected.blocks],
      [withoutGit, expected.blocksWithoutGit],
    ] as const) {
      const [database] = result.databases;
      const name = nameOf(row);
      assert.equal(
        database?.states,
        {
          schemaDiffers: row[1],
          pendingDeltas: row[2],
          uncommittedChanges: row[3],
          pverArchived: row[4],
          archiveUncommitted: row[5],
        },
        name,
      );
      assert.equal(
        database?.blockers.map(({ state }) => state),
        blocks,
        name,
      );
      assert.is(result.blocked, blocks.length > 0, name);
      assert.is(database?.version, "1.1.0", name);
      assert.equal(
        database?.changes.map(({ change, name: object }) => `${change} ${object}`),
        row[1] ? ["changed public.customers"] : [],
        name,
      );
      const proposals = database?.blockers
        .filter(({ state }) => state === "schemaDiffers" || state === "pendingDeltas")
        .map(({ hint }) => /as (?:a further revision of|version) [\d.]+\d/.exec(hint)?.[0] ?? hint);
      assert.equal([...new Set(proposals)], expected.proposal === null ? [] : [expected.proposal], name);
    }
    seen.add(nameOf(row));
  }
  assert.is(seen.size, 32);
});

states("are told apart when the archive is undone instead of added to", async (context) => {
  const { shop, sound } = standOf(context);
  await bring(standOf(context), CLEAN);
  await shop.project.git("reset", "--quiet", "--soft", "HEAD~1");
  const { blocked, databases } = await check({ cwd: shop.root, url: sound.url, skipGitChecks: true });
  await shop.project.git("reset", "--quiet", "--soft", "ORIG_HEAD");
  assert.ok(blocked);
  assert.equal(
    databases.flatMap(({ blockers }) => blockers.map(({ state }) => state)),
    ["archiveUncommitted"],
  );
});

states("end the program with their verdict, whatever the option is called", async (context) => {
  const stand = standOf(context);
  const { project } = stand.shop;
  const rows: readonly (readonly [Partial<Row>, readonly string[], status: number])[] = [
    [{}, ["--check"], 0],
    [{}, ["--push-check"], 0],
    [{}, ["-pc"], 0],
    [{}, ["--any-push-blockage"], 0],
    [{ 4: false }, ["-pc"], 0],
    [{ 1: true }, ["-pc"], 1],
    [{ 1: true, 4: false }, ["--check", "shopdb"], 1],
    [{ 2: true }, ["--any-push-blockage"], 1],
    [{ 3: true }, ["--push-check"], 1],
    [{ 3: true }, ["-pc", "--skip-git-checks"], 0],
    [{ 5: true }, ["--check", "--skip-git-checks"], 1],
    [{ 1: true, 2: true, 3: true, 5: true }, ["--check"], 1],
  ];
  for (const [states, args, status] of rows) {
    const row = { ...CLEAN, ...states };
    const { url } = await bring(stand, row);
    const ended = await project.command("wov-push-db", args, { env: { WOV_SHOPDB_URL: url } });
    endedWith(status, ended);
    assert.match(ended.stdout, status === 0 ? /^ok shopdb on local/ : /^blocked shopdb on local/);
    if (row[1]) assert.match(ended.stdout, /changed +table +public\.customers\n +column mail added/);
    if (row[1] && !row[4]) assert.match(ended.stdout, /not as version 1\.1\.0 has it/);
    const { proposal } = expectedOf(row);
    if (proposal !== null) assert.match(ended.stdout, `${proposal}:\n    wov-push-db shopdb`);
  }
});

states("are the same for a program that reads them", async (context) => {
  const stand = standOf(context);
  const row = { 1: true, 2: true, 3: true, 4: false, 5: true };
  const { url } = await bring(stand, row);
  const env = { WOV_SHOPDB_URL: url };
  const told = await jsonOf(stand.shop, "check", ["wov", "push-db", "--check"], { env, status: 1 });
  assert.equal(told, await check({ cwd: stand.shop.root, url }));
});

states("an unreachable database blocks, and ends the program with 3", async (context) => {
  const stand = standOf(context);
  const { url } = await bring(stand, CLEAN);
  const env = { WOV_SHOPDB_URL: url.replace(/(\/test_\w+)/, "$1_gone") };
  const ended = await stand.shop.project.command("wov-push-db", ["-pc"], { env });
  endedWith(3, ended);
  assert.match(ended.stdout, /^blocked shopdb on local/);
  await jsonOf(stand.shop, "check", ["wov-push-db", "-pc"], { env, status: 3 });
});

states("uncommitted changes block a push only where the configuration says so", async (context) => {
  const stand = standOf(context);
  const { shop } = stand;
  const config = "wovtools/config.json";
  for (const policy of ["report", "block"] as const) {
    for (const row of [CLEAN, { ...CLEAN, 3: true }, { ...CLEAN, 1: true, 3: true }, { ...CLEAN, 5: true }]) {
      const { url } = await bring(stand, row);
      if (policy === "block") {
        // Said in a commit of its own, which is taken back below, so that the file itself is no change.
        const text = (await shop.read(config)) ?? "";
        await shop.project.write(config, text.replace("{", '{\n  "hook": { "uncommitted": "block" },'));
        await shop.project.git("commit", "--quiet", "--no-verify", "--message", "Be strict", config);
      }
      const head = (await shop.project.git("rev-parse", "HEAD")).trim();
      const stdin = `refs/heads/main ${head} refs/heads/main ${"0".repeat(40)}\n`;
      const { blocked, check: checked, notes } = await hook("pre-push", { cwd: shop.root, url, stdin });
      const expected = expectedOf(row);
      const blocks = policy === "block" ? expected.blocks : expected.blocksWithoutGit;
      const name = `${policy}: ${nameOf(row)}`;
      assert.equal(
        checked?.databases.flatMap(({ blockers }) => blockers.map(({ state }) => state)),
        blocks,
        name,
      );
      assert.is(blocked, blocks.length > 0, name);
      const reported = notes.some(
        (note) => note.includes("uncommitted changes") && note.includes("package.json"),
      );
      assert.is(reported, policy === "report" && row[3], name);
      if (policy === "block") await shop.project.git("reset", "--quiet", "--soft", "HEAD~1");
    }
  }
});

states.run();

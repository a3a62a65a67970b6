/** A shop in which two branches have archived a child of the same version: real branches, real merges, a database each; and what holds of them when they have ended. */
import * as assert from "uvu/assert";
import { readArchive } from "#src/archive/read.js";
import { heads } from "#src/archive/versions.js";
import { rebase } from "#src/commands/rebase.js";
import { loadProject, projectDatabase } from "#src/config/project.js";
import { BlockedError } from "#src/errors.js";
import { check, createInstance, hash, pushDb } from "#src/index.js";
import { openLedger } from "#src/stage/ledger.js";
import { thrownBy } from "../support/errors.js";
import { copyOfDatabase, freshDatabase, type TestDatabase } from "../support/server.js";
import { HISTORY, PENDING, Shop } from "./support.js";

/** What one side archives: the deltas by the project version that they are archived under, in order. */
export type Side = readonly (readonly [pver: string, sql: string])[];

/** `shop.db` is mine, on the branch `feature`; what somebody has archived on `main` is merged into it. */
export class Fork {
  private constructor(readonly shop: Shop) {}

  /** Archives both sides, each in a database of its own, and keeps both sides' versions in the merge. */
  static async merged(mine: Side, theirs: Side): Promise<Fork> {
    const shop = await Shop.copyOf(`fork ${JSON.stringify([mine, theirs])}`, async () => {
      const fork = new Fork(await Shop.archived());
      await fork.#archiveBoth(mine, theirs);
      await fork.#merge();
      return fork.shop;
    });
    return new Fork(shop);
  }

  /**
   * Archives both sides, and puts mine behind theirs with git's own rebase. At each conflict the command resolves the
   * version history, and git goes on as the command says.
   */
  static async replayed(mine: Side, theirs: Side): Promise<Fork> {
    const fork = new Fork(await Shop.archived());
    await fork.#archiveBoth(mine, theirs);
    const { project } = fork.shop;
    let { status } = await project.run("git", ["rebase", "--quiet", "main"]);
    assert.not.equal(status, 0, "two entries at one place conflict");
    while (status !== 0) {
      const resolved = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
      assert.is(resolved.code, "MERGE_TO_FINISH", resolved.message);
      assert.match(resolved.hint ?? "", "git rebase --continue");
      ({ status } = await project.run("git", ["-c", "core.editor=true", "rebase", "--continue"]));
    }
    return fork;
  }

  /** Archives mine, and picks its last commit on the branch without it, with the command at its conflict. */
  static async picked(mine: Side): Promise<Fork> {
    const fork = new Fork(await Shop.archived());
    const { project } = fork.shop;
    const status = await fork.#pick(mine, []);
    assert.not.equal(status, 0, "two entries at one place conflict");
    const resolved = await thrownBy(BlockedError, rebase({ cwd: fork.root }));
    assert.match(resolved.hint ?? "", "git cherry-pick --continue");
    await project.git("-c", "core.editor=true", "cherry-pick", "--continue");
    return fork;
  }

  /** Archives both sides, and picks my last commit behind theirs, where git finds no conflict. */
  static async woven(mine: Side, theirs: Side): Promise<Fork> {
    const fork = new Fork(await Shop.archived());
    assert.is(await fork.#pick(mine, theirs), 0, "git finds no conflict");
    return fork;
  }

  /** @returns what git's cherry-pick of my last commit ends with */
  async #pick(mine: Side, theirs: Side): Promise<number | null> {
    await this.#archiveBoth(mine, theirs);
    const { project } = this.shop;
    await project.git("checkout", "--quiet", "main");
    return (await project.run("git", ["cherry-pick", "feature"])).status;
  }

  get root(): string {
    return this.shop.root;
  }

  async #archiveBoth(mine: Side, theirs: Side): Promise<void> {
    const { project, db } = this.shop;
    const other = await copyOfDatabase(db);
    await project.git("branch", "feature");
    for (const [pver, sql] of theirs) await this.#archive(pver, sql, other);
    await project.git("checkout", "--quiet", "feature");
    for (const [pver, sql] of mine) await this.#archive(pver, sql, db);
  }

  /**
   * Changes a database and archives that under a project version of its own, on the present branch. Unproven, which
   * is much quicker: to end a fork proves both lines anyway.
   */
  async #archive(pver: string, sql: string, db: TestDatabase): Promise<void> {
    await db.query(sql);
    await this.shop.project.write(PENDING, `${sql}\n`);
    const env = { ...process.env, WOV_PVER: pver };
    await pushDb({ cwd: this.root, url: db.url, env, proof: false });
  }

  /** Merges `main`: git stops at the version history, which the command puts right, and the merge is committed. */
  async #merge(): Promise<void> {
    const { project } = this.shop;
    const { status } = await project.run("git", ["merge", "--quiet", "--no-edit", "main"]);
    assert.not.equal(status, 0, "two entries at one place conflict");
    const resolved = await thrownBy(BlockedError, rebase({ cwd: this.root }));
    assert.is(resolved.code, "MERGE_TO_FINISH", resolved.message);
    await project.git("commit", "--quiet", "--no-edit", "--no-verify");
  }

  /** The archive, proven whole. */
  async read() {
    const project = await loadProject(this.root);
    const archive = await readArchive(projectDatabase(project, "shopdb").paths, { verify: "all" });
    return {
      archive,
      keys: [...archive.versions.keys()],
      heads: heads(archive.versions),
      strays: archive.strays,
    };
  }

  remove(): Promise<void> {
    return this.shop.remove();
  }
}

export const MINE: Side = [["1.1.0", "ALTER TABLE orders ADD COLUMN mine text;"]];
export const THEIRS: Side = [["1.2.0", "ALTER TABLE customers ADD COLUMN theirs text;"]];

/** A test in a fork of its own, which is taken away afterwards. */
export function inFork(mine: Side, theirs: Side, work: (fork: Fork) => Promise<void>) {
  return async () => {
    const fork = await Fork.merged(mine, theirs);
    try {
      await work(fork);
    } finally {
      await fork.remove();
    }
  };
}

/** What the ledger says of a database. */
export async function ledgerOf(db: TestDatabase): Promise<{ version: string; events: string[] }> {
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
export async function everything({ shop, root }: Fork): Promise<unknown> {
  return {
    history: await shop.read(HISTORY),
    head: await shop.project.git("rev-parse", "HEAD"),
    status: await shop.project.git("status", "--short"),
    schema: (await hash(shop.db.url, { cwd: root })).checksum,
    ledger: await ledgerOf(shop.db),
  };
}

/** The fork has ended: one whole line, the database at its end, and nothing left to do. @returns the versions' ids */
export async function isOneLine(fork: Fork, keys: readonly string[]): Promise<string[]> {
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
export async function isEnded(fork: Fork, keys: readonly string[]): Promise<string[]> {
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

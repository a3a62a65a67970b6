/** A shop in which two branches have archived a child of the same version: real branches, real merges, a database each. */
import * as assert from "uvu/assert";
import { readArchive } from "#src/archive/read.js";
import { heads } from "#src/archive/versions.js";
import { rebase } from "#src/commands/rebase.js";
import { loadProject, projectDatabase } from "#src/config/project.js";
import { BlockedError } from "#src/errors.js";
import { pushDb } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import type { TestDatabase } from "../support/server.js";
import { PENDING, Shop } from "./support.js";

/** What one side archives: the deltas by the project version that they are archived under, in order. */
export type Side = readonly (readonly [pver: string, sql: string])[];

/** `shop.db` is mine, on the branch `feature`; `theirs` belongs to somebody on `main`. */
export class Fork {
  private constructor(
    readonly shop: Shop,
    readonly theirs: TestDatabase,
  ) {}

  /** Archives both sides; `feature` is checked out, nothing is merged. */
  static async create(mine: Side, theirs: Side): Promise<Fork> {
    const shop = await Shop.archived();
    const fork = new Fork(shop, await shop.anotherDatabase());
    await shop.project.git("branch", "feature");
    for (const [pver, sql] of theirs) await fork.archive(pver, sql, fork.theirs);
    await shop.project.git("checkout", "--quiet", "feature");
    for (const [pver, sql] of mine) await fork.archive(pver, sql, shop.db);
    return fork;
  }

  /** With `main` merged into `feature`, both sides' versions kept. */
  static async merged(mine: Side, theirs: Side): Promise<Fork> {
    const fork = await Fork.create(mine, theirs);
    await fork.merge();
    return fork;
  }

  get root(): string {
    return this.shop.root;
  }

  /** Changes a database and archives that under a project version of its own, on the present branch. */
  async archive(pver: string, sql: string, db: TestDatabase): Promise<void> {
    await db.query(sql);
    await this.shop.project.write(PENDING, `${sql}\n`);
    await pushDb({ cwd: this.root, url: db.url, env: { ...process.env, WOV_PVER: pver } });
  }

  /** Merges `main`: git stops at the version history, which the command puts right, and the merge is committed. */
  async merge(): Promise<void> {
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

/** An archiving that is killed at every one of its steps, by SIGKILL, in a process of its own. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ARCHIVING_STEPS, check, ledgerLog, log } from "#src/index.js";
import type { Ended, TestProject } from "../support/project.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { ADD_NOTE, endedWith, lines, moveArchiveApart, readIfThere, SHOP, Shop } from "./support.js";

/** Archives as a program would that has the package installed; kills itself at a step, or makes a git hook do it. */
const VICTIM = `
  import { pushDb } from "wovtools";
  const { KILL_AT, NO_PROOF } = process.env;
  process.env.VICTIM_OF = KILL_AT;
  process.env.VICTIM = String(process.pid);
  await pushDb({
    proof: NO_PROOF === undefined,
    onStep(database, step) {
      console.log(step);
      if (step !== KILL_AT) return;
      process.kill(process.pid, "SIGKILL");
      return new Promise(() => setInterval(() => undefined, 60_000));
    },
  });
`;

/** Points within git's own work: before a commit is made, and when it is but the index does not know. */
const GIT_HOOKS = ["pre-commit", "post-commit"] as const;

/** A project with 1.1.0 about to be archived, ready to be copied. */
interface Stage {
  readonly project: TestProject;
  /** The archive's repository, and the archive in it, relative to the project. */
  readonly repository: string;
  readonly archive: string;
  /** The steps that an undisturbed run takes. */
  readonly steps: readonly string[];
}

/** The archive in the project, the pending deltas known to git. */
async function prepareInside(): Promise<Stage> {
  const shop = await Shop.archived();
  await shop.setVersion("1.1.0");
  await shop.project.write("wovtools/db/shopdb.deltas", ADD_NOTE);
  await shop.project.commitAll("Deltas");
  const steps = ARCHIVING_STEPS.filter((step) => step !== "pushed");
  return { project: shop.project, repository: ".", archive: "wovtools/db", steps };
}

/** The archive in a repository of its own that is pushed, the pending deltas unknown to git. */
async function prepareApart(): Promise<Stage> {
  const shop = await Shop.create();
  await moveArchiveApart(shop);
  await shop.project.wov("push-db", "--snapshot", "shopdb", "initial");
  await shop.setVersion("1.1.0");
  await shop.project.write("../shop-archive/shopdb.deltas", ADD_NOTE);
  for (const hook of GIT_HOOKS) {
    const script = `#!/bin/sh\n[ "$VICTIM_OF" != ${hook} ] || { kill -9 "$VICTIM"; exit 1; }\n`;
    await writeFile(join(shop.root, "../shop-archive/.git/hooks", hook), script, { mode: 0o755 });
  }
  const archive = "../shop-archive";
  return { project: shop.project, repository: archive, archive, steps: [...ARCHIVING_STEPS] };
}

/** One archiving to be disturbed: a copy of a stage, with a database of its own. */
class Scene {
  private constructor(
    readonly stage: Stage,
    private readonly proof: boolean,
    readonly project: TestProject,
    readonly db: TestDatabase,
  ) {}

  /** @param proof whether the deltas are proven, which is over before the first step */
  static async open(stage: Stage, proof = false): Promise<Scene> {
    const [project, db] = await Promise.all([stage.project.copy(), freshDatabase(SHOP + ADD_NOTE)]);
    return new Scene(stage, proof, project, db);
  }

  get env() {
    return { WOV_SHOPDB_URL: this.db.url };
  }

  get options() {
    return { cwd: this.project.root, env: this.env };
  }

  /** Archives in a process of its own. */
  archive(killAt?: string): Promise<Ended> {
    const env = { ...this.env, KILL_AT: killAt, NO_PROOF: this.proof ? undefined : "1" };
    return this.project.run(process.execPath, ["--input-type=module", "--eval", VICTIM], { env });
  }

  /** Archives as a user does. */
  again(): Promise<Ended> {
    return this.project.command("wov-push-db", this.proof ? [] : ["--no-proof"], { env: this.env });
  }

  git(...args: string[]): Promise<string> {
    return this.project.git("-C", this.stage.repository, ...args);
  }

  read(path: string): Promise<string | null> {
    return readIfThere(join(this.project.root, this.stage.archive, path));
  }

  /** A file of the archive as HEAD has it. */
  async committed(path: string): Promise<string | null> {
    const prefix = this.stage.repository === this.stage.archive ? "" : `${this.stage.archive}/`;
    const listed = await this.git("ls-tree", "HEAD", "--", prefix + path);
    return listed === "" ? null : this.git("show", `HEAD:${prefix}${path}`);
  }

  /** Everything that an archiving leaves behind: the same after every one, whatever befell it. */
  async outcome() {
    const { databases } = await log(this.options);
    const { entries } = await ledgerLog(this.options);
    const repository = join(this.project.root, this.stage.repository);
    const files = await readdir(repository, { recursive: true });
    const ofArchive = files.filter((file) => /wov-tmp|\.git\/wovtools|\.deltas$|\.schema$/.test(file)).sort();
    return {
      versions: databases.flatMap(({ versions }) => versions.map(({ version, id }) => `${version} ${id}`)),
      pending: await this.read("shopdb.deltas"),
      deltas: await this.committed("shopdb/1.1.0.deltas"),
      schema: await this.committed("shopdb/schemas/1.1.0.schema"),
      // The lock of a process that died with its work done is taken over by the next archiving, and what a check
      // remembers is no archiving's.
      files: ofArchive.filter((file) => !/archiving-shopdb\.json\.lock$|\/schema-shopdb-\w+$/.test(file)),
      commits: lines(await this.git("log", "--format=%s")),
      pushed: lines(await this.git("log", "--format=%s", "--remotes")),
      status: await this.git("status", "--porcelain"),
      index: await this.git("diff", "--cached", "--name-only"),
      ledger: entries.map(({ version, event }) => `${event} ${version}`),
    };
  }

  /** The deltas are on disk where they were written, or in a commit. */
  async assertDeltasKept(name: string): Promise<void> {
    const [pending, deltas] = await Promise.all([
      this.read("shopdb.deltas"),
      this.committed("shopdb/1.1.0.deltas"),
    ]);
    assert.ok(pending === ADD_NOTE || (pending === null && deltas === ADD_NOTE), name);
  }

  remove(): Promise<void> {
    return this.project.remove();
  }
}

type Outcome = Awaited<ReturnType<Scene["outcome"]>>;

/** What an undisturbed archiving comes to, and that it takes every step. */
async function undisturbed(stage: Stage, proof = false): Promise<Outcome> {
  const scene = await Scene.open(stage, proof);
  try {
    assert.equal(lines(endedWith(0, await scene.archive()).stdout), stage.steps);
    const outcome = await scene.outcome();
    assert.is(outcome.commits[0], "wovtools: archive shopdb 1.1.0");
    assert.equal(outcome.ledger, ["archived 1.1.0"]);
    assert.is(outcome.deltas, ADD_NOTE);
    assert.is(outcome.pending, null);
    assert.is(outcome.status, "");
    assert.not.ok((await check(scene.options)).blocked);
    assert.equal(outcome.pushed, stage.repository === "." ? [] : outcome.commits);
    assert.equal(
      outcome.files.filter((file) => !file.includes("shopdb/")),
      [".git/wovtools"],
    );
    return outcome;
  } finally {
    await scene.remove();
  }
}

async function killAndFinish(stage: Stage, step: string, expected: Outcome): Promise<void> {
  const scene = await Scene.open(stage);
  try {
    const killed = await scene.archive(step);
    assert.is(killed.status, null, `${step}: ${killed.output}`);
    await scene.assertDeltasKept(step);
    // A push is stopped until the archiving is finished; asked in one of the two places, since each look takes time.
    if (stage.repository === ".")
      assert.is((await check(scene.options)).blocked, step !== "journal-removed", step);
    endedWith(0, await scene.again());
    assert.equal(await scene.outcome(), expected, step);
  } finally {
    await scene.remove();
  }
}

for (const [where, prepare] of [
  ["in the project", prepareInside],
  ["in a repository of its own", prepareApart],
] as const) {
  // The undisturbed run comes first: it takes every step that the others are killed at.
  const killing = suite<{ stage: Stage | undefined; expected: Outcome | undefined }>(
    `killed, with the archive ${where}`,
    { stage: undefined, expected: undefined },
  );

  killing.before(async (context) => {
    context.stage = await prepare();
    context.expected = await undisturbed(context.stage);
  });

  killing.after(async ({ stage }) => stage?.project.remove());

  killing("at any step, an archiving is finished by the next run", async ({ stage, expected }) => {
    assert.ok(stage && expected);
    for (const step of stage.steps) await killAndFinish(stage, step, expected);
    if (stage.repository === ".") return;
    for (const hook of GIT_HOOKS) await killAndFinish(stage, hook, expected);
  });

  killing("at one step after the other, it is finished by the last run", async ({ stage, expected }) => {
    assert.ok(stage && expected);
    // Proven in one of the two places.
    const proof = stage.repository === ".";
    const scene = await Scene.open(stage, proof);
    try {
      for (const step of stage.steps) {
        const { status, output } = await scene.archive(step);
        assert.is(status, null, `${step}: ${output}`);
        await scene.assertDeltasKept(step);
      }
      endedWith(0, await scene.again());
      assert.equal(await scene.outcome(), proof ? await undisturbed(stage, proof) : expected);
    } finally {
      await scene.remove();
    }
  });

  killing.run();
}

/** The hooks by real git commands, installed by `wov init` in each of the three ways. */
import { mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Ended, PACKAGE, type RunOptions, type TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";
import { inShop, SHOP_SQL, type Shop, succeeds } from "./support.js";

const ADD = "ALTER TABLE orders ADD COLUMN note text;\n";
const DELTAS = "wovtools/db/shopdb.deltas";
const NOWHERE = "postgres://nobody@127.0.0.1:1/nowhere";

/** Puts the real husky or lefthook into a project, as npm would. */
function dependency(name: "husky" | "lefthook") {
  return async (project: TestProject): Promise<void> => {
    const modules = join(project.root, "node_modules");
    await symlink(join(PACKAGE, "node_modules", name), join(modules, name));
    await symlink(join(PACKAGE, "node_modules", ".bin", name), join(modules, ".bin", name));
    const manifest = { name: "shop", version: "1.0.0", private: true, devDependencies: { [name]: "*" } };
    await project.write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  };
}

const WAYS = {
  "core.hooksPath": async () => undefined,
  husky: dependency("husky"),
  lefthook: dependency("lefthook"),
};

function gitIn({ project }: Shop) {
  return (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
    project.run("git", args, options);
}

async function remoteHas({ project }: Shop, ref: string): Promise<string> {
  return (await project.git("ls-remote", "origin", ref)).split("\t")[0] ?? "";
}

async function headOf({ project }: Shop): Promise<string> {
  return (await project.git("rev-parse", "HEAD")).trim();
}

/** With a remote, and the first version pushed. */
async function pushed(shop: Shop, ...options: "--no-verify"[]): Promise<void> {
  await shop.project.addRemote();
  succeeds(await gitIn(shop)(["push", "--quiet", "--set-upstream", ...options, "origin", "main"]));
  assert.is(await remoteHas(shop, "main"), await headOf(shop));
}

async function work(shop: Shop, file = "code.txt"): Promise<void> {
  await shop.project.write(file, `${Math.random()}\n`);
  await shop.project.commitAll("work");
}

for (const [way, prepare] of Object.entries(WAYS)) {
  const hooks = suite(`hooks by ${way}`);

  hooks(
    "a push waits for the archive, a commit for what it must not hold",
    inShop(
      async (shop) => {
        const { project, db } = shop;
        const git = gitIn(shop);
        await pushed(shop);
        const archived = await remoteHas(shop, "main");

        await db.query(`${ADD} CREATE TABLE returns (id integer); DROP VIEW totals`);
        await work(shop);
        const blocked = await git(["push"]);
        assert.is(blocked.status, 1, blocked.output);
        assert.match(blocked.output, /blocked shopdb on local at 1\.0\.0, project version 1\.0\.0/);
        assert.match(
          blocked.output,
          /added +table +public\.returns\n[\s\S]*changed +table +public\.orders\n +column note added[\s\S]*dropped +view +public\.totals/,
        );
        assert.match(
          blocked.output,
          /wov-db shopdb --wdb-deltas\n[\s\S]*wov-db shopdb --wdb-edit\n[\s\S]*wov-push-db shopdb\n/,
        );
        assert.match(blocked.output, "git push --no-verify");
        assert.is(await remoteHas(shop, "main"), archived);

        await git(["add", "--force", "wovtools/secrets/shopdb_local.json"]);
        const secret = await git(["commit", "--message", "secrets"]);
        assert.is(secret.status, 1, secret.output);
        assert.match(secret.output, /wovtools\/secrets\/shopdb_local\.json: This file holds secrets/);
        assert.match(secret.output, "git rm --cached -- wovtools/secrets/shopdb_local.json");
        await project.git("rm", "--quiet", "--cached", "wovtools/secrets/shopdb_local.json");

        await project.write(DELTAS, `${ADD}\n  CREAT TABLE returns (id integer);\n`);
        await git(["add", DELTAS]);
        const broken = await git(["commit", "--message", "deltas"]);
        assert.is(broken.status, 1, broken.output);
        assert.match(broken.output, /wovtools\/db\/shopdb\.deltas:3:3: syntax error at or near "CREAT"/);
        assert.is(await headOf(shop), (await project.git("rev-parse", "main")).trim());

        await project.write(DELTAS, `${ADD}CREATE TABLE returns (id integer);\nDROP VIEW totals;\n`);
        await git(["add", DELTAS]);
        succeeds(await git(["commit", "--quiet", "--message", "deltas"]));
        const waiting = await git(["push"]);
        assert.is(waiting.status, 1, waiting.output);
        assert.match(waiting.output, "3 statements wait in the pending deltas of shopdb");
        succeeds(await project.wov("push-db"));
        succeeds(await git(["push", "--quiet"]));
        assert.is(await remoteHas(shop, "main"), await headOf(shop));
      },
      { archived: true, prepare, prepared: way },
    ),
  );

  hooks(
    "a checkout and a merge tell when the archive is ahead of the database",
    inShop(
      async (shop) => {
        const { project, db } = shop;
        const git = gitIn(shop);
        // A colleague's database, which stays at the first version.
        const env = { WOV_SHOPDB_URL: (await freshDatabase(SHOP_SQL)).url };
        succeeds(await project.run("wov-db", ["--wdb-createinstance"], { env }));
        await project.git("branch", "behind");
        await db.query(ADD);
        await project.write(DELTAS, ADD);
        succeeds(await project.wov("push-db"));

        const back = succeeds(await git(["checkout", "--quiet", "behind"], { env }));
        assert.not.match(back.output, "ahead");
        const forth = succeeds(await git(["checkout", "--quiet", "main"], { env }));
        assert.match(forth.output, "The archive of shopdb is ahead");
        assert.match(forth.output, /is at 1\.0\.0, the archive has 1\.0\.0\+2/);
        succeeds(await git(["checkout", "--quiet", "behind"], { env }));
        const merged = succeeds(await git(["merge", "--quiet", "main"], { env }));
        assert.match(merged.output, "The archive of shopdb is ahead");
        const mine = succeeds(await git(["checkout", "--quiet", "main"]));
        assert.not.match(mine.output, "ahead", "the developer's own database is at the newest version");
        const unreachable = await git(["checkout", "--quiet", "behind"], {
          env: { WOV_SHOPDB_URL: NOWHERE },
        });
        assert.is(unreachable.status, 0, unreachable.output);
        assert.match(unreachable.output, "shopdb could not be looked at");
      },
      { archived: true, prepare, prepared: way },
    ),
  );

  hooks(
    "WOV_SKIP_HOOKS and --no-verify go around them",
    inShop(
      async (shop) => {
        const { project } = shop;
        await pushed(shop, "--no-verify");
        const git = gitIn(shop);
        const env = { WOV_SHOPDB_URL: NOWHERE };
        await project.write(DELTAS, "no SQL;\n");
        await git(["add", DELTAS]);
        const commit = ["commit", "--quiet", "--allow-empty", "--message", "in a hurry"];
        assert.is((await git(commit, { env })).status, 1);
        succeeds(await git(commit, { env: { ...env, WOV_SKIP_HOOKS: "1" } }));
        assert.is((await git(["push"], { env })).status, 1);
        assert.is((await git(["push"], { env: { ...env, WOV_SKIP_HOOKS: "0" } })).status, 1);
        succeeds(await git(["push", "--quiet"], { env: { ...env, WOV_SKIP_HOOKS: "1" } }));
        assert.is(await remoteHas(shop, "main"), await headOf(shop));
        succeeds(await git([...commit, "--no-verify"], { env }));
        succeeds(await git(["push", "--quiet", "--no-verify"], { env }));
        assert.is(await remoteHas(shop, "main"), await headOf(shop));
      },
      { archived: true, prepare, prepared: way },
    ),
  );

  hooks.run();
}

const pushes = suite("what a push is looked at for");

pushes(
  "only what contains HEAD; another branch, an old tag and a deletion pass with no database at all",
  inShop(
    async (shop) => {
      const { project } = shop;
      await pushed(shop, "--no-verify");
      const git = gitIn(shop);
      await project.git("branch", "old");
      await project.git("tag", "--annotate", "--message", "before", "v0");
      await work(shop);
      await project.git("branch", "here");
      await project.git("tag", "v1");
      const env = { WOV_SHOPDB_URL: NOWHERE };
      for (const args of [["old"], ["v0"], ["old:refs/heads/another"], ["--delete", "another"], [":old"]])
        succeeds(await git(["push", "--quiet", "origin", ...args], { env }));
      assert.is(await remoteHas(shop, "another"), "");

      await work(shop);
      await project.git("branch", "beyond");
      await project.git("reset", "--quiet", "--hard", "HEAD~1");
      for (const args of [["main"], ["here"], ["v1"], ["beyond"], ["v0", "here"], ["--all"]]) {
        const { status, output } = await git(["push", "origin", ...args], { env });
        assert.is(status, 1, `${args.join(" ")}\n${output}`);
        assert.match(output, "shopdb on local cannot be checked");
      }
    },
    { archived: true },
  ),
);

pushes(
  "an unreachable database blocks and says how to go on, or warns where the configuration says so",
  inShop(
    async (shop) => {
      const { project } = shop;
      await pushed(shop, "--no-verify");
      const git = gitIn(shop);
      const env = { WOV_SHOPDB_URL: NOWHERE };
      await work(shop);
      const blocked = await git(["push"], { env });
      assert.is(blocked.status, 1, blocked.output);
      assert.match(blocked.output, /cannot be checked\. The server cannot be reached/);
      assert.match(blocked.output, "wov-db --postgres-start");
      assert.match(blocked.output, "git push --no-verify");

      await project.write(
        "wovtools/config.json",
        JSON.stringify({ databases: { shopdb: {} }, hook: { unreachable: "warn" } }),
      );
      await project.commitAll("warn");
      const warned = succeeds(await git(["push", "--quiet"], { env }));
      assert.match(warned.output, /wovtools: shopdb on local cannot be checked/);
      assert.is(await remoteHas(shop, "main"), await headOf(shop));

      // Nor does a machine need a database that has never had one.
      const secrets = join(project.root, "wovtools/secrets");
      const away = join(project.folder, "secrets");
      await rename(secrets, away);
      await work(shop);
      const untold = succeeds(await git(["push", "--quiet"]));
      assert.match(untold.output, /wovtools: shopdb on local cannot be checked\. Nothing says how to reach/);
      await rename(away, secrets);

      // Warning of an unreachable database is no pardon for drift.
      await shop.db.query(ADD);
      await work(shop);
      assert.is((await git(["push"])).status, 1);
    },
    { archived: true },
  ),
);

pushes(
  "uncommitted changes are told, and block where the configuration says so",
  inShop(
    async (shop) => {
      const { project } = shop;
      await pushed(shop, "--no-verify");
      const git = gitIn(shop);
      await work(shop);
      await project.write("code.txt", "not yet\n");
      const told = succeeds(await git(["push", "--quiet"]));
      assert.match(told.output, /uncommitted changes, which this push leaves out: code\.txt/);

      await project.write(
        "wovtools/config.json",
        JSON.stringify({ databases: { shopdb: {} }, hook: { uncommitted: "block" } }),
      );
      await project.commitAll("block");
      await project.write("code.txt", "not yet either\n");
      const blocked = await git(["push"]);
      assert.is(blocked.status, 1, blocked.output);
      assert.match(blocked.output, /The repository has uncommitted changes:\n *code\.txt/);
    },
    { archived: true },
  ),
);

pushes(
  "a branch from before the project passes",
  inShop(async (shop) => {
    const { project } = shop;
    await project.addRemote();
    await project.git("checkout", "--quiet", "--orphan", "bare-bones");
    await project.git("rm", "-r", "--quiet", "--force", "--cached", ".");
    await project.run("rm", ["wovtools/config.json"]);
    await project.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "before");
    succeeds(await gitIn(shop)(["push", "origin", "bare-bones"]));
  }),
);

const existing = suite("hooks that were there before");

/** Keeps what git wrote to it, and refuses where the file `no` exists. */
const RECORDER = `#!/bin/sh
cat >"$(git rev-parse --git-dir)/recorded"
if [ -e no ]; then echo "no, says the old hook" >&2; exit 3; fi
`;

const PLACES = {
  "core.hooksPath": [".git/hooks/pre-push", WAYS["core.hooksPath"]],
  husky: [".husky/pre-push", WAYS.husky],
} as const;

for (const [way, [file, prepare]] of Object.entries(PLACES)) {
  existing(
    `with ${way}, the old pre-push is called with what git tells, and both can stop the push`,
    inShop(
      async (shop) => {
        const { project, root, db } = shop;
        await pushed(shop, "--no-verify");
        const git = gitIn(shop);
        await work(shop);
        await writeFile(join(root, "no"), "");
        const refused = await git(["push", "origin", "main"]);
        assert.is(refused.status, 1, refused.output);
        assert.match(refused.output, "no, says the old hook");
        await project.run("rm", ["no"]);
        const before = await remoteHas(shop, "main");
        succeeds(await git(["push", "--quiet", "origin", "main"]));
        assert.is(
          await readFile(join(root, ".git", "recorded"), "utf8"),
          `refs/heads/main ${await headOf(shop)} refs/heads/main ${before}\n`,
        );
        await db.query(ADD);
        await work(shop);
        const blocked = await git(["push", "origin", "main"]);
        assert.is(blocked.status, 1, blocked.output);
        assert.match(blocked.output, "column note added");
      },
      {
        archived: true,
        prepare: async (project) => {
          await prepare(project);
          await mkdir(join(project.root, file, ".."), { recursive: true });
          await writeFile(join(project.root, file), RECORDER, { mode: 0o755 });
        },
      },
    ),
  );
}

pushes.run();
existing.run();

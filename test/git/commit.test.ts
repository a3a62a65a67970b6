import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, ConfigError } from "#src/errors.js";
import { commitPaths } from "#src/git/commit.js";
import { openRepository } from "#src/git/repository.js";
import { errorOf, type Folder, inFolder } from "./support.js";

const committing = suite("committing exactly some paths");

const HISTORY = "wovtools/db/shöp db.json";
const PENDING = "wovtools/db/shöp db.deltas";
const ARCHIVED = "wovtools/db/shöp db/1.0.0.deltas";

const filesOf = (folder: Folder) =>
  folder.git("ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0").slice(0, -1);
const status = (folder: Folder) => folder.git("status", "--porcelain", "-z").split("\0").slice(0, -1);

committing(
  "leaves what is staged, changed and untracked besides as it was",
  inFolder(async (folder) => {
    folder.init();
    for (const name of ["staged", "changed", "both", "deleted", PENDING]) folder.write(name, "old\n");
    folder.commit();
    for (const name of ["staged", "changed", "both", "untracked"]) folder.write(name, "new\n");
    folder.git("add", "staged", "both");
    folder.write("both", "newer\n");
    folder.git("rm", "--quiet", "deleted");
    folder.write("added", "added\n");
    folder.git("add", "added");
    const before = status(folder);
    folder.write(HISTORY, "{}\n");
    folder.write(ARCHIVED, "select 1;\n");
    const repository = await openRepository(folder.path);
    const request = {
      write: [HISTORY, ARCHIVED],
      remove: [PENDING, "untracked"],
      message: "wovtools: archive\n\nä",
    };
    const result = await commitPaths(repository, request);
    assert.equal(result, { committed: true, commit: folder.git("rev-parse", "HEAD").trim() });
    assert.is(folder.git("log", "-1", "--format=%B").trim(), "wovtools: archive\n\nä");
    assert.equal(folder.git("show", "-z", "--name-status", "--format=", "HEAD").split("\0").slice(0, -1), [
      "D",
      PENDING,
      "A",
      HISTORY,
      "A",
      ARCHIVED,
    ]);
    assert.is(folder.git("show", "HEAD:both"), "old\n");
    assert.is(folder.git("show", ":both"), "new\n");
    assert.ok(folder.has(PENDING));
    assert.equal(status(folder), [...before.slice(0, -1), `?? ${PENDING}`, "?? untracked"].toSorted(byState));
    assert.equal(await commitPaths(repository, request), { committed: false });
    assert.equal(
      readdirSync(folder.at(".git")).filter((name) => name.startsWith("wovtools")),
      [],
    );
  }),
);

/** git lists untracked files last. */
function byState(a: string, b: string): number {
  const key = (entry: string) => (entry.startsWith("?") ? `1${entry}` : `0${entry.slice(3)}`);
  return key(a) < key(b) ? -1 : 1;
}

committing(
  "works as the first commit, in a linked work tree and for ignored files",
  inFolder(async (folder) => {
    folder.init();
    folder.write(".gitignore", "wovtools/\n");
    folder.write("other", "x");
    folder.git("add", "other");
    folder.write(HISTORY, "1");
    const first = await commitPaths(await openRepository(folder.path), {
      write: [HISTORY],
      remove: [PENDING],
      message: "one",
    });
    assert.is(first.committed, true);
    assert.equal(filesOf(folder), [HISTORY]);
    assert.equal(status(folder), ["A  other", "?? .gitignore"]);
    folder.git("worktree", "add", "--quiet", "-b", "side", folder.at("linked tree"));
    writeFileSync(folder.at("linked tree", HISTORY), "2");
    const side = await commitPaths(await openRepository(folder.at("linked tree")), {
      write: [HISTORY],
      remove: [],
      message: "two",
    });
    assert.equal(side, { committed: true, commit: folder.git("rev-parse", "side").trim() });
    assert.is(folder.git("show", `side:${HISTORY}`), "2");
  }),
);

committing(
  "with nothing to write where there is no commit yet commits nothing",
  inFolder(async (folder) => {
    folder.init();
    const repository = await openRepository(folder.path);
    assert.equal(await commitPaths(repository, { write: [], remove: [PENDING], message: "no" }), {
      committed: false,
    });
  }),
);

committing(
  "goes on after it was killed between the commit and the index",
  inFolder(async (folder) => {
    folder.init().write(HISTORY, "1");
    folder.commit();
    folder.write(HISTORY, "2");
    const repository = await openRepository(folder.path);
    // What such a kill leaves behind: HEAD has the new file, the index still the old one.
    const blob = folder.git("hash-object", "-w", "--", HISTORY).trim();
    const index = { ...process.env, GIT_INDEX_FILE: folder.at(".git", "side") };
    const { execFileSync } = await import("node:child_process");
    const side = (...args: string[]) =>
      execFileSync("git", args, { cwd: folder.path, env: index, encoding: "utf8" });
    side("read-tree", "HEAD");
    side("update-index", "--cacheinfo", `100644,${blob},${HISTORY}`);
    const commit = folder.git("commit-tree", side("write-tree").trim(), "-p", "HEAD", "-m", "killed").trim();
    folder.git("update-ref", "HEAD", commit);
    assert.equal(status(folder), [`MM ${HISTORY}`]);
    assert.equal(await commitPaths(repository, { write: [HISTORY], remove: [], message: "again" }), {
      committed: false,
    });
    assert.equal(status(folder), []);
  }),
);

committing(
  "runs the hooks, and says what a failing one said",
  inFolder(async (folder) => {
    folder.init().write("staged", "x");
    folder.git("add", "staged");
    folder.write(HISTORY, "1");
    folder.write(".git/hooks/pre-commit", "#!/bin/sh\ngit diff --cached --name-only -z >seen\n", 0o755);
    folder.write(".git/hooks/commit-msg", "#!/bin/sh\necho to stdout; echo no ticket ✗ >&2; exit 3\n", 0o755);
    const repository = await openRepository(folder.path);
    const request = { write: [HISTORY], remove: [], message: "archive" };
    const error = await errorOf(commitPaths(repository, request));
    assert.instance(error, BlockedError);
    if (!(error instanceof BlockedError)) return;
    assert.is(error.code, "COMMIT_REFUSED");
    assert.match(error.message, "no ticket ✗");
    assert.match(error.message, "to stdout");
    assert.is(folder.read("seen"), `${HISTORY}\0`);
    assert.is((await openRepository(folder.path)).head, null);
    assert.equal(status(folder), ["A  staged", "?? seen", "?? wovtools/"]);
    rmSync(folder.at(".git/hooks/commit-msg"));
    assert.is((await commitPaths(repository, request)).committed, true);
    assert.equal(filesOf(folder), [HISTORY]);
  }),
);

committing(
  "is taken back where a hook changes one of the paths",
  inFolder(async (folder) => {
    folder.init().write(HISTORY, "1");
    const formatter = `#!/bin/sh\necho 2 >>'${HISTORY}'\ngit add --all\n`;
    folder.write(".git/hooks/pre-commit", formatter, 0o755);
    const repository = await openRepository(folder.path);
    const request = { write: [HISTORY], remove: [], message: "archive" };
    for (const head of [null, "a commit before"]) {
      if (head !== null) folder.commit();
      folder.write(HISTORY, "1\n");
      const before = (await openRepository(folder.path)).head;
      const error = await errorOf(commitPaths(repository, request));
      assert.is(error instanceof BlockedError ? error.code : error, "COMMIT_ALTERED");
      assert.is((await openRepository(folder.path)).head, before);
    }
    rmSync(folder.at(".git/hooks/pre-commit"));
    folder.write(HISTORY, "1\n");
    assert.is((await commitPaths(repository, request)).committed, true);
  }),
);

committing(
  "needs to know who commits",
  inFolder(async (folder) => {
    folder.init().write(HISTORY, "1");
    folder.git("config", "user.useConfigOnly", "true");
    const names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    const saved = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) delete process.env[name];
    try {
      const repository = await openRepository(folder.path);
      const error = await errorOf(commitPaths(repository, { write: [HISTORY], remove: [], message: "m" }));
      assert.instance(error, ConfigError);
      if (!(error instanceof ConfigError)) return;
      assert.is(error.code, "COMMIT_IDENTITY");
      assert.match(error.hint ?? "", "git config --global user.name");
      assert.match(error.hint ?? "", "git config --global user.email");
    } finally {
      for (const [name, value] of saved) process.env[name] = value;
    }
  }),
);

committing(
  "stays out of a merge that is not finished",
  inFolder(async (folder) => {
    folder.init().write("file", "1\n");
    folder.commit();
    folder.git("checkout", "--quiet", "-b", "side");
    folder.write("file", "2\n");
    folder.commit();
    folder.git("checkout", "--quiet", "main");
    folder.write("file", "3\n");
    folder.commit();
    assert.throws(() => folder.git("merge", "side"));
    folder.write(HISTORY, "1");
    const repository = await openRepository(folder.path);
    const error = await errorOf(commitPaths(repository, { write: [HISTORY], remove: [], message: "m" }));
    assert.instance(error, BlockedError);
    assert.match(
      error instanceof BlockedError ? `${error.code} ${error.message}` : "",
      "COMMIT_IN_PROGRESS A merge",
    );
    assert.is(folder.git("rev-parse", "HEAD").trim(), repository.head);
  }),
);

committing.run();

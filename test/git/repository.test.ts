import { mkdirSync, symlinkSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConfigError } from "#src/errors.js";
import { commitAuthor } from "#src/git/author.js";
import { commitCount, isRepositoryOf, openRepository } from "#src/git/repository.js";
import { parseStatus, splitChanges, uncommittedChanges } from "#src/git/status.js";
import { errorOf, inFolder } from "./support.js";

const opening = suite("opening a repository");

opening(
  "says where it is, from any folder in it",
  inFolder(async (folder) => {
    folder.init().write("ä b/c/x.txt", "x");
    const empty = await openRepository(folder.at("ä b", "c"));
    assert.equal(empty, { root: folder.path, gitDir: folder.at(".git"), head: null, branch: "main" });
    assert.is(await commitCount(empty), 0);
    const first = folder.commit();
    const second = folder.commit();
    assert.equal(await openRepository(folder.path), { ...empty, head: second });
    assert.is(await commitCount(await openRepository(folder.path)), 2);
    folder.git("checkout", "--quiet", "--detach", first);
    const detached = await openRepository(folder.path);
    assert.equal(detached, { ...empty, head: first, branch: null });
    assert.is(await commitCount(detached), 1);
    folder.git("clone", "--quiet", "--depth=1", `file://${folder.path}`, folder.at("shallow"));
    const shallow = await errorOf(commitCount(await openRepository(folder.at("shallow"))));
    assert.is(shallow instanceof ConfigError ? shallow.code : shallow, "SHALLOW_CLONE");
    folder.git("worktree", "add", "--quiet", "-b", "féature/x", folder.at("other tree"));
    const linked = await openRepository(folder.at("other tree"));
    assert.is(linked.root, folder.at("other tree"));
    assert.is(linked.gitDir, folder.at(".git", "worktrees", "other-tree"));
    assert.is(linked.branch, "féature/x");
  }),
);

opening(
  "knows which folders are its own without asking git",
  inFolder(async (folder) => {
    folder.init().write("ä b/c/x.txt", "x");
    folder.commit();
    const repository = await openRepository(folder.path);
    folder.git("clone", "--quiet", folder.path, folder.at("ä b", "within"));
    folder.git("worktree", "add", "--quiet", "-b", "other", folder.at("linked tree"));
    symlinkSync(folder.at("ä b", "within", "ä b"), folder.at("leads there"));
    symlinkSync(folder.at("ä b"), folder.at("leads here"));
    for (const path of ["", "ä b", "ä b/c", "leads here", "leads here/c"]) {
      assert.ok(await isRepositoryOf(repository, folder.at(path)), path);
      assert.equal(await openRepository(folder.at(path)), repository, path);
    }
    for (const path of ["ä b/within", "ä b/within/ä b", "linked tree/ä b", "leads there", "..", ".git/.."]) {
      const isOwn = (await openRepository(folder.at(path)).catch(() => null))?.root === folder.path;
      assert.is(await isRepositoryOf(repository, folder.at(path)), isOwn, path);
    }
  }),
);

opening(
  "tells a commit and its author, also where git shows signatures",
  inFolder(async (folder) => {
    folder.init();
    folder.write("x.txt", "x");
    folder.commit();
    const [head = "", ...body] = folder.git("cat-file", "-p", "HEAD").split("\n\n");
    const signature = "gpgsig -----BEGIN SSH SIGNATURE-----\n U1NIU0lH\n -----END SSH SIGNATURE-----";
    folder.write(".git/signed", `${head}\n${signature}\n\n${body.join("\n\n")}`);
    const signed = folder.git("hash-object", "-t", "commit", "-w", folder.at(".git", "signed")).trim();
    folder.git("reset", "--quiet", "--soft", signed);
    folder.git("config", "log.showSignature", "true");
    const author = await commitAuthor(await openRepository(folder.path), folder.at("x.txt"));
    assert.equal(author, { commit: signed, author: "Jörg Tester <joerg@example.com>" });
  }),
);

opening(
  "is not led astray by the variables of a hook of another repository",
  inFolder(async (folder) => {
    mkdirSync(folder.at("a"));
    mkdirSync(folder.at("b"));
    folder.git("init", "--quiet", "a");
    folder.git("init", "--quiet", "b");
    process.env.GIT_DIR = folder.at("a", ".git");
    try {
      assert.is((await openRepository(folder.at("b"))).gitDir, folder.at("b", ".git"));
    } finally {
      delete process.env.GIT_DIR;
    }
  }),
);

opening(
  "says clearly why it cannot",
  inFolder(async (folder) => {
    const failure = async (path: string) => {
      const error = await errorOf(openRepository(path));
      assert.instance(error, ConfigError);
      return error instanceof ConfigError ? [error.code, error.exitStatus, error.where] : [];
    };
    assert.equal(await failure(folder.path), ["NOT_A_REPOSITORY", 2, folder.path]);
    assert.equal(await failure(folder.at("none")), ["NOT_A_REPOSITORY", 2, folder.at("none")]);
    folder.git("init", "--quiet", "--bare", "bare.git");
    assert.equal(await failure(folder.at("bare.git")), ["BARE_REPOSITORY", 2, folder.at("bare.git")]);
    folder.init();
    process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = "1";
    try {
      assert.equal(await failure(folder.path), ["UNSAFE_REPOSITORY", 2, folder.path]);
    } finally {
      delete process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER;
    }
    const { PATH } = process.env;
    process.env.PATH = folder.path;
    try {
      assert.equal(await failure(folder.path), ["GIT_NOT_INSTALLED", 2, folder.path]);
    } finally {
      process.env.PATH = PATH;
    }
  }),
);

const changes = suite("uncommitted changes");

changes(
  "are found one by one, whatever the path",
  inFolder(async (folder) => {
    folder.init();
    folder.write(".gitignore", "ignored/\n");
    for (const name of ["räume/größe.sql", "to change", "to delete", "line\nend", '"quoted"']) {
      folder.write(name, `${name}\n`.repeat(20));
    }
    const repository = await openRepository(folder.path);
    assert.is((await uncommittedChanges(repository)).length, 6);
    folder.commit();
    assert.equal(await uncommittedChanges(repository), []);
    folder.git("mv", "räume/größe.sql", "räume/neue größe ✓.sql");
    folder.write("to change", "other");
    folder.git("rm", "--quiet", "to delete");
    folder.write("new folder/a", "a");
    folder.write("new folder/b -> c", "b");
    folder.write("line\nend", "staged");
    folder.git("add", "line\nend");
    folder.write("ignored/x", "x");
    assert.equal(await uncommittedChanges(repository), [
      { path: "line\nend", state: "M " },
      { path: "räume/neue größe ✓.sql", from: "räume/größe.sql", state: "R " },
      { path: "to change", state: " M" },
      { path: "to delete", state: "D " },
      { path: "new folder/a", state: "??" },
      { path: "new folder/b -> c", state: "??" },
    ]);
  }),
);

changes("are split by what lies under a path, not by what begins alike", () => {
  const all = parseStatus(
    " M wovtools/db/shopdb.json\0?? wovtools/dbx/a\0R  b.sql\0wovtools/db/b.sql\0 M wovtools/db\0",
  );
  const { inside, outside } = splitChanges(all, ["wovtools/db"]);
  assert.equal(
    inside.map(({ path }) => path),
    ["wovtools/db/shopdb.json", "b.sql", "wovtools/db"],
  );
  assert.equal(
    outside.map(({ path }) => path),
    ["wovtools/dbx/a", "b.sql"],
  );
});

opening.run();
changes.run();

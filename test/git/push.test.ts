import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { parsePushedRefs, pushesHead } from "#src/git/pre-push.js";
import { push } from "#src/git/push.js";
import { openRepository } from "#src/git/repository.js";
import { stagedContent, stagedPaths } from "#src/git/staged.js";
import { errorOf, type Folder, inFolder } from "./support.js";

const pushing = suite("pushing an archive's own repository");

const bareIn = (folder: Folder, name: string) =>
  folder.git("init", "--quiet", "--bare", folder.at(".git", name));
const at = (folder: Folder, bare: string, branch: string) =>
  folder.git("--git-dir", folder.at(".git", bare), "rev-parse", branch).trim();

async function blocked(promise: Promise<unknown>): Promise<BlockedError> {
  const error = await errorOf(promise);
  if (!(error instanceof BlockedError)) throw error;
  return error;
}

pushing(
  "goes upstream, which is set where there is none",
  inFolder(async (folder) => {
    folder.init().write("a", "1");
    const first = folder.commit();
    assert.is(await push(await openRepository(folder.path)), false);
    bareIn(folder, "remote.git");
    folder.git("remote", "add", "öther", folder.at(".git", "remote.git"));
    assert.is(await push(await openRepository(folder.path)), true);
    assert.is(at(folder, "remote.git", "main"), first);
    assert.is(folder.git("rev-parse", "--abbrev-ref", "main@{upstream}").trim(), "öther/main");
    folder.git("config", "branch.main.merge", "refs/heads/release/1");
    const second = folder.commit();
    assert.is(await push(await openRepository(folder.path)), true);
    assert.is(at(folder, "remote.git", "release/1"), second);
    assert.is(at(folder, "remote.git", "main"), first);
  }),
);

pushing(
  "asks which remote, and is refused in git's words without a password",
  inFolder(async (folder) => {
    folder.init().write("a", "1");
    const commit = folder.commit();
    for (const name of ["one", "two"]) {
      bareIn(folder, `${name}.git`);
      folder.git("remote", "add", name, folder.at(".git", `${name}.git`));
    }
    const repository = await openRepository(folder.path);
    assert.is((await blocked(push(repository))).code, "PUSH_WHICH_REMOTE");
    assert.is(await push(repository, "two"), true);
    assert.is(at(folder, "two.git", "main"), commit);
    folder.git("remote", "add", "bad", "https://me:s3cret@127.0.0.1:1/x.git");
    const refused = await blocked(push(repository, "bad"));
    assert.is(refused.code, "PUSH_REFUSED");
    assert.match(refused.message, "127.0.0.1");
    assert.not.match(`${refused.message}${refused.hint}`, "s3cret");
    folder.git("checkout", "--quiet", "--detach");
    assert.is((await blocked(push(await openRepository(folder.path)))).code, "PUSH_DETACHED");
  }),
);

const prePush = suite("what a push carries");

prePush("is read from the lines that git gives the hook", () => {
  const oid = "0123456789abcdef0123456789abcdef01234567";
  const zero = "0".repeat(40);
  assert.equal(parsePushedRefs(""), []);
  assert.equal(
    parsePushedRefs(`refs/heads/größe ${oid} refs/heads/x ${zero}\n(delete) ${zero} refs/heads/y ${oid}\n`),
    [
      { localRef: "refs/heads/größe", localOid: oid, remoteRef: "refs/heads/x", remoteOid: null },
      { localRef: "(delete)", localOid: null, remoteRef: "refs/heads/y", remoteOid: oid },
    ],
  );
  const [sha256] = parsePushedRefs(`HEAD~2 ${"a".repeat(64)} refs/heads/x ${"0".repeat(64)}`);
  assert.is(sha256?.localOid, "a".repeat(64));
  for (const line of ["refs/heads/x", `refs/heads/x ${oid} refs/heads/x`, `a zzz b ${oid}`]) {
    assert.throws(() => parsePushedRefs(line), "not a line that git gives to pre-push");
  }
});

prePush(
  "carries HEAD when a pushed commit is HEAD or comes after it, for which git is asked once",
  inFolder(async (folder) => {
    folder.init().write("a", "1");
    const old = folder.commit();
    folder.git("tag", "--annotate", "--message", "old", "v0");
    folder.write("a", "2");
    const head = folder.commit();
    folder.git("tag", "--annotate", "--message", "new", "v1");
    folder.git("checkout", "--quiet", "-b", "later");
    const later = folder.commit();
    folder.git("checkout", "--quiet", "main");
    const repository = await openRepository(folder.path);
    const carries = async (...objects: string[]) => {
      const lines = objects.map(
        (object) => `x ${folder.git("rev-parse", object).trim()} refs/heads/x ${"0".repeat(40)}\n`,
      );
      return pushesHead(repository, parsePushedRefs(lines.join("")));
    };
    assert.is(await carries(head), true);
    assert.is(await carries(later), true);
    assert.is(await carries("v1"), true);
    assert.is(await carries(old), false);
    assert.is(await carries("v0"), false);
    assert.is(await carries(old, later), true);
    assert.is(await carries("HEAD:a"), false);
    assert.is(await carries(), false);
    assert.is(await pushesHead(repository, parsePushedRefs(`(delete) ${"0".repeat(40)} x ${old}\n`)), false);
    assert.is(await pushesHead({ ...repository, head: null }, parsePushedRefs(`x ${old} x ${old}\n`)), false);
    process.env.GIT_TRACE = folder.at(".git", "trace");
    try {
      assert.is(await carries(old, "v0", "HEAD:a"), false);
    } finally {
      delete process.env.GIT_TRACE;
    }
    // Three of them by this test, for the names of the objects.
    assert.is(folder.read(".git/trace").match(/built-in: git/g)?.length, 4);
  }),
);

const staging = suite("staged files");

staging(
  "are listed and read as they are staged",
  inFolder(async (folder) => {
    folder.init();
    const secret = "wovtools/secrets/shöp.json";
    folder.write(secret, "staged");
    folder.write("gone", "x\n".repeat(20));
    folder.git("add", "--all");
    folder.write(secret, "on disk");
    const unborn = await openRepository(folder.path);
    assert.equal(await stagedPaths(unborn), ["gone", secret]);
    assert.is((await stagedContent(unborn, secret)).toString(), "staged");
    folder.commit();
    const repository = await openRepository(folder.path);
    assert.equal(await stagedPaths(repository), []);
    folder.git("mv", "gone", "renamed to\nthis");
    folder.write("bytes", "");
    folder.git("update-index", "--add", "--cacheinfo", `160000,${repository.head},module`);
    folder.git(
      "update-index",
      "--add",
      "--cacheinfo",
      `120000,${folder.git("hash-object", "-w", "bytes").trim()},link`,
    );
    assert.equal(await stagedPaths(repository), ["renamed to\nthis"]);
  }),
);

staging(
  "are those of the commit being made, whose index git names to the hook",
  inFolder(async (folder) => {
    folder.init().write("a", "1");
    folder.write("b", "1");
    folder.commit();
    folder.write("a", "2");
    folder.write("b", "2");
    folder.git("add", "b");
    const repository = await openRepository(folder.path);
    folder.git("read-tree", "--index-output=.git/next-index", "HEAD");
    process.env.GIT_INDEX_FILE = ".git/next-index";
    try {
      folder.git("update-index", "a");
      assert.equal(await stagedPaths(repository), ["a"]);
      assert.is((await stagedContent(repository, "a")).toString(), "2");
      assert.is((await stagedContent(repository, "b")).toString(), "1");
    } finally {
      delete process.env.GIT_INDEX_FILE;
    }
  }),
);

pushing.run();
prePush.run();
staging.run();

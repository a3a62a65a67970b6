/** What V8 has compiled of the program is kept for the next time, and is never taken from anybody else. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../config/support.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE } from "../support/project.js";

const start = suite("starting the program");

/** Runs `wov` with a cache of its own. @returns all that it printed */
async function wov(cache: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(PACKAGE, "dist/cli/wov.js"), ...args],
    { env: { ...process.env, XDG_CACHE_HOME: cache } },
  );
  return stdout + stderr;
}

const version = (cache: string) => wov(cache, "--version");

/** The files with what was compiled. */
async function kept(cache: string): Promise<string[]> {
  return (await readdir(join(cache, "wovtools"))).map((name) => join(cache, "wovtools", name));
}

async function onlyKept(cache: string): Promise<{ path: string; mode: number; made: number; size: number }> {
  const [path = "", ...others] = await kept(cache);
  assert.equal(others, []);
  const { mode, mtimeMs, size } = await stat(path);
  return { path, mode: mode & 0o777, made: mtimeMs, size };
}

const { version: VERSION } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));

start("keeps it for this user alone, and takes it the next time", async () => {
  const cache = temporaryFolder();
  assert.is(await version(cache), `${VERSION}\n`);
  const first = await onlyKept(cache);
  assert.is(first.mode, 0o600);
  assert.is(await version(cache), `${VERSION}\n`);
  assert.equal(await onlyKept(cache), first);
});

start("keeps what V8 takes again after a command that has told V8 how to compile its parser", async () => {
  const cache = temporaryFolder();
  const schema = join(PACKAGE, "wovtools/db/shopdb/schemas/1.0.0.schema");
  const checksum = await wov(cache, "hash", schema);
  assert.match(checksum, /^[0-9a-f]{64}\n$/);
  const first = await onlyKept(cache);
  assert.is(await wov(cache, "hash", schema), checksum);
  assert.equal(await onlyKept(cache), first);
});

start("keeps for each command what that one takes, and nothing of one that is refused", async () => {
  const cache = temporaryFolder();
  const schema = join(PACKAGE, "wovtools/db/shopdb/schemas/1.0.0.schema");
  await thrownBy(Error, wov(cache, "hash", `${schema}.not-there`));
  assert.equal(await readdir(cache), []);
  await version(cache);
  const { path: ofVersion, size } = await onlyKept(cache);
  await wov(cache, "hash", schema);
  const [ofHash = "", ...others] = (await kept(cache)).filter((path) => path !== ofVersion);
  assert.equal(others, []);
  assert.ok((await stat(ofHash)).size > size);
});

start("makes another one where this one is cut off, is something else, or is open to others", async () => {
  const cache = temporaryFolder();
  await version(cache);
  const { path, size } = await onlyKept(cache);
  const damages: (() => Promise<unknown>)[] = [
    () => truncate(path, size / 2),
    () => truncate(path, 0),
    () => writeFile(path, "something else"),
    () => chmod(path, 0o666),
  ];
  for (const damage of damages) {
    await damage();
    assert.is(await version(cache), `${VERSION}\n`);
    const { mode, size: now } = await onlyKept(cache);
    assert.equal([mode, now > size / 2], [0o600, true]);
  }
});

start("does without where there is no place for it", async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, "file"), "");
  assert.is(await version(join(folder, "file")), `${VERSION}\n`);
  assert.is(await version(join(folder, "not", "there")), `${VERSION}\n`);
  assert.equal(await readdir(folder), ["file"]);
});

start("does without where the user has no home", async () => {
  const folder = temporaryFolder();
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(PACKAGE, "dist/cli/wov.js"), "--version"],
    { cwd: folder, env: { ...process.env, HOME: "", XDG_CACHE_HOME: "" } },
  );
  assert.is(stdout + stderr, `${VERSION}\n`);
  assert.equal(await readdir(folder), []);
});

start("writes nothing below a folder that is another user's", async () => {
  if (process.getuid?.() !== 0) {
    // The root folder is root's, and whoever is not root sees no place there.
    assert.is(await version("/"), `${VERSION}\n`);
    return;
  }
  const folder = temporaryFolder();
  const theirs = join(folder, "theirs");
  await mkdir(theirs);
  await promisify(execFile)("chown", ["65534", theirs]);
  assert.is(await version(theirs), `${VERSION}\n`);
  assert.equal(await readdir(theirs), []);
});

start.run();

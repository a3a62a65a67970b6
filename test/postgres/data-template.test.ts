/** The data of new servers, which are copied from the user's cache. */
import { chown, cp, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";

interface Context {
  /** Where templates are kept. */
  folder: string;
}

const template = suite<Context>("the data of new servers");

template.before(async (context) => {
  const cache = await mkdtemp(join(tmpdir(), "wov-cache é-"));
  process.env.XDG_CACHE_HOME = cache;
  context.folder = join(cache, "wovtools");
});

template.after(async ({ folder }) => {
  await rm(join(folder, ".."), { recursive: true, force: true });
});

/** Starts a server, asks it something, and ends it. @returns its password */
async function useServer(): Promise<string> {
  const server = await startThrowAwayServer();
  try {
    const answer = await withClient(server.connection, (client) => client.query("SELECT 1 AS one"));
    assert.equal(answer.rows, [{ one: 1 }]);
    return server.connection.password ?? "";
  } finally {
    await server.stop();
  }
}

template("are kept, and copied for the next one, which has a password of its own", async ({ folder }) => {
  const first = await useServer();
  const [name = "", ...others] = await readdir(folder);
  assert.equal(others, []);
  const { ino, mode } = await stat(join(folder, name));
  assert.equal(mode & 0o077, 0);
  const second = await useServer();
  const known = await readFile(join(folder, name, "password"), "utf8");
  assert.is(new Set([first, second, known]).size, 3);
  assert.equal(await readdir(folder), [name]);
  assert.is((await stat(join(folder, name))).ino, ino);
});

template(
  "are made where there are none; what a killed process left half made goes, and what is old",
  async ({ folder }) => {
    const [name = ""] = await readdir(folder);
    const [whole, old, half] = [name, "data-of-old", "wovtools-server-half"].map((to) => join(folder, to));
    if (whole === undefined || old === undefined || half === undefined) throw new RangeError("three paths");
    await cp(whole, old, { recursive: true });
    await utimes(old, 0, 0);
    await cp(whole, half, { recursive: true });
    const [, host] = (await readFile(join(half, "owner"), "utf8")).split("\n");
    // No process has a number that high.
    await writeFile(join(half, "owner"), `4194305\n${host}\n`);
    await rm(whole, { recursive: true });
    await useServer();
    assert.equal(await readdir(folder), [name]);
  },
);

template("are not taken from another user", async ({ folder }) => {
  // Nobody but root can give files away.
  if (process.getuid?.() !== 0) return;
  const [name = ""] = await readdir(folder);
  // No server starts with it.
  await writeFile(join(folder, name, "data", "PG_VERSION"), "9.1\n");
  await chown(join(folder, name), 1, 1);
  await useServer();
  assert.is((await stat(join(folder, name))).uid, 1);
});

template("are made each time where nothing can be kept", async ({ folder }) => {
  await rm(folder, { recursive: true });
  await writeFile(folder, "");
  await useServer();
  assert.is(await readFile(folder, "utf8"), "");
});

template.run();

/** Servers to be thrown away that a killed process has left. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { clearLeftServers, THROW_AWAY_PREFIX } from "#src/postgres/left-servers.js";

const left = suite("a server whose process was killed");

left("is ended and removed by the next one, and left alone while its process lives", async () => {
  // The server's user has to get there.
  const inside = await mkdtemp(join(tmpdir(), "wov-left-"));
  await chmod(inside, 0o755);
  const script = `
    const { startThrowAwayServer } = await import("#src/postgres/embedded.js");
    await startThrowAwayServer({ inside: ${JSON.stringify(inside)} });
    console.log("started");
    setInterval(() => undefined, 2 ** 30);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(child.stdout, "data");
    const [folder = ""] = await readdir(inside);
    const pidFile = await readFile(join(inside, folder, "data", "postmaster.pid"), "utf8");
    const postmaster = Number(pidFile.split("\n")[0]);
    await clearLeftServers(inside);
    assert.equal(await readdir(inside), [folder]);
    child.kill("SIGKILL");
    await once(child, "exit");
    const server = await startThrowAwayServer({ inside });
    try {
      assert.not.ok((await readdir(inside)).includes(folder));
      await ended(postmaster);
    } finally {
      await server.stop();
    }
    assert.equal(await readdir(inside), []);
  } finally {
    child.kill("SIGKILL");
    await rm(inside, { recursive: true, force: true });
  }
});

left("is left alone where another user has started it", async () => {
  const inside = await mkdtemp(join(tmpdir(), "wov-left-"));
  try {
    const [own = "", anothers = ""] = await Promise.all(
      ["own", "anothers"].map(async (name) => {
        const folder = join(inside, `${THROW_AWAY_PREFIX}${name}`);
        await mkdir(folder);
        // No process has that number.
        await writeFile(join(folder, "owner"), `4194305\n${hostname()}\n`);
        return folder;
      }),
    );
    // Only root can give a folder away; whoever is not has none of another user's to try.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(anothers, 65_534, 65_534);
    else await rm(anothers, { recursive: true });
    await clearLeftServers(inside);
    assert.equal([existsSync(own), existsSync(anothers)], [false, isRoot]);
  } finally {
    await rm(inside, { recursive: true, force: true });
  }
});

/** Resolves when a process is gone. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await setImmediate();
  }
}

left.run();

/** What the linter cannot say: who may print and end the process. The arrows between the rooms are in biome.json. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE } from "./support/project.js";

const architecture = suite("architecture");

async function sources(): Promise<string[]> {
  const entries = await readdir(join(PACKAGE, "src"), { recursive: true });
  return entries.filter((path) => path.endsWith(".ts"));
}

architecture("only the command line prints and ends the process", async () => {
  const files = await sources();
  assert.ok(files.some((path) => path.startsWith("cli/")));
  for (const path of files.filter((file) => !file.startsWith("cli/"))) {
    const text = await readFile(join(PACKAGE, "src", path), "utf8");
    assert.not.match(text, /process\.(exit|exitCode|stdout|stderr)\b|console\./, path);
  }
});

architecture("no child process gets a shell", async () => {
  for (const path of await sources()) {
    const text = await readFile(join(PACKAGE, "src", path), "utf8");
    assert.not.match(text, /shell: true|\bexecSync\(|import [^;]*\bexec\b[^;]*node:child_process/, path);
  }
});

architecture.run();

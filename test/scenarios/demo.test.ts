import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { moduleBeside } from "../support/child.js";

test("the demo's story is true, told into a pipe without colour", async () => {
  const child = spawn(process.execPath, moduleBeside(import.meta.url, "demo"), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [status]: (number | null)[] = await once(child, "close");
  assert.is(status, 0, output);
  assert.match(output, /\$ git push\n[\s\S]*column note added[\s\S]*\$ wov-push-db\narchived shopdb 1\.1\.0/);
  assert.match(output, "Every step did what it says.");
  assert.not.match(output, "\u001b");
});

test.run();

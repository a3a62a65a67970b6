import { spawn } from "node:child_process";
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { AnswerCollector, message } from "#src/postgres/answers.js";
import { PACKAGE } from "../support/project.js";

const READY = message("Z", "I");
/** A row whose text looks like the end of an answer. */
const ROWS = Buffer.concat([
  message("D", READY.toString()),
  message("n", ""),
  message("D", "größe".repeat(9)),
  message("C", "SELECT 2\0"),
  READY,
]);
const GIVEN = { bytes: new Uint8Array(ROWS), sqlState: null, rows: { from: 0, to: ROWS.length - 20 } };
const REFUSED = Buffer.concat([message("E", "SERROR\0C55P03\0Mcanceling\0\0"), READY]);

const answers = suite("answers of the server");

answers("are whole, wherever the network cuts them", () => {
  for (let cut = 1; cut < ROWS.length; cut++) {
    for (let then = cut; then < ROWS.length; then++) {
      const collector = new AnswerCollector();
      const parts = [ROWS.subarray(0, cut), ROWS.subarray(cut, then), ROWS.subarray(then)];
      const given = parts.filter((part) => part.length > 0).map((part) => collector.add(part));
      assert.equal(given.slice(0, -1), Array(given.length - 1).fill([]), `${cut} ${then}`);
      assert.equal(given.at(-1), [GIVEN], `${cut} ${then}`);
    }
  }
});

answers("come one after the other, wherever the network cuts them", () => {
  const both = Buffer.concat([ROWS, REFUSED]);
  for (let cut = 1; cut < both.length; cut++) {
    const collector = new AnswerCollector();
    const given = [both.subarray(0, cut), both.subarray(cut)].flatMap((part) => collector.add(part));
    assert.equal(given, [GIVEN, { bytes: new Uint8Array(REFUSED), sqlState: "55P03", rows: null }], `${cut}`);
  }
});

answers("tell the error in them, and only theirs", () => {
  const collector = new AnswerCollector();
  for (let round = 1; round <= 2; round++) {
    const given = [...REFUSED].map((byte) => collector.add(Buffer.from([byte])));
    assert.equal(given.at(-1), [{ bytes: new Uint8Array(REFUSED), sqlState: "55P03", rows: null }]);
    assert.equal(collector.add(ROWS), [GIVEN]);
  }
});

const thread = suite("the thread of pg_dump");

thread("started ahead and not needed keeps no process from ending", async () => {
  const script =
    'import { startDumpWorkerAhead } from "#src/postgres/bundled-dump.js"; startDumpWorkerAhead();';
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: PACKAGE,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 60_000,
  });
  assert.equal(await once(child, "close"), [0, null]);
});

answers.run();
thread.run();

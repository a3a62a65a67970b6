/** A part of the fault test; `npm run test:faults` has the whole. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tryFaults } from "./fault-run.js";

const faults = suite("faults");

faults(
  "a deploy whose connections are cut anywhere while it applies is finished by the next one",
  async () => {
    const run = { path: "transactional", mode: "cut", part: "applying", inTurn: true } as const;
    const { faults: tried } = await tryFaults(run);
    assert.ok(tried >= 12, `${tried} faults`);
  },
);

faults.run();

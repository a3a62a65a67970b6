/** A part of the fault test; `npm run test:faults` has the whole. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { documented, type Questions, questionsOn, STRIKES_AT_EACH, tryFaults } from "./fault-run.js";

const faults = suite("faults");

faults(
  "a deploy whose connections are cut anywhere while it applies is finished by the next one",
  async () => {
    const run = { path: "transactional", mode: "cut", part: "applying", inTurn: true } as const;
    const { faults: tried, questions } = await tryFaults(run);
    assert.is(tried, questions.applying);
    assert.ok(tried >= 12, `${tried} faults`);
    assert.equal(await documented("transactional"), withStrikes(questions));
  },
);

faults("the documentation says how many questions there are", async () => {
  assert.equal(await documented("mixed"), withStrikes(await questionsOn("mixed")));
});

function withStrikes(questions: Questions): Questions & { strikes: number } {
  return { ...questions, strikes: questions.all * STRIKES_AT_EACH };
}

faults.run();

/** A few random walks, each of which once led astray; walks.ts goes as many as are asked for. */
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withClient } from "#src/postgres/connection.js";
import { testServer } from "../support/server.js";
import { WALKS } from "./walks/statements.js";
import { WALK_ROLES, WalkProject } from "./walks/walk.js";

const walks = suite("random walks");
const SEEDS = [29, 124];
const project = await WalkProject.create();

walks.before(async () => {
  await withClient(await testServer(), (client) => client.query(WALK_ROLES));
});
walks.after(() => project.remove());

for (const seed of SEEDS) {
  walks(`the second stage comes to the same schema, from seed ${seed}`, async () => {
    const [walk] = fc.sample(WALKS, { seed, numRuns: 1 });
    if (walk === undefined) throw new RangeError("one was asked for");
    const { outcome, written } = await project.walk(walk);
    assert.is(outcome, "proven");
    assert.ok(written > 0);
  });
}

walks.run();

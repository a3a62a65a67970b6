/** Wrong deltas of a few pairs; mutations.ts has those of all. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ShadowServers } from "#src/commands/proof.js";
import { withClient } from "#src/postgres/connection.js";
import { testServer } from "../support/server.js";
import { runMutations } from "./mutations/run.js";
import { PAIR_ROLES } from "./pair-run.js";
import { TABLE_PAIRS } from "./pairs/tables.js";

const wrong = suite("deltas that are wrong in one place");
const servers = new ShadowServers();

wrong.before(async () => {
  await withClient(await testServer(), (client) => client.query(PAIR_ROLES));
});
wrong.after(() => servers.close());

wrong("are refused, with what is wrong named", async () => {
  const pair = TABLE_PAIRS.find(({ name }) => name === "statistics of other columns");
  if (pair === undefined) throw new Error("there is no such pair");
  const { mutations = [] } = (await runMutations(pair, servers)) ?? {};
  assert.ok(mutations.length > 2);
  assert.equal(
    mutations.filter(({ outcome }) => outcome !== "refused"),
    [],
  );
});

wrong.run();

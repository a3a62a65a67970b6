/**
 * Wrong deltas are always caught: in the deltas of proven pairs one statement is taken out, put in or altered, and each
 * such mutation has to be refused by the proof with the object named, unless it makes no difference.
 *
 *     npm run test:mutations [-- PATTERN]
 *
 * A pattern narrows the run to the pairs that have it in their name.
 */
import { ShadowServers } from "#src/commands/proof.js";
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { SERVER_VARIABLE, urlOf } from "../support/server.js";
import { type MutationResult, type PairResult, runMutations } from "./mutations/run.js";
import { PAIR_ROLES } from "./pair-run.js";
import { OTHER_PAIRS } from "./pairs/others.js";
import { ROW_PAIRS } from "./pairs/rows.js";
import { TABLE_PAIRS } from "./pairs/tables.js";

const pattern = new RegExp(process.argv[2] ?? "");
const server = await startThrowAwayServer({
  settings: { max_connections: "100", autovacuum: "off", wal_level: "minimal", max_wal_senders: "0" },
});
const servers = new ShadowServers();
try {
  process.env[SERVER_VARIABLE] = urlOf(server.connection);
  await withClient(server.connection, (client) => client.query(PAIR_ROLES));
  await main();
} finally {
  await servers.close();
  await server.stop();
}

async function main(): Promise<void> {
  const pairs = [...TABLE_PAIRS, ...OTHER_PAIRS, ...ROW_PAIRS].filter(({ name }) => pattern.test(name));
  const results: MutationResult[] = [];
  const proven: PairResult[] = [];
  const queue = pairs.values();
  const worker = async () => {
    for (const pair of queue) {
      const found = await runMutations(pair, servers);
      if (found === null) continue;
      proven.push(found);
      results.push(...found.mutations);
      for (const { outcome, how, was, statement, told } of found.mutations)
        if (outcome !== "refused")
          console.log(
            `${outcome === "same" ? "same" : "FAIL"} ${pair.name}: ${how} ${was}${how === "altered" ? ` → ${statement}` : ""}${outcome === "same" ? "" : `: ${told}`}`,
          );
    }
  };
  await Promise.all([worker(), worker()]);
  const count = (is: (result: MutationResult) => boolean) => results.filter(is).length;
  const [refused, same, missed] = (["refused", "same", "missed"] as const).map((outcome) =>
    count((result) => result.outcome === outcome),
  );
  console.log(
    `${results.length} mutations of ${proven.length} pairs: ${count(({ how }) => how === "removed")} statements taken out, ${count(({ how }) => how === "altered")} altered, ${count(({ how }) => how === "added")} put in; ${refused} refused with what is wrong, ${same} that make no difference, ${missed} not as they should be`,
  );
  console.log(
    `on the part that they are about alone, ${proven.filter((pair) => pair.isProvenNearby).length} pairs are proven, and ${count((result) => result.isProvenNearby)} mutations`,
  );
  if (missed !== 0) process.exitCode = 1;
}

/**
 * Every pair of schemas, there and back: what can be written is proven, what cannot is named, and nothing is proven
 * wrongly.
 *
 *     npm run test:deltas [-- PATTERN]
 *
 * A pattern narrows the run to the pairs that have it in their name; -v prints the deltas.
 */
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { SERVER_VARIABLE, urlOf } from "../support/server.js";
import { PAIR_ROLES, runPair, type WayResult } from "./pair-run.js";
import { OTHER_PAIRS } from "./pairs/others.js";
import { ROW_PAIRS } from "./pairs/rows.js";
import { TABLE_PAIRS } from "./pairs/tables.js";

const [part = ""] = process.argv.slice(2).filter((word) => word !== "-v");
const isVerbose = process.argv.includes("-v");
const server = await startThrowAwayServer({ settings: { max_connections: "100" } });
try {
  process.env[SERVER_VARIABLE] = urlOf(server.connection);
  await withClient(server.connection, (client) => client.query(PAIR_ROLES));
  const pairs = [...TABLE_PAIRS, ...OTHER_PAIRS, ...ROW_PAIRS].filter(({ name }) =>
    new RegExp(part).test(name),
  );
  const results: WayResult[] = [];
  const queue = pairs.values();
  const worker = async () => {
    for (const pair of queue) {
      try {
        for (const result of await runPair(pair)) {
          results.push(result);
          const { way, mistakes, sql } = result;
          if (mistakes.length > 0 || isVerbose)
            console.log(
              `${mistakes.length > 0 ? "FAIL" : "ok  "} ${pair.name} (${way})\n     ${mistakes.join("\n     ")}\n${isVerbose ? sql : ""}`,
            );
        }
      } catch (error) {
        console.log(`FAIL ${pair.name}: ${error instanceof Error ? error.stack : error}`);
        process.exitCode = 1;
      }
    }
  };
  await Promise.all([worker(), worker()]);
  const count = (outcome: WayResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  const bad = results.filter(({ mistakes }) => mistakes.length > 0).length;
  console.log(
    `${pairs.length} pairs, ${results.length} ways: ${count("proven")} proven, ${count("nothing")} without a difference, ${count("open")} held open, ${count("unproven")} not proven; ${bad} not as they should be`,
  );
  if (bad > 0) process.exitCode = 1;
} finally {
  await server.stop();
}

/**
 * Random walks: from a random schema random DDL is applied to a database, the deltas are written, proven, archived and
 * deployed to a second stage, which has to come to the same schema.
 *
 *     npm run test:walks [-- --walks 200 --seed 1]
 *
 * A walk that fails is made as short as it fails with, and its statements are printed.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { SERVER_VARIABLE, urlOf } from "../support/server.js";
import { limitOf } from "./walks/limits.js";
import { WALKS, type Walk } from "./walks/statements.js";
import { WALK_ROLES, WalkProject, type WalkResult } from "./walks/walk.js";

const { values } = parseArgs({
  options: {
    walks: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    shrink: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);

const server = await startThrowAwayServer({
  settings: { max_connections: "100", autovacuum: "off", wal_level: "minimal", max_wal_senders: "0" },
});
try {
  process.env[SERVER_VARIABLE] = urlOf(server.connection);
  await withClient(server.connection, (client) => client.query(WALK_ROLES));
  const project = await WalkProject.create();
  try {
    await main(project);
  } finally {
    await project.remove();
  }
} finally {
  await server.stop();
}

async function main(project: WalkProject): Promise<void> {
  const results: WalkResult[] = [];
  let failures = 0;
  for (let number = 0; number < Number(values.walks); number++) {
    const failure = await walkOnce(project, seed + number, results);
    if (failure === null) continue;
    failures++;
    console.log(`FAIL --seed ${seed + number} --walks 1\n${failure}\n`);
  }
  report(results, failures);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** @returns what is wrong, with the shortest walk that it was found with */
async function walkOnce(
  project: WalkProject,
  seedOfWalk: number,
  results: WalkResult[],
): Promise<string | null> {
  let result: WalkResult | undefined;
  const property = fc.asyncProperty(WALKS, async (walk) => {
    result = await project.walk(walk);
    for (const open of result.open)
      if (limitOf(open) === null)
        throw new Error(
          `no known limit: ${open.type} ${open.name} ${open.change}: ${open.details} (${open.why})`,
        );
  });
  const run = await fc.check(property, { seed: seedOfWalk, numRuns: 1, endOnFailure: !values.shrink });
  if (!run.failed) {
    if (result !== undefined) results.push(result);
    return null;
  }
  const [walk] = run.counterexample ?? [];
  return [String(run.errorInstance), ...(walk === undefined ? [] : linesOf(walk))].join("\n");
}

function linesOf({ beginning, changes, renames }: Walk): string[] {
  return [
    `-- beginning`,
    ...beginning.map((sql) => `${sql};`),
    `-- changes, renames ${renames}`,
    ...changes.map((sql) => `${sql};`),
  ];
}

function report(results: readonly WalkResult[], failures: number): void {
  const count = (outcome: WalkResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const sum = (of: (result: WalkResult) => number) => results.reduce((all, one) => all + of(one), 0);
  console.log(
    `${results.length + failures} walks from seed ${seed}: ${count("proven")} proven, archived, deployed, and the same on the second stage; ${count("nothing")} without a difference; ${count("open")} refused by name; ${count("unprovable")} not provable, for no server loads what pg_dump writes; ${failures} not as they should be.`,
  );
  console.log(
    `Of ${sum(({ asked }) => asked)} statements the server took ${sum(({ taken }) => taken.length)}; ${sum(({ written }) => written)} were written.`,
  );
  const limits = new Map<string, number>();
  for (const open of results.flatMap((result) => result.open)) {
    const limit = limitOf(open) ?? "";
    limits.set(limit, (limits.get(limit) ?? 0) + 1);
  }
  for (const { reasons } of results) for (const reason of reasons) console.log(`  ${reason}`);
  for (const [limit, times] of limits) console.log(`  held open ${times} times: ${limit}`);
}

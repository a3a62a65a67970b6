/**
 * Imports schemas into trees of scripts, migrates an empty database from each, and compares.
 *
 *     npx tsx test/long/import.ts [FILE.sql …]
 *
 * The schemas are those of the matrix, the newest of the example project, and the files given. Each is loaded on one
 * server and made from its tree on another, which has none of its roles.
 */
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { load } from "../matrix/servers.js";
import { sourcesOf } from "../matrix/sources.js";
import { type RoundTrip, roundTrip } from "../objects/round-trip.js";

/** Empty where the round trip came out as it has to. */
function faultsOf({ migrated, planned, again, differences }: RoundTrip): string[] {
  const isNothing = (result: RoundTrip["planned"]) =>
    !result.applied && result.steps.every(({ certain }) => !certain) && result.final.length === 0;
  return [
    ...differences,
    ...(migrated.applied ? [] : ["the first migrate did nothing"]),
    ...(isNothing(planned) ? [] : [`wo plan: ${JSON.stringify(planned.steps)}`]),
    ...(isNothing(again) ? [] : ["the second migrate did something"]),
  ];
}

const settings = { wal_level: "logical" };
const [from, to] = await Promise.all([
  startThrowAwayServer({ settings }),
  startThrowAwayServer({ settings }),
]);
let failed = 0;
try {
  for (const [number, { name, sql }] of (await sourcesOf(process.argv.slice(2))).entries()) {
    const source = await load(from, `import_${number}`, sql, name);
    const start = performance.now();
    try {
      const result = await roundTrip(source, to.connection);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const faults = faultsOf(result);
      const { written, warnings, checksum } = result.imported;
      console.log(
        `${faults.length === 0 ? "same" : "FAILED"} ${name}: ${written.length} scripts, ${checksum.slice(0, 16)}, ${seconds} s`,
      );
      for (const warning of warnings) console.log(`  warning: ${warning}`);
      for (const fault of faults) console.log(`  ${fault}`);
      if (faults.length > 0) failed += 1;
    } catch (error) {
      failed += 1;
      const { message, where, hint } = {
        where: "",
        hint: "",
        ...(error instanceof Error ? error : {}),
        message: String(error),
      };
      console.log(`FAILED ${name}: ${message}\n  ${where}\n  ${hint}`);
    }
  }
} finally {
  await Promise.all([from.stop(), to.stop()]);
}
process.exitCode = failed === 0 ? 0 : 1;

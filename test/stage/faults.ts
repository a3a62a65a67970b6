/**
 * The whole fault test, `npm run test:faults`: the deploying process is killed, and apart from that its connections
 * are cut, at every question that it asks a server, on both paths. Takes the better part of an hour; `npm test` has
 * a part of it. The lines between bars are those of docs/deploy.md. Arguments narrow it down: `mixed-kill`, `applying`.
 */
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { SERVER_VARIABLE, urlOf } from "../support/server.js";
import { questionsOn, ROWS, STRIKES_AT_EACH, tryFaults } from "./fault-run.js";

const server = await startThrowAwayServer({
  settings: { max_connections: "100", autovacuum: "off", wal_level: "minimal", max_wal_senders: "0" },
});
process.env[SERVER_VARIABLE] = urlOf(server.connection);
const words = process.argv.slice(2);
const part = words.includes("applying") ? "applying" : words.includes("rest") ? "rest" : "all";
const wanted = words.filter((word) => word !== part);
try {
  for (const path of ["transactional", "mixed"] as const) {
    for (const mode of ["cut", "kill"] as const) {
      if (wanted.length > 0 && !wanted.includes(`${path}-${mode}`)) continue;
      const started = performance.now();
      const tell = process.env.WOV_FAULTS_VERBOSE ? console.log : undefined;
      const { questions, faults } = await tryFaults({ path, mode, part, ...(tell && { tell }) });
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(
        `${path}, ${mode}: ${questions.all} questions (${questions.applying} while it applies), ${faults} faults, each mended by a second run (${seconds} s)`,
      );
    }
    const { all, applying } = await questionsOn(path);
    console.log(`| ${ROWS[path]} | ${all} | ${applying} | ${all * STRIKES_AT_EACH} |`);
  }
} finally {
  await server.stop();
}

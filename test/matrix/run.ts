/**
 * The matrix: schemas × servers × programs that dump. Exactly one checksum for each schema. Beside it, each server
 * older than the newest is deployed to, and refuses what it does not know.
 *
 *     npm ci --prefix test/matrix/servers --ignore-scripts
 *     npx tsx test/matrix/run.ts [--servers 13,15,18] [--report] [FILE.sql[:SINCE] …]
 *
 * The schemas are those of test/matrix/schemas, the newest of the example project, and the files given; `:15` behind a
 * file says that servers before 15 cannot load it. `--report` writes the table of docs/schema-identity.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { SERVER_VARIABLE, urlOf } from "../support/server.js";
import { readsOverSeveral } from "./connections.js";
import { deploysTo, newestProject } from "./deploys.js";
import { type Findings, moves, readings } from "./readings.js";
import { inWords, isOne, tableOfPairs } from "./report.js";
import { load, programs, startVersion, type Version, versionsOf } from "./servers.js";
import { type Source, sourcesOf } from "./sources.js";

/** Where the run's own figures stand in the page. */
const FIGURES = /(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)/s;

async function writeReport(findings: readonly Findings[]): Promise<void> {
  const file = join(fileURLToPath(new URL(".", import.meta.url)), "../../docs/schema-identity.md");
  const page = await readFile(file, "utf8");
  const figures = `\n${tableOfPairs(findings)}\n\n${inWords(findings)}\n\n`;
  await writeFile(
    file,
    page.replace(FIGURES, () => figures),
  );
}

/** Reads all schemas on all servers, the newest server first, since the others' schemas move there. */
async function findingsOf(sources: readonly Source[], versions: readonly Version[]): Promise<Findings[]> {
  const findings = sources.map((source): Findings => ({ source, readings: [], moves: [] }));
  const dumpers = await programs();
  const newest = versions.at(-1);
  if (newest === undefined) return findings;
  const target = await startVersion(newest);
  process.env[SERVER_VARIABLE] = urlOf(target.connection);
  try {
    const project = await newestProject();
    const there = new Map<Source, ConnectionSettings>();
    for (const [number, found] of findings.entries()) {
      if (found.source.since > newest.major) continue;
      const connection = await load(
        target,
        `matrix_${number}`,
        found.source.sql,
        `${found.source.name} on ${newest.major}`,
      );
      there.set(found.source, connection);
      found.readings.push(...(await readings(target, newest, connection, dumpers)));
    }
    console.log(`read on ${newest.major}`);
    for (const version of versions.slice(0, -1)) {
      const server = await startVersion(version);
      try {
        for (const [number, found] of findings.entries()) {
          const newer = there.get(found.source);
          if (found.source.since > version.major || newer === undefined) continue;
          const connection = await load(
            server,
            `matrix_${number}`,
            found.source.sql,
            `${found.source.name} on ${version.major}`,
          );
          found.readings.push(...(await readings(server, version, connection, dumpers)));
          const from = { version, connection };
          found.moves.push(...(await moves(from, { version: newest, server: target, connection: newer })));
        }
        await readsOverSeveral(server);
        await deploysTo(project, version.major, server.connection);
      } finally {
        await server.stop();
      }
      console.log(`read on ${version.major}, and deployed to it`);
    }
  } finally {
    await target.stop();
  }
  return findings.filter((found) => found.readings.length > 0);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { servers: { type: "string", default: "" }, report: { type: "boolean", default: false } },
});
const wanted = values.servers.split(",").filter((part) => part !== "");
const found = await findingsOf(await sourcesOf(positionals), await versionsOf(wanted.map(Number)));
const failed = found.filter((findings) => !isOne(findings)).length;
console.log(inWords(found));
if (values.report) await writeReport(found);
console.log(`${found.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

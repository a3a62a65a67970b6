/**
 * How long `wov hook pre-push` takes when nothing has changed, beside `pg_dump --schema-only | sha256sum` with a
 * native pg_dump on the same server; how long `wov hash` takes on a large schema; and what `deploy.ts`, `objects.ts`
 * and `writing.ts` measure. See docs/benchmarks.md.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { table } from "#src/cli/table.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { freshDatabase } from "../test/support/server.js";
import { deployReport, measureDeploys, peersAreInstalled } from "./deploy.js";
import { type HashRow, measureHash } from "./hash.js";
import { type Comparison, inTurn } from "./measure.js";
import { measureObjects, objectsTable } from "./objects.js";
import { otherServers, type PgDump, pgDumpFor, versionOfServer } from "./programs.js";
import { schemaOf } from "./schema.js";
import { archivedProject, hookSide, pgDumpSide } from "./sides.js";
import { measureWriting, type WritingRow, writingReport } from "./writing.js";

const USAGE = `npm run bench -- [OPTIONS]

  --tables N[,N…]     sizes to measure; 10,100,1000 unless given
  --pairs N           counted pairs of runs for each size; 15 unless given
  --hash-tables N     the size that wov hash is measured at; 5000 unless given, 0 for not at all
  --hash-pairs N      counted pairs of runs for that; 5 unless given
  --writing-tables N[,N…]  sizes that wov deltas is measured at; 100,1000 unless given, 0 for not at all
  --writing-runs N    runs for each of them; 5 unless given
  --objects N[,N…]    sizes of the trees that wo migrate is measured at; 100,1000,5000 unless given, 0 for none
  --objects-runs N    counted runs for each of those; 5 unless given, all new once
  --deploy-versions N  the path that wov-deploy is measured on; 300 unless given, 0 for not at all
  --deploy-rounds N   counted runs of each program for that; 5 unless given
  --binaries FOLDER   a PostgreSQL with bin/, lib/ and share/, instead of the embedded one
  --pg-dump PATH      the native pg_dump; looked for unless given
  --json              print one JSON document
`;

interface Row {
  readonly tables: number;
  readonly pairs: number;
  readonly hook: Comparison["one"];
  readonly pgDump: Comparison["other"];
  readonly ratio: Comparison["ratio"];
}

interface Sides {
  readonly server: EmbeddedServer;
  readonly serverVersion: string;
  readonly pgDump: PgDump;
}

/** Starts the first of some servers for which there is a native pg_dump. */
async function startSides(
  folders: readonly (string | undefined)[],
  asked?: string,
): Promise<Sides | string[]> {
  const versions: string[] = [];
  for (const binaries of folders) {
    const server = await startThrowAwayServer({ binaries, settings: { max_locks_per_transaction: "512" } });
    const serverVersion = await versionOfServer(server.connection);
    const pgDump = await pgDumpFor(Number.parseInt(serverVersion, 10), asked);
    if (pgDump !== undefined) return { server, serverVersion, pgDump };
    await server.stop();
    versions.push(serverVersion);
  }
  return versions;
}

async function measure({ server, pgDump }: Sides, tables: number, pairs: number): Promise<Row> {
  const { connection } = await freshDatabase(schemaOf(tables), server.connection);
  const project = await archivedProject(connection);
  try {
    const { one, other, ratio } = await inTurn(
      pairs,
      await hookSide(project),
      pgDumpSide(pgDump.path, connection),
    );
    return { tables, pairs, hook: one, pgDump: other, ratio };
  } finally {
    await project.remove();
  }
}

function report(
  sides: Sides,
  machine: Machine,
  rows: readonly Row[],
  hash: readonly HashRow[],
  writing: readonly WritingRow[],
): string {
  const head = ["tables", "wov hook pre-push", "pg_dump | sha256sum", "ratio", "ratio min to max"];
  const seconds = (value: number) => `${value.toFixed(3)} s`;
  const body = rows.map(({ tables, hook, pgDump, ratio }) => [
    String(tables),
    seconds(hook.median),
    seconds(pgDump.median),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`,
  ]);
  return [
    `PostgreSQL ${sides.serverVersion}, pg_dump ${sides.pgDump.version}, Node ${machine.node}, ${machine.cores} cores (${machine.processor})`,
    `Medians of ${rows[0]?.pairs ?? 0} pairs of runs, taken in turn.`,
    "",
    ...table([head, ...body]),
    ...hash.flatMap((row) => ["", hashReport(row)]),
    ...writing.flatMap((row) => ["", writingReport(row)]),
  ].join("\n");
}

function hashReport({ tables, pairs, by, hash, pgDump, ratio, memory }: HashRow): string {
  const times = `wov hash by the ${by} pg_dump ${hash.median.toFixed(3)} s, pg_dump ${pgDump.median.toFixed(3)} s`;
  const ratios = `ratio ${ratio.median.toFixed(2)}, ${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`;
  return `${tables} tables, ${pairs} pairs: ${times}, ${ratios}, ${Math.round(memory)} MiB at most`;
}

interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly platform: string;
  readonly node: string;
}

function machineOf(): Machine {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? "",
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}

/** Sizes with commas between; a 0 stands for none. */
function sizesIn(text: string): number[] {
  return text
    .split(",")
    .map(Number)
    .filter((size) => size !== 0);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tables: { type: "string", default: "10,100,1000" },
      pairs: { type: "string", default: "15" },
      "hash-tables": { type: "string", default: "5000" },
      "hash-pairs": { type: "string", default: "5" },
      "writing-tables": { type: "string", default: "100,1000" },
      "writing-runs": { type: "string", default: "5" },
      objects: { type: "string", default: "100,1000,5000" },
      "objects-runs": { type: "string", default: "5" },
      "deploy-versions": { type: "string", default: "300" },
      "deploy-rounds": { type: "string", default: "5" },
      binaries: { type: "string" },
      "pg-dump": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const sizes = values.tables.split(",").map(Number);
  const pairs = Number(values.pairs);
  const hashTables = Number(values["hash-tables"]);
  const hashPairs = Number(values["hash-pairs"]);
  const writingSizes = sizesIn(values["writing-tables"]);
  const writingRuns = Number(values["writing-runs"]);
  const treeSizes = sizesIn(values.objects);
  const treeRuns = Number(values["objects-runs"]);
  const deployVersions = Number(values["deploy-versions"]);
  const deployRounds = Number(values["deploy-rounds"]);
  const numbers = [
    ...sizes,
    ...writingSizes,
    writingRuns,
    ...treeSizes,
    treeRuns,
    pairs,
    hashPairs,
    hashTables === 0 ? 1 : hashTables,
    deployRounds,
    deployVersions === 0 ? 1 : deployVersions,
  ];
  if (!numbers.every((value) => Number.isInteger(value) && value > 0)) {
    process.stderr.write(
      `--tables, --pairs, --hash-…, --writing-…, --objects… and --deploy-… take whole numbers above 0.\n\n${USAGE}`,
    );
    return 2;
  }
  if (deployVersions > 0 && !(await peersAreInstalled())) {
    process.stderr.write(
      "The programs that wov-deploy is held against are not installed:\n  npm ci --prefix bench/peers --ignore-scripts\nWithout them: --deploy-versions 0\n",
    );
    return 2;
  }
  const folders = values.binaries === undefined ? [undefined, ...(await otherServers())] : [values.binaries];
  const sides = await startSides(folders, values["pg-dump"]);
  if (Array.isArray(sides)) {
    process.stderr.write(
      `There is no native pg_dump for PostgreSQL ${sides.join(" or ")}: it must be of that major version or a newer one.\nInstall one, name it with --pg-dump PATH, or name an older server with --binaries FOLDER.\n`,
    );
    return 2;
  }
  try {
    const rows: Row[] = [];
    for (const tables of sizes) rows.push(await measure(sides, tables, pairs));
    const { serverVersion, pgDump, server } = sides;
    const hash = hashTables === 0 ? [] : await measureHash(server.connection, pgDump, hashTables, hashPairs);
    const writing: WritingRow[] = [];
    for (const size of writingSizes) writing.push(await measureWriting(server.connection, size, writingRuns));
    const objects = await measureObjects(treeSizes, treeRuns, 1);
    const deploys =
      deployVersions === 0 ? [] : await measureDeploys(deployVersions, deployRounds, values["pg-dump"]);
    const machine = machineOf();
    const measured = { rows, hash, writing, objects, deploys };
    const document = { machine, server: serverVersion, pgDump: pgDump.version, ...measured };
    const trees = objects.length === 0 ? [] : ["", "wo migrate:", ...objectsTable(objects)];
    const paths = deploys.length === 0 ? [] : ["", deployReport(deploys)];
    process.stdout.write(
      `${values.json ? JSON.stringify(document, null, 2) : [report(sides, machine, rows, hash, writing), ...trees, ...paths].join("\n")}\n`,
    );
    return 0;
  } finally {
    await sides.server.stop();
  }
}

process.exitCode = await main();

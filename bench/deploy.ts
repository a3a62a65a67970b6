/**
 * How long 300 versions take from an empty database: `wov-deploy` beside the same SQL in a bare loop and beside other
 * programs, on one server, in turn. See docs/deploy-figures.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { table } from "#src/cli/table.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { archivedSchema, canonicalSchema } from "#src/schema/index.js";
import { temporaryFolder } from "../test/config/support.js";
import { archiveOf, deltasOf } from "../test/long/archive.js";
import { dumpOf, rowsOf } from "../test/long/state.js";
import { keyOf, pathOf, ROOT_SQL } from "../test/long/versions.js";
import { PACKAGE } from "../test/support/project.js";
import { freshDatabase, type TestDatabase } from "../test/support/server.js";
import { type BenchVersion, peerSides, type Side } from "./deploy-peers.js";
import { type Figures, figuresOf } from "./measure.js";
import { pgDumpFor, versionOfServer } from "./programs.js";

export interface DeployRow {
  readonly side: string;
  readonly time: Figures;
  /** The time divided by the bare loop's of the same round. */
  readonly ratio: Figures;
}

export interface DeployPart {
  readonly path: string;
  readonly versions: number;
  readonly rounds: number;
  readonly rows: readonly DeployRow[];
}

/** Whether the programs to compare with are installed. */
export async function peersAreInstalled(): Promise<boolean> {
  try {
    await access(join(PACKAGE, "bench", "peers", "node_modules"));
    return true;
  } catch {
    // They are not.
    return false;
  }
}

/**
 * Measures both paths: one that fits into a transaction, and one with indexes that are built outside of any. The
 * server writes to its disk before it answers a COMMIT, as one with data does.
 *
 * @param rounds how many runs of each program are counted
 * @param pgDump a path; a native pg_dump that can read the server is looked for unless given
 */
export async function measureDeploys(
  versions: number,
  rounds: number,
  pgDump?: string,
): Promise<DeployPart[]> {
  const settings = { fsync: "on", full_page_writes: "on", synchronous_commit: "on" };
  const server = await startThrowAwayServer({ settings, inside: tmpdir() });
  try {
    const { connection } = server;
    const found = await pgDumpFor(Number.parseInt(await versionOfServer(connection), 10), pgDump);
    const shared = { versions, rounds, pgDump: found?.path ?? null };
    const parts: DeployPart[] = [];
    for (const concurrently of [false, true])
      parts.push(await measurePath(connection, { ...shared, concurrently }));
    return parts;
  } finally {
    await server.stop();
  }
}

interface PathRequest {
  readonly versions: number;
  readonly rounds: number;
  readonly concurrently: boolean;
  readonly pgDump: string | null;
}

async function measurePath(server: ConnectionSettings, request: PathRequest): Promise<DeployPart> {
  const { rounds, concurrently, pgDump } = request;
  const path = pathOf(request.versions, { concurrently }).map(({ statements, data }): BenchVersion => {
    const transaction = !statements.some((sql) => sql.includes("CONCURRENTLY"));
    return { statements: [...statements, ...data], transaction };
  });
  const wanted = await freshDatabase(ROOT_SQL, server);
  for (const { statements } of path) for (const sql of statements) await wanted.query(sql);
  const sides = [
    ...(await peerSides(temporaryFolder(), [{ statements: [ROOT_SQL], transaction: true }, ...path], pgDump)),
    ...(await wovSides(path, wanted)),
  ];
  const state = await stateOf(wanted);
  const times: Map<string, number>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const one = new Map<string, number>();
    for (const side of sides) {
      const db = await freshDatabase("", server);
      one.set(side.name, await secondsOf(side, db));
      if (round === 0 && (await stateOf(db)) !== state)
        throw new Error(`${side.name} led to another database`);
      await withClient(server, (client) => client.query(`DROP DATABASE ${db.name}`));
    }
    times.push(one);
  }
  return {
    path: concurrently ? "some indexes built concurrently" : "all in transactions",
    versions: path.length + 1,
    rounds,
    rows: sides.map(({ name }) => rowOf(name, times.slice(1))),
  };
}

/** The first side is the bare loop. */
function rowOf(side: string, rounds: readonly ReadonlyMap<string, number>[]): DeployRow {
  const of = (name: string, round: ReadonlyMap<string, number>) => round.get(name) ?? Number.NaN;
  return {
    side,
    time: figuresOf(rounds.map((round) => of(side, round))),
    ratio: figuresOf(rounds.map((round) => of(side, round) / of("bare loop", round))),
  };
}

/**
 * `wov-deploy` as the others work, without a rehearsal, and as it works unless told otherwise. The versions on the
 * way are archived with the last one's schema: no deploy from an empty database loads theirs.
 */
async function wovSides(path: readonly BenchVersion[], { connection }: TestDatabase): Promise<Side[]> {
  const first = await freshDatabase(ROOT_SQL, connection);
  const [start, end] = [await schemaOf(first), await schemaOf({ connection })];
  const later = path.map(({ statements }, index) => ({
    key: keyOf(index + 1),
    deltas: deltasOf(statements),
    schema: end,
  }));
  const { root } = await archiveOf([{ key: keyOf(0), deltas: null, schema: start }, ...later]);
  const program = process.execPath;
  const bin = join(PACKAGE, "dist", "cli", "wov-deploy.js");
  return [
    { name: "wov-deploy --no-rehearse", program, args: [bin, "--no-rehearse"], cwd: root },
    { name: "wov-deploy", program, args: [bin], cwd: root },
  ];
}

async function schemaOf(db: Pick<TestDatabase, "connection">) {
  const text = archivedSchema(await dumpOf(db));
  const { checksum, form } = await canonicalSchema(text);
  return { text, checksum, form };
}

/** A database as far as the versions made it: the objects and rows of `area`, no program's own tables. */
async function stateOf(db: TestDatabase): Promise<string> {
  const { objects } = await canonicalSchema(await dumpOf(db));
  const own = [...objects.values()].filter(({ schema }) => schema === "area");
  const rows = Object.entries(await rowsOf(db)).filter(([name]) => name.startsWith('"area"'));
  return JSON.stringify([own.map(({ id, checksum }) => [id, checksum]), rows]);
}

/** A whole process, as somebody waits for it. */
async function secondsOf(
  { program, args, cwd, name, programs }: Side,
  { url }: TestDatabase,
): Promise<number> {
  const started = performance.now();
  const { PATH = "" } = process.env;
  const env = {
    ...process.env,
    PATH: programs === undefined ? PATH : `${programs}${delimiter}${PATH}`,
    NODE_OPTIONS: undefined,
    NODE_EXTRA_CA_CERTS: undefined,
    DATABASE_URL: url,
    WOV_SHOPDB_URL: url,
  };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [status]: (number | null)[] = await once(child, "close");
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${output.slice(-2000)}`);
  return (performance.now() - started) / 1000;
}

/** The figures as text, a table for each path. */
export function deployReport(parts: readonly DeployPart[]): string {
  const head = ["", "median", "least to most", "by the bare loop", "least to most"];
  const seconds = (value: number) => `${value.toFixed(2)} s`;
  return parts
    .map(({ path, versions, rounds, rows }) =>
      [
        `${versions} versions from empty, ${path}; ${rounds} runs of each, taken in turn.`,
        "",
        ...table([
          head,
          ...rows.map(({ side, time, ratio }) => [
            side,
            seconds(time.median),
            `${time.min.toFixed(2)} to ${seconds(time.max)}`,
            ratio.median.toFixed(2),
            `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`,
          ]),
        ]),
      ].join("\n"),
    )
    .join("\n\n");
}

/**
 * How long `wov hash` takes on a large schema, by the pg_dump in the package and by a native one, beside that native
 * pg_dump which does nothing but write; and how much memory it holds at most.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type ConnectionSettings, libpqEnvironment } from "#src/postgres/connection.js";
import { PACKAGE, TestProject } from "../test/support/project.js";
import { freshDatabase } from "../test/support/server.js";
import { type Comparison, inTurn } from "./measure.js";
import type { PgDump } from "./programs.js";
import { schemaOf } from "./schema.js";

export interface HashRow {
  readonly tables: number;
  readonly pairs: number;
  /** The setting `pgDump`: which one `wov hash` reads the schema by. */
  readonly by: "bundled" | "system";
  readonly hash: Comparison["one"];
  readonly pgDump: Comparison["other"];
  readonly ratio: Comparison["ratio"];
  /** The most memory that `wov hash` held in any run, in MiB. */
  readonly memory: number;
}

const AT_ONCE = 100;

/** Prints on standard error how much memory its process has held at most, in KiB. */
const TELL_MEMORY =
  "data:text/javascript,process.once('exit',()=>console.error(process.resourceUsage().maxRSS))";

/**
 * Measures a database of so many tables on a server.
 *
 * @param pairs how many pairs of runs are counted, for each way to read it
 */
export async function measureHash(
  server: ConnectionSettings,
  pgDump: PgDump,
  tables: number,
  pairs: number,
): Promise<HashRow[]> {
  const { connection, url, query } = await freshDatabase("", server);
  // A transaction for each so many: one for all would hold more locks than a server has.
  const statements = schemaOf(tables).split(/\n(?=\nCREATE )/);
  for (let first = 0; first < statements.length; first += AT_ONCE) {
    await query(statements.slice(first, first + AT_ONCE).join("\n"));
  }
  const env = { ...process.env, ...libpqEnvironment(connection) };
  const dump = async () => {
    await outputOf(pgDump.path, ["--schema-only", "--no-password"], { env });
  };
  const rows: HashRow[] = [];
  for (const by of ["bundled", "system"] as const) {
    const project = await TestProject.create();
    const settings = { databases: { benchdb: {} }, pgDump: by === "system" ? pgDump.path : by };
    await project.write("wovtools/config.json", JSON.stringify(settings));
    let memory = 0;
    const hash = async () => {
      const args = ["--import", TELL_MEMORY, join(PACKAGE, "dist", "cli", "wov.js"), "hash", "--quiet", url];
      const said = await outputOf(process.execPath, args, { env, cwd: project.root });
      memory = Math.max(memory, Number(said.trim()) / 1024);
    };
    const { one, other, ratio } = await inTurn(pairs, hash, dump);
    rows.push({ tables, pairs, by, hash: one, pgDump: other, ratio, memory });
    await project.remove();
  }
  return rows;
}

/** Runs a program, its standard output thrown away. @returns what it wrote on standard error */
async function outputOf(
  program: string,
  args: readonly string[],
  { env, cwd }: { env: NodeJS.ProcessEnv; cwd?: string },
): Promise<string> {
  const child = spawn(program, args, { env, cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [status]: (number | null)[] = await once(child, "close");
  if (status !== 0) throw new Error(`${program} ended with ${status}:\n${said}`);
  return said;
}

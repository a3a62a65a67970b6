/** How long deltas take to be written and proven where one table of many has changed, the embedded server's start included. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLiveSchema } from "#src/commands/live-schema.js";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { PACKAGE } from "../test/support/project.js";
import { freshDatabase } from "../test/support/server.js";
import { type Figures, figuresOf } from "./measure.js";
import { schemaOf } from "./schema.js";

export interface WritingRow {
  readonly tables: number;
  readonly runs: number;
  /** Seconds that `wov deltas FROM.sql TO.sql` took as a whole process. */
  readonly deltas: Figures;
}

const CHANGE = `ALTER TABLE area_1.record_4 ADD COLUMN note text;
CREATE INDEX record_4_note ON area_1.record_4 (note);`;

/**
 * Measures with two schemas as files: no server is at hand, so one is started each time.
 *
 * @param server where the schemas are made beforehand
 */
export async function measureWriting(
  server: ConnectionSettings,
  tables: number,
  runs: number,
): Promise<WritingRow> {
  const folder = await mkdtemp(join(tmpdir(), "wov-bench-"));
  try {
    const db = await freshDatabase(schemaOf(tables), server);
    const read = () => readLiveSchema(db.connection, { pgDump: "bundled", schema: DEFAULT_SETTINGS });
    const [from, to] = [join(folder, "from.sql"), join(folder, "to.sql")];
    await writeFile(from, (await read()).text);
    await db.query(CHANGE);
    await writeFile(to, (await read()).text);
    const times: number[] = [];
    for (let run = 0; run < runs; run++) times.push(await secondsOf(from, to));
    return { tables, runs, deltas: figuresOf(times) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function secondsOf(from: string, to: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(PACKAGE, "dist", "cli", "wov.js"), "deltas", from, to], {
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
  const [status]: (number | null)[] = await once(child, "close");
  if (status !== 0) throw new Error(`wov deltas ended with ${status}:\n${told}`);
  return (performance.now() - started) / 1000;
}

export function writingReport({ tables, runs, deltas }: WritingRow): string {
  const [median, min, max] = [deltas.median, deltas.min, deltas.max].map((value) => value.toFixed(2));
  return `${tables} tables, one changed: wov deltas ${median} s, ${min} to ${max} s in ${runs} runs`;
}

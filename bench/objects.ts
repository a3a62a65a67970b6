/**
 * How long `wo migrate` takes on trees of object scripts: with nothing to do, with one view changed, and on an empty
 * database. Beside it, how long the program takes to start. See docs/objects.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "#src/cli/table.js";
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { PACKAGE } from "../test/support/project.js";
import { freshDatabase, type TestDatabase, urlOf } from "../test/support/server.js";
import { type Figures, figuresOf } from "./measure.js";

export interface ObjectsRow {
  readonly objects: number;
  readonly start: Figures;
  readonly idle: Figures;
  readonly oneView: Figures;
  readonly allNew: Figures;
}

/** Scripts of so many objects: tables, views, functions, triggers and policies in equal parts. */
function treeOf(objects: number): Map<string, string> {
  const files = new Map([
    ["schemas/public.sql", "CREATE SCHEMA public;\n"],
    [
      "functions/public.touch.sql",
      "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;\n",
    ],
  ]);
  for (let number = 0; number < objects / 5; number++) {
    const parent = number === 0 ? "" : `, parent bigint REFERENCES t${number - 1} (id)`;
    files.set(
      `tables/public.t${number}.sql`,
      `CREATE TABLE t${number} (id bigserial PRIMARY KEY, note text, at timestamptz DEFAULT now()${parent});
CREATE INDEX t${number}_note ON t${number} (note);
ALTER TABLE t${number} ENABLE ROW LEVEL SECURITY;
`,
    );
    files.set(`views/public.v${number}.sql`, viewOf(number, "t.id"));
    files.set(
      `functions/public.f${number}.sql`,
      `CREATE OR REPLACE FUNCTION f${number}(a bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  r t${number}%ROWTYPE;
BEGIN
  SELECT * INTO r FROM t${number} WHERE id = a;
  RETURN coalesce(r.id, 0);
END $$;
`,
    );
    files.set(
      `triggers/public.t${number}.touch${number}.sql`,
      `CREATE TRIGGER touch${number} BEFORE UPDATE ON t${number} FOR EACH ROW EXECUTE FUNCTION touch();\n`,
    );
    files.set(
      `policies/public.t${number}.p${number}.sql`,
      `CREATE POLICY p${number} ON t${number} USING (id > 0);\n`,
    );
  }
  return files;
}

function viewOf(number: number, id: string): string {
  return `CREATE OR REPLACE VIEW v${number} AS\nSELECT ${id}, t.note, t.at FROM t${number} t WHERE f${number}(t.id) > 0;\n`;
}

class Bench {
  private constructor(
    private readonly folder: string,
    private readonly server: Awaited<ReturnType<typeof startThrowAwayServer>>,
  ) {}

  static async with<T>(work: (bench: Bench) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), "wo-bench-"));
    // One transaction holds a lock for each object that it makes.
    const server = await startThrowAwayServer({ settings: { max_locks_per_transaction: "512" } });
    try {
      return await work(new Bench(folder, server));
    } finally {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  async measure(objects: number, runs: number, news: number): Promise<ObjectsRow> {
    const tree = join(this.folder, String(objects));
    for (const [path, text] of treeOf(objects)) {
      await mkdir(join(tree, path, ".."), { recursive: true });
      await writeFile(join(tree, path), text);
    }
    const fresh: number[] = [];
    let database: TestDatabase | undefined;
    for (let run = 0; run < news; run++) {
      if (database !== undefined) await this.#drop(database);
      const made = await freshDatabase("", this.server.connection);
      database = made;
      fresh.push(await this.#wo(made, tree, "migrate"));
    }
    const one = database;
    if (one === undefined) throw new RangeError("at least one run");
    const starts: number[] = [];
    const idle: number[] = [];
    const changed: number[] = [];
    for (let run = 0; run <= runs; run++) {
      starts.push(await this.#wo(one, tree, "--version"));
      idle.push(await this.#wo(one, tree, "migrate"));
      await writeFile(join(tree, "views/public.v1.sql"), viewOf(1, `t.id + ${run} AS id`));
      changed.push(await this.#wo(one, tree, "migrate"));
    }
    const [start, idles, oneView] = [starts, idle, changed].map((times) => figuresOf(times.slice(1)));
    if (start === undefined || idles === undefined || oneView === undefined)
      throw new RangeError("no figures");
    return { objects, start, idle: idles, oneView, allNew: figuresOf(fresh) };
  }

  #drop({ name }: TestDatabase): Promise<unknown> {
    return withClient(this.server.connection, (client) =>
      client.query(`DROP DATABASE ${quoteIdentifier(name)}`),
    );
  }

  /** Seconds that the process took. */
  async #wo(database: TestDatabase, tree: string, ...args: string[]): Promise<number> {
    const env = {
      ...process.env,
      NODE_OPTIONS: undefined,
      NODE_EXTRA_CA_CERTS: undefined,
      WO_CONNECTION_STRING: database.url,
      WO_ADMIN_CONNECTION_STRING: urlOf(this.server.connection),
      WO_DIR: tree,
      WO_ROLE_PREFIX: "",
      WO_ROOT_CERT: "",
    };
    const started = performance.now();
    const child = spawn(process.execPath, [join(PACKAGE, "dist/cli/wo.js"), ...args], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const [status]: (number | null)[] = await once(child, "close");
    if (status !== 0) throw new Error(`wo ${args.join(" ")} ended with ${status}`);
    return (performance.now() - started) / 1000;
  }
}

/**
 * Measures trees of so many objects, each on a database of its own.
 *
 * @param runs how often nothing to do and one view changed are counted
 * @param news how often all is made anew
 */
export function measureObjects(sizes: readonly number[], runs: number, news: number): Promise<ObjectsRow[]> {
  return Bench.with(async (bench) => {
    const rows: ObjectsRow[] = [];
    for (const objects of sizes) rows.push(await bench.measure(objects, runs, news));
    return rows;
  });
}

/** The figures as lines. */
export function objectsTable(rows: readonly ObjectsRow[]): string[] {
  const seconds = ({ median, min, max }: Figures) =>
    `${median.toFixed(2)} s (${min.toFixed(2)} to ${max.toFixed(2)})`;
  const body = rows.map(({ objects, start, idle, oneView, allNew }) => [
    String(objects),
    seconds(start),
    seconds(idle),
    seconds(oneView),
    seconds(allNew),
  ]);
  return table([["objects", "start alone", "nothing to do", "one view changed", "all new"], ...body]);
}

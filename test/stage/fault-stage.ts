/** A project whose archive leads over five versions, and stages at its first one, as many as are needed. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { WovError } from "#src/errors.js";
import { deploy } from "#src/index.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { ledgerConnection } from "#src/stage/ledger.js";
import { PACKAGE } from "../support/project.js";
import { testServer, urlOf } from "../support/server.js";
import { type Fault, FaultProxy, type Question } from "./fault-proxy.js";
import { StageProject } from "./project.js";

/** The first version. What counts how often it is applied stands in `counter`. */
const ROOT = `
  CREATE TYPE state AS ENUM ('new', 'paid');
  CREATE TABLE orders (id integer PRIMARY KEY, amount integer NOT NULL, state state NOT NULL DEFAULT 'new');
  CREATE TABLE counter (version text PRIMARY KEY, applied integer NOT NULL);
  CREATE INDEX old_amounts ON orders (amount);
`;
const ROWS = "INSERT INTO orders SELECT n, n * 10 FROM generate_series(1, 20) AS n";
const once_ = (version: string) =>
  `INSERT INTO counter VALUES ('${version}', 1) ON CONFLICT (version) DO UPDATE SET applied = counter.applied + 1`;

/** Each version's statements; every one of them shows when it is applied twice. */
const PATHS = {
  transactional: [
    [
      "ALTER TABLE orders ADD COLUMN note text",
      "UPDATE orders SET note = coalesce(note, '') || 'x'",
      once_("1"),
    ],
    [
      "CREATE TABLE audit (id serial PRIMARY KEY, what text)",
      "INSERT INTO audit (what) VALUES ('two')",
      once_("2"),
    ],
    ["UPDATE orders SET amount = amount + 1", once_("3")],
    ["CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(amount) FROM orders'", once_("4")],
    ["ALTER TABLE orders ADD CHECK (amount > 0)", "DROP INDEX old_amounts", once_("5")],
  ],
  mixed: [
    [
      "ALTER TABLE orders ADD COLUMN note text",
      "UPDATE orders SET note = coalesce(note, '') || 'x'",
      once_("1"),
    ],
    [
      once_("2"),
      "CREATE INDEX CONCURRENTLY orders_note ON orders (note)",
      "UPDATE orders SET amount = amount + 1",
      once_("2b"),
    ],
    ["ALTER TYPE state ADD VALUE 'sent'", "UPDATE orders SET state = 'sent' WHERE id = 1", once_("3")],
    ["VACUUM orders", "DROP INDEX CONCURRENTLY old_amounts"],
    [once_("5"), "CREATE UNIQUE INDEX CONCURRENTLY ON orders (id, amount)"],
  ],
} as const;
export type PathName = keyof typeof PATHS;

export class FaultProject {
  private constructor(
    readonly project: StageProject,
    private readonly server: ConnectionSettings,
    private readonly template: string,
  ) {}

  static async create(path: PathName): Promise<FaultProject> {
    const project = await StageProject.create(ROOT);
    for (const [index, statements] of PATHS[path].entries())
      await project.version(`1.${index + 1}.0`, statements);
    const template = await project.stage("1.0.0", ROWS);
    return new FaultProject(project, await testServer(), template.name);
  }

  /** A stage at the first version, with rows, known to the ledger. */
  async newStage(): Promise<FaultStage> {
    const name = `stage_${randomBytes(6).toString("hex")}`;
    await withClient(this.server, (client) =>
      client.query(
        `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(this.template)} STRATEGY file_copy`,
      ),
    );
    await withClient(ledgerConnection(this.server), (client) =>
      client.query(
        `INSERT INTO wovtool.database (name, version, version_id)
         SELECT $1, version, version_id FROM wovtool.log WHERE database = $2 AND version = '1.0.0' LIMIT 1`,
        [name, this.template],
      ),
    );
    return new FaultStage(this.project.root, { ...this.server, database: name });
  }
}

export type Mode = "kill" | "cut";

/** What a deploy came to. */
export interface Disturbed {
  readonly struck: boolean;
  readonly questions: readonly Question[];
}

export class FaultStage {
  constructor(
    private readonly root: string,
    readonly connection: ConnectionSettings,
  ) {}

  /** A deploy that nothing disturbs. */
  async deploy(): Promise<void> {
    await deploy({ cwd: this.root, url: urlOf(this.connection), rehearse: false });
  }

  /** A deploy through a proxy that strikes at one question: its process is killed, or its connections are cut. */
  async disturbed(mode: Mode, at: number, when: Fault["when"]): Promise<Disturbed> {
    return mode === "cut" ? this.#cut(at, when) : this.#killed(at, when);
  }

  async #cut(at: number, when: Fault["when"]): Promise<Disturbed> {
    const proxy = await FaultProxy.start(this.connection, { at, when, strike: () => undefined });
    try {
      await deploy({ cwd: this.root, url: this.#through(proxy), rehearse: false });
    } catch (error) {
      // Only a lost connection may be told, and told as such: anything else is a defect.
      if (!(error instanceof WovError) || !proxy.struck) throw error;
    } finally {
      await proxy.stop();
    }
    return proxy;
  }

  async #killed(at: number, when: Fault["when"]): Promise<Disturbed> {
    let kill = () => {};
    const proxy = await FaultProxy.start(this.connection, { at, when, strike: () => kill() });
    const child = spawn(
      process.execPath,
      [join(PACKAGE, "dist/cli/wov-deploy.js"), "--no-rehearse", "--quiet", "--url", this.#through(proxy)],
      { cwd: this.root, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    kill = () => child.kill("SIGKILL");
    const [status]: (number | null)[] = await once(child, "close");
    await proxy.stop();
    if (!proxy.struck && status !== 0) throw new Error(`ended with ${status}: ${said}`);
    return proxy;
  }

  #through(proxy: FaultProxy): string {
    return urlOf({ ...this.connection, host: "127.0.0.1", port: proxy.port });
  }

  /** Everything that has to be the same however often the deploy was disturbed. */
  async state(): Promise<string> {
    const inside = await withClient(this.connection, async (client) => (await client.query(STATE)).rows);
    const beside = await withClient(
      ledgerConnection(this.connection),
      async (client) => (await client.query(LEDGER_STATE, [this.connection.database])).rows,
    );
    return JSON.stringify([inside, beside], null, 1);
  }

  async drop(): Promise<void> {
    await withClient({ ...this.connection, database: "postgres" }, (client) =>
      client.query(`DROP DATABASE ${quoteIdentifier(this.connection.database ?? "")} WITH (FORCE)`),
    );
  }
}

const STATE = `
  SELECT 'relation' AS what, c.relname || ' ' || c.relkind::text AS name,
    coalesce(pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid::text, (
      SELECT string_agg(attname || ' ' || atttypid::regtype::text || ' ' || attnotnull::text, ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)) AS value
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'constraint', conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'enum', enumtypid::regtype::text, string_agg(enumlabel, ' ' ORDER BY enumsortorder) FROM pg_enum GROUP BY enumtypid
  UNION ALL SELECT 'rows', 'orders', query_to_xml('SELECT * FROM orders ORDER BY id', true, true, '')::text
  UNION ALL SELECT 'rows', 'counter', query_to_xml('SELECT * FROM counter ORDER BY version', true, true, '')::text
  UNION ALL SELECT 'rows', 'audit', CASE WHEN to_regclass('audit') IS NULL THEN '' ELSE
    query_to_xml('SELECT * FROM audit ORDER BY id', true, true, '')::text END
  ORDER BY 1, 2`;

const LEDGER_STATE = `
  SELECT 'database' AS what, concat_ws(' ', version, version_id, partial_version, partial_statements) AS value
  FROM wovtool.database WHERE name = $1
  UNION ALL SELECT 'applied', string_agg(concat_ws(' ', version, version_id, deltas, how), ', ' ORDER BY number)
  FROM wovtool.applied WHERE database = $1
  UNION ALL SELECT 'log', string_agg(concat_ws(' ', version, version_id, event), ', ' ORDER BY number)
  FROM wovtool.log WHERE database = $1
  UNION ALL SELECT 'open', ((SELECT count(*) FROM wovtool.intent WHERE database = $1 AND state = 'open')
    + (SELECT count(*) FROM wovtool.step WHERE database = $1 AND state = 'open')
    + (SELECT count(*) FROM wovtool.deploy WHERE database = $1 AND outcome = 'running'))::text
  UNION ALL SELECT 'steps done', (SELECT count(*) FROM wovtool.step WHERE database = $1 AND state = 'done')::text
  ORDER BY 1`;

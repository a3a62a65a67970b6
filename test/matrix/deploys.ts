/** Deploying to a server that is older than what the deltas say. */
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { inLedger, StageProject } from "../stage/project.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";

/** What the first version is followed by, and the major version since which a server knows it. */
const VERSIONS: Readonly<Record<string, readonly [since: number, ...statements: string[]]>> = {
  "1.1.0": [
    15,
    "ALTER TABLE orders ADD COLUMN place text",
    "ALTER TABLE orders ADD CONSTRAINT one_place UNIQUE NULLS NOT DISTINCT (place)",
  ],
  "1.2.0": [
    17,
    "ALTER TABLE orders ADD COLUMN note text",
    "WITH told AS (MERGE INTO orders o USING orders n ON o.id = n.id WHEN MATCHED THEN UPDATE SET note = '' RETURNING o.id) SELECT count(*) FROM told",
  ],
};

/** A project that is developed on the server of the tests, which has to be the newest. */
export async function newestProject(): Promise<StageProject> {
  const project = await StageProject.create("CREATE TABLE orders (id integer PRIMARY KEY)");
  for (const [version, [, ...statements]] of Object.entries(VERSIONS))
    await project.version(version, statements);
  return project;
}

/** Deploys each version to a database of a server: one that it does not know is refused, named, and taken back. */
export async function deploysTo(
  project: StageProject,
  major: number,
  server: ConnectionSettings,
): Promise<void> {
  const stage = await freshDatabase("", server);
  await project.deploy(stage, { pver: "1.0.0" });
  for (const [version, [since]] of Object.entries(VERSIONS)) {
    const schema = await columnsOf(stage);
    if (major >= since) {
      const [applied] = (await project.deploy(stage, { pver: version })).databases;
      assert.is(applied?.outcome, "applied");
      continue;
    }
    for (const [rehearse, code] of [
      [true, "REHEARSAL_FAILED"],
      [false, "STATEMENT_FAILED"],
    ] as const) {
      const error = await thrownBy(BlockedError, project.deploy(stage, { pver: version, rehearse }));
      assert.is(error.code, code);
      assert.match(error.message, /syntax error at or near "/);
      assert.match(error.where ?? "", new RegExp(`${version}\\.deltas:2$`));
      assert.match(error.hint ?? "", "Where this server is older");
    }
    assert.equal(await columnsOf(stage), schema);
    const [at] = await inLedger(
      stage,
      "SELECT version, partial_version FROM wovtool.database WHERE name = $1",
    );
    assert.equal(at, { version: before(version), partial_version: null });
    return;
  }
}

function before(version: string): string {
  const all = ["1.0.0", ...Object.keys(VERSIONS)];
  return all[all.indexOf(version) - 1] ?? "";
}

function columnsOf(stage: Awaited<ReturnType<typeof freshDatabase>>) {
  return stage.query(
    "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum",
  );
}

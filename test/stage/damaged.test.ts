/** A deploy from an archive that is not as it was made. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ArchiveError } from "#src/errors.js";
import { withClient } from "#src/postgres/connection.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { StageProject } from "./project.js";

const ROOT = "CREATE TABLE orders (id integer PRIMARY KEY, amount integer)";

const archives = suite("deploy from a damaged archive");

/** Nothing listens there. What is wrong with the archive is told all the same: nothing of the server is needed for it. */
const NOWHERE = { url: "postgres://nobody:nothing@127.0.0.1:1/nowhere?sslmode=disable" };

const DAMAGES: Record<string, (project: StageProject) => Promise<string>> = {
  "an altered delta": async ({ paths }) => {
    await writeFile(paths.archivedDeltas("1.1.0"), "DROP TABLE orders;\n");
    return "ARCHIVED_FILE_ALTERED";
  },
  "a missing delta": async ({ paths }) => {
    await rm(paths.archivedDeltas("1.1.0"));
    return "ARCHIVED_FILE_MISSING";
  },
  "deltas that no version names": async ({ paths }) => {
    await writeFile(join(paths.folder, "notes.txt"), "Nobody's concern.\n");
    await writeFile(paths.archivedDeltas("1.2.0"), "DROP TABLE orders;\n");
    return "ARCHIVED_FILE_UNKNOWN";
  },
  "an altered schema": async ({ paths }) => {
    await writeFile(paths.archivedSchema("1.1.0"), "CREATE TABLE other ();\n");
    return "ARCHIVED_FILE_ALTERED";
  },
  "a parent that does not exist": async ({ paths }) => {
    await edit(paths.history, '"pver": "1.0.0"', '"pver": "0.9.0"');
    return "UNKNOWN_PARENT";
  },
  "a circle of parents": async ({ paths }) => {
    await edit(paths.history, '"pver": "1.0.0"', '"pver": "1.1.0"');
    return "PARENT_CYCLE";
  },
  "an altered entry": async ({ paths, versions }) => {
    await edit(paths.history, versions.get("1.1.0")?.checksum ?? "", "0".repeat(64));
    return "ID_MISMATCH";
  },
};

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, "utf8");
  assert.ok(text.includes(from));
  await writeFile(file, text.replace(from, to));
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  archives(`stops at ${name}, whatever comes of the server`, async () => {
    const project = await StageProject.create(ROOT);
    await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text"]);
    const code = await damage(project);
    const error = await thrownBy(ArchiveError, project.deploy(NOWHERE));
    assert.is(error.code, code);
    assert.is(error.exitStatus, 4);
  });
}

archives("ends the session that was made meanwhile", async () => {
  const project = await StageProject.create(ROOT);
  await rm(project.paths.archivedSchema("1.0.0"));
  const db = await freshDatabase();
  await thrownBy(ArchiveError, project.deploy(db));
  const sessions =
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
  await withClient(db.connection, async (client) => {
    for (;;) if ((await client.query(sessions)).rows.length === 0) break;
  });
});
archives.run();

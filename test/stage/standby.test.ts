/** A standby: the data of a stopped server, and the file that says that they are another's copy. */
import { chmod, chown, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DatabaseError } from "#src/errors.js";
import { deltas, hash, ledgerVersions } from "#src/index.js";
import { startServer, startThrowAwayServer, stopServer } from "#src/postgres/embedded.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase, urlOf } from "../support/server.js";
import { StageProject } from "./project.js";

const standbys = suite("a standby");

standbys("can be read, and no deploy begins on it", async () => {
  const project = await StageProject.create("CREATE TABLE orders (id integer PRIMARY KEY)");
  await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text"]);
  // The server's user has to get there.
  const inside = await mkdtemp(join(tmpdir(), "wov-standby-"));
  await chmod(inside, 0o755);
  const primary = await startThrowAwayServer({ inside });
  try {
    const db = await freshDatabase("", primary.connection);
    await project.deploy(db, { pver: "1.0.0" });
    const { checksum } = await hash(db.url);

    const [folder = ""] = await readdir(inside);
    const dataDir = join(inside, folder, "data");
    await stopServer(dataDir);
    const [signal, owner] = [join(dataDir, "standby.signal"), await stat(dataDir)];
    await writeFile(signal, "");
    await chown(signal, owner.uid, owner.gid);
    const { password = "" } = primary.connection;
    const standby = await startServer({ dataDir, password, settings: { fsync: "off" } });

    const url = urlOf({ ...standby.connection, database: db.name });
    for (const terms of [{}, { plan: true }, { dryRun: true, rehearse: undefined }]) {
      const error = await thrownBy(DatabaseError, project.deploy({ url }, terms));
      assert.is(error.code, "READ_ONLY_SERVER");
      assert.is(error.exitStatus, 3);
    }
    assert.is((await hash(url)).checksum, checksum);
    // What is tried on shadows is tried elsewhere: this one makes no databases.
    const written = await deltas(url, project.paths.archivedSchema("1.1.0"));
    assert.is(written.outcome, "proven");
    assert.match(written.sql, "ADD COLUMN note text");
    const { databases } = await ledgerVersions({ cwd: project.root, url });
    assert.is(databases[0]?.version, "1.0.0");
  } finally {
    await primary.stop();
    await rm(inside, { recursive: true, force: true });
  }
});

standbys.run();

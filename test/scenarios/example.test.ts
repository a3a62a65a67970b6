/** The example project in wovtools/, which the demo and the documentation build on. */
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readArchive, readSchema } from "#src/archive/read.js";
import { hash } from "#src/commands/hash.js";
import { readLiveSchema } from "#src/commands/live-schema.js";
import { parseSource, readSource } from "#src/commands/schema-source.js";
import { woImport } from "#src/commands/wo/import.js";
import { databasePaths, loadProject, projectDatabase } from "#src/config/project.js";
import { deploy } from "#src/index.js";
import { canonicalSchema, FORM } from "#src/schema/index.js";
import { WoTree } from "../objects/support.js";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const example = suite("the example project");

example("its archive is whole, and its checksums are what the canonical form gives", async () => {
  const project = await loadProject(PACKAGE);
  const archive = await readArchive(databasePaths(project, "shopdb"));
  assert.equal([...archive.versions.keys()], ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]);
  for (const version of archive.versions.values()) {
    const { checksum } = await canonicalSchema(await readSchema(archive, version.key));
    assert.is(version.schema.form, FORM);
    assert.is(checksum, version.checksum, version.key);
  }
});

example("its deltas lead from each version to the next", async () => {
  const project = await loadProject(PACKAGE);
  const archive = await readArchive(databasePaths(project, "shopdb"));
  const db = await freshDatabase(await readSchema(archive, "1.0.0"));
  const { pgDump, schema } = projectDatabase(project, "shopdb");
  for (const key of ["1.1.0", "1.2.0"]) {
    await db.query(await readFile(join(PACKAGE, "wovtools/db/shopdb", `${key}.deltas`), "utf8"));
    const live = await readLiveSchema(db.connection, { pgDump, schema });
    assert.is((await live.canonical()).checksum, archive.versions.get(key)?.checksum, key);
  }
});

example(
  "a deploy with its objects leads to the archived schema, at once and from the version before",
  async () => {
    const archive = await readArchive(databasePaths(await loadProject(PACKAGE), "shopdb"));
    const [atOnce, later] = [await freshDatabase(), await freshDatabase()];
    await deploy({ cwd: PACKAGE, url: later.url, pver: "1.2.0" });
    for (const { url } of [atOnce, later]) {
      const [done] = (await deploy({ cwd: PACKAGE, url, rehearse: false })).databases;
      assert.equal([done?.outcome, done?.to], ["applied", "1.3.0"]);
      assert.ok(done?.objects.some(({ id }) => id === "role.shop_storefront"));
      assert.is((await hash(url)).checksum, archive.versions.get("1.3.0")?.checksum);
    }
  },
);

example("its objects are those of the newest version, beside the tables", async () => {
  const { text } = await readSource(parseSource("shopdb@head"), { cwd: PACKAGE });
  // A schema names roles that the server has to have.
  const tree = await WoTree.create(
    {},
    `DO $$ BEGIN CREATE ROLE shop_storefront; EXCEPTION WHEN duplicate_object THEN END $$;\n${text}`,
    "",
  );
  const objects = join(PACKAGE, "wovtools/db/shopdb/objects");
  await cp(objects, tree.env.WO_DIR ?? "", { recursive: true });
  const imported = await woImport({
    cwd: PACKAGE,
    env: tree.env,
    source: "shopdb@head",
    withoutTables: true,
  });
  assert.equal([...imported.written, ...imported.unknown], []);
  assert.ok(imported.unchanged > 5);
  await tree.migrate();
  assert.is((await hash(tree.db.url)).checksum, imported.checksum);
  await tree.remove();
});

example.run();

/** A path read to be applied, without parsing what is plain, beside the same path with every statement looked into. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readArchive } from "#src/archive/read.js";
import { readVersions } from "#src/commands/deploy/planned.js";
import { BlockedError } from "#src/errors.js";
import { makePlan } from "#src/stage/plan.js";
import { freshDatabase } from "../support/server.js";
import { StageProject } from "./project.js";

const looks = suite("looks at a path");

const ROOT =
  "CREATE TABLE orders (id integer PRIMARY KEY, amount integer); CREATE TYPE mood AS ENUM ('sad');";

/** The plan of all versions after the first, by both looks, and how many statements each has parsed. */
async function plans(project: StageProject) {
  const archive = await readArchive(project.paths);
  const [from = null, ...versions] = [...archive.versions.values()];
  const to = versions.at(-1)?.key ?? "";
  const read = async (look: "closely" | "to-apply") => {
    const found = await readVersions(
      archive,
      { from, versions },
      { root: project.root, serverVersion: 180_000 },
      look,
    );
    const parsed = found.flatMap(({ statements }) => statements).filter(({ facts }) => facts !== null).length;
    return { parsed, plan: makePlan({ from: null, to, versions: found, partial: null }) };
  };
  return { closely: await read("closely"), quickly: await read("to-apply") };
}

looks("see the same plan, and of a path in one transaction only parse what is not plain", async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", ["ALTER TABLE orders ADD COLUMN note text", "UPDATE orders SET note = ''"]);
  await project.version("1.2.0", ["SET LOCAL search_path = public", "CREATE INDEX ON orders (note)"]);
  const { closely, quickly } = await plans(project);
  assert.is(closely.plan.segments.length, 1);
  assert.is(quickly.plan.id, closely.plan.id);
  assert.equal([closely.parsed, quickly.parsed], [4, 1]);
});

looks("see the same plan where it takes several transactions, and then parse all", async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", ["ALTER TYPE mood ADD VALUE 'glad'"]);
  await project.version("1.2.0", ["ALTER TABLE orders ADD COLUMN feeling mood DEFAULT 'glad'"]);
  await project.version("1.3.0", ["CREATE INDEX CONCURRENTLY ON orders (amount)"]);
  const { closely, quickly } = await plans(project);
  assert.is(closely.plan.segments.length, 4);
  assert.is(quickly.plan.id, closely.plan.id);
  assert.equal([closely.parsed, quickly.parsed], [3, 3]);
});

looks("find what no parser takes before a transaction is committed", async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", ["CREATE INDEX CONCURRENTLY by_amount ON orders (amount)"]);
  await project.archive("1.2.0", "1.1.0", "ALTER TABLE orders ADD COLUMN frm frm frm;\n");
  const db = await project.stage("1.0.0");
  for (const plan of [true, false]) {
    const refused = await project.deploy(db, { plan }).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(refused instanceof BlockedError);
    assert.is(refused.code, "DELTAS_SYNTAX");
  }
  assert.equal(await db.query("SELECT to_regclass('by_amount') AS index"), [{ index: null }]);
});

looks("of an empty database and a path in one transaction: the server's refusal takes all back", async () => {
  const project = await StageProject.create(ROOT);
  await project.version("1.1.0", ["INSERT INTO orders VALUES (1, 1)"]);
  await project.archive("1.2.0", "1.1.0", "ALTER TABLE orders ADD COLUMN frm frm frm;\n");
  const db = await freshDatabase();
  const refused = await project.deploy(db).then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(refused instanceof BlockedError);
  assert.is(refused.code, "STATEMENT_FAILED");
  assert.match(refused.where ?? "", /1\.2\.0\.deltas:1/);
  assert.equal(await db.query("SELECT to_regclass('orders') AS name"), [{ name: null }]);
});

looks.run();

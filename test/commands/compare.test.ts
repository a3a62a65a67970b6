/** What text cannot decide: the same schema, printed in two ways. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { check, diff } from "#src/index.js";
import { TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const compare = suite("compare");

/** PostgreSQL prints the list in the check one way where it was written, and another after one dump and restore. */
const WRITTEN = `
  CREATE TABLE orders (id int PRIMARY KEY, state varchar(10) NOT NULL, CONSTRAINT known CHECK (state IN ('open', 'paid')));
  CREATE VIEW paid AS SELECT id FROM orders WHERE state IN ('paid', 'shipped');`;

async function restored(text: string) {
  const db = await freshDatabase();
  await db.query(text);
  return db;
}

async function archived(): Promise<{ project: TestProject; schema: string; url: string }> {
  const project = await TestProject.create();
  const db = await freshDatabase(WRITTEN);
  const env = { WOV_SHOPDB_URL: db.url };
  const steps = [
    ["init", "--database", "shopdb"],
    ["push-db", "--snapshot", "shopdb", "initial", "--skip-git-checks"],
  ];
  for (const step of steps) {
    const ended = await project.run("wov", step, { env });
    assert.is(ended.status, 0, ended.output);
  }
  await project.commitAll();
  const schema = await readFile(join(project.root, "wovtools/db/shopdb/schemas/1.0.0.schema"), "utf8");
  return { project, schema, url: db.url };
}

compare(
  "a database made from the archive is no drift, though it prints its expressions in another way",
  async () => {
    const { project, schema } = await archived();
    const copy = await restored(schema);
    const options = { cwd: project.root, env: { WOV_SHOPDB_URL: copy.url }, skipGitChecks: true };
    const told: string[] = [];
    const first = await check({ ...options, progress: (doing) => told.push(doing) });
    assert.equal(first.databases[0]?.changes, []);
    assert.not.ok(first.blocked);
    assert.ok(
      told.some((doing) => doing.includes("asking a server")),
      "the texts differ, so a server was asked",
    );

    const again: string[] = [];
    const second = await check({ ...options, progress: (doing) => again.push(doing) });
    assert.not.ok(second.blocked);
    assert.not.ok(
      again.some((doing) => doing.includes("asking a server")),
      "the answer is remembered",
    );
    await project.remove();
  },
);

compare("what really changed is told, and what is only printed otherwise is not", async () => {
  const { project, schema } = await archived();
  const copy = await restored(schema);
  await copy.query(
    "ALTER TABLE public.orders DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (state IN ('open', 'void'))",
  );
  const env = { WOV_SHOPDB_URL: copy.url };
  const result = await check({ cwd: project.root, env, skipGitChecks: true });
  assert.ok(result.blocked);
  assert.equal(
    result.databases[0]?.changes.map(({ type, name }) => `${type} ${name}`),
    ["table public.orders"],
  );
  const difference = await diff("shopdb@head", "shopdb", { cwd: project.root, env });
  assert.ok(difference.byServer);
  assert.equal(
    difference.changes.map(({ name }) => name),
    ["public.orders"],
  );
  await project.remove();
});

compare("a file of SQL is the database that it makes", async () => {
  const { project, url } = await archived();
  await project.write("shop.sql", WRITTEN);
  const options = { cwd: project.root, env: { WOV_SHOPDB_URL: url } };
  assert.not.ok((await diff("shop.sql", "shopdb", options)).differs);
  await project.write("shop.sql", WRITTEN.replace("varchar(10)", "varchar(11)"));
  assert.equal(
    (await diff("shopdb", "shop.sql", options)).changes.map(({ details }) => details),
    [["column state changed: state character varying(10) NOT NULL → state character varying(11) NOT NULL"]],
  );
  await project.remove();
});

compare.run();

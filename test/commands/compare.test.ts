/** What text cannot decide: the same schema, written in two ways. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareSchemas } from "#src/commands/compare.js";
import { knownSameIn } from "#src/commands/known-same.js";
import { schemaText } from "#src/commands/live-schema.js";
import { diff } from "#src/index.js";
import { parseConnectionUrl } from "#src/postgres/connection-url.js";
import { TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const compare = suite("compare");

const SQL = `
  CREATE TABLE orders (
    id int PRIMARY KEY,
    state varchar(10) NOT NULL,
    CONSTRAINT known CHECK (state IN ('open', 'paid'))
  );
  CREATE VIEW paid AS SELECT id FROM orders WHERE state IN ('paid', 'shipped');`;

const HEADING = "--\n-- Name: orders; Type: TABLE; Schema: public; Owner: -\n--\n";

const SETTINGS = {
  owners: false,
  tablespaces: false,
  subscriptions: false,
  columnOrder: true,
  ignoreSchemas: [],
  ignoreTables: [],
};

/** A project whose first version holds the SQL above. */
async function archived(): Promise<{ project: TestProject; schema: string; url: string }> {
  const project = await TestProject.create();
  const { url } = await freshDatabase(SQL);
  for (const step of [
    ["init", "--database", "shopdb"],
    ["push-db", "--snapshot", "shopdb", "initial", "--skip-git-checks"],
  ]) {
    const ended = await project.command("wov", step, { env: { WOV_SHOPDB_URL: url } });
    assert.is(ended.status, 0, ended.output);
  }
  const schema = await readFile(join(project.root, "wovtools/db/shopdb/schemas/1.0.0.schema"), "utf8");
  return { project, schema, url };
}

/** The check as a person writes it, where pg_dump has written what the server prints of it. */
function byHand(schema: string): string {
  const changed = schema.replace(
    /CONSTRAINT known CHECK [^\n]*/,
    "CONSTRAINT known CHECK (state IN ('open', 'paid'))",
  );
  assert.is.not(changed, schema);
  return changed;
}

compare("what is only written in another way is the same, and a server is asked once", async () => {
  const { project, schema, url } = await archived();
  const [printed, written] = [schemaText(schema, SETTINGS), schemaText(byHand(schema), SETTINGS)];
  assert.is.not((await printed.canonical()).checksum, (await written.canonical()).checksum);

  const told: string[] = [];
  const options = {
    known: knownSameIn(join(project.folder, "same-schemas")),
    near: parseConnectionUrl(url),
    progress: (doing: string) => told.push(doing),
  };
  const first = await compareSchemas(printed, written, options);
  assert.not.ok(first.differs);
  assert.ok(first.byServer);
  assert.is(told.length, 1);
  assert.not.ok((await compareSchemas(printed, written, options)).differs);
  assert.is(told.length, 1, "the answer is remembered");
  await project.remove();
});

compare("what really changed is told, and what is only written otherwise is not", async () => {
  const { project, schema, url } = await archived();
  await project.write("wider.sql", byHand(schema).replace("character varying(10)", "character varying(11)"));
  const options = { cwd: project.root, env: { WOV_SHOPDB_URL: url } };
  const { byServer, changes } = await diff("shopdb@head", "wider.sql", options);
  assert.ok(byServer);
  assert.equal(
    changes.map(({ name, details }) => [name, ...details]),
    [
      [
        "public.orders",
        "column state changed: state character varying(10) NOT NULL → state character varying(11) NOT NULL",
      ],
    ],
  );
  await project.remove();
});

compare("a file of SQL without pg_dump's headings is the database that it makes", async () => {
  const { project, url } = await archived();
  await project.write("shop.sql", SQL);
  const options = { cwd: project.root, env: { WOV_SHOPDB_URL: url } };
  assert.not.ok((await diff("shop.sql", "shopdb", options)).differs);
  // What looks like a heading of pg_dump's is part of a comment there.
  await project.write("told.sql", `/* As pg_dump has it:\n${HEADING} */ ${SQL}`);
  assert.not.ok((await diff("told.sql", "shopdb", options)).differs);
  await project.remove();
});

compare.run();

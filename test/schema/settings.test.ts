/** What is counted as schema in two ways is never compared as if it were one. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConfigError, diff, hash } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { TestProject } from "../support/project.js";
import { freshDatabase } from "../support/server.js";

const test = suite("schemas with other settings");

async function configure(project: TestProject, databases: Record<string, unknown>): Promise<void> {
  await project.write("wovtools/config.json", JSON.stringify({ databases }));
}

async function archived(databases: Record<string, unknown>): Promise<TestProject> {
  const project = await TestProject.create();
  await configure(project, databases);
  for (const name of Object.keys(databases)) {
    const { url } = await freshDatabase("CREATE TABLE orders (id integer, total numeric)");
    const args = ["--snapshot", name, "initial", "--skip-git-checks"];
    const env = { [`WOV_${name.toUpperCase()}_URL`]: url };
    const { status, output } = await project.command("wov-push-db", args, { env });
    assert.is(status, 0, output);
  }
  return project;
}

test("two archives with settings of their own are not compared", async () => {
  const project = await archived({ shop: {}, billing: { schema: { owners: true } } });
  const options = { cwd: project.root };
  const error = await thrownBy(ConfigError, diff("shop@head", "billing@head", options));
  assert.is(error.code, "SETTINGS_DIFFER");
  assert.match(error.where ?? "", '"owners":true');
  await configure(project, { shop: {}, billing: {} });
  assert.not.ok((await diff("shop@head", "billing@head", options)).differs, "both hold what counts now");
  await project.remove();
});

test("an archive that does not hold what counts now has no checksum", async () => {
  const project = await archived({ shop: {} });
  await configure(project, { shop: { schema: { owners: true } } });
  const options = { cwd: project.root };
  assert.is((await thrownBy(ConfigError, hash("shop@head", options))).code, "SETTINGS_CHANGED");
  assert.is((await thrownBy(ConfigError, diff("shop@head", "shop@1.0.0", options))).code, "SETTINGS_CHANGED");
  await project.remove();
});

test("an archived schema has another checksum when the order of its columns is not to count", async () => {
  const project = await archived({ shop: {} });
  const options = { cwd: project.root };
  const counted = await hash("shop@head", options);
  await configure(project, { shop: { schema: { columnOrder: false } } });
  const ignored = await hash("shop@head", options);
  assert.is.not(ignored.checksum, counted.checksum);
  assert.equal(
    [counted, ignored].map(({ settings }) => settings.columnOrder),
    [true, false],
  );
  await project.remove();
});

test.run();

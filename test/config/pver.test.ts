import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { determinePver } from "#src/config/pver.js";
import { failureOf, temporaryFolder } from "./support.js";

async function pver(options: { env?: string; mode?: "package.json" | "commits"; file?: string | null }) {
  const packageJson = join(temporaryFolder(), "package.json");
  const { env, mode = "package.json", file = '{"name": "shop", "version": "1.4.0"}' } = options;
  if (file !== null) await writeFile(packageJson, file);
  return determinePver({
    env: env === undefined ? {} : { WOV_PVER: env },
    mode,
    packageJson,
    commitCount: async () => 42,
  });
}

const versions = suite("PVER");

versions("comes from WOV_PVER, then from where the configuration says", async () => {
  assert.is(await pver({}), "1.4.0");
  assert.is(await pver({ env: "" }), "1.4.0");
  assert.is(await pver({ mode: "commits", file: null }), "42.0.0");
  assert.is(await pver({ env: "2.0.0-rc.1", mode: "commits" }), "2.0.0-rc.1");
  assert.is(await pver({ env: "12", file: null }), "12.0.0");
});

versions("that is no version is refused", async () => {
  for (const env of [
    "v1.0.0",
    "1.0",
    "latest",
    " 1.0.0",
    "1.0.0 ",
    "01.0.0",
    "007",
    "../1.0.0",
    "1.0.0/..",
    "99999999999999999999.0.0",
  ]) {
    const failure = await failureOf(() => pver({ env }));
    assert.is(failure.code, "BAD_PVER", env);
    assert.is(failure.exitStatus, 2);
    assert.is(failure.where, "WOV_PVER");
  }
  const inFile = await failureOf(() => pver({ file: '{"version": "one"}' }));
  assert.match(inFile.where ?? "", /package\.json$/);
});

versions("with build metadata is refused, since revisions are numbered by it", async () => {
  const failure = await failureOf(() => pver({ env: "1.4.0+2" }));
  assert.is(failure.code, "BAD_PVER");
  assert.match(failure.message, /build metadata/);
});

versions("that is nowhere is asked for", async () => {
  assert.is((await failureOf(() => pver({ file: null }))).code, "NO_PVER");
  const failure = await failureOf(() => pver({ file: '{"name": "shop"}' }));
  assert.is(failure.code, "NO_PVER");
  assert.match(failure.hint ?? "", /npm pkg set version/);
  assert.is((await failureOf(() => pver({ file: "{" }))).code, "PACKAGE_JSON");
});

versions.run();

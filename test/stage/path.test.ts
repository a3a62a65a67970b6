import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Version } from "#src/archive/versions.js";
import { decidePath, targetVersion } from "#src/commands/deploy/path.js";
import { BlockedError } from "#src/errors.js";
import type { Position } from "#src/stage/position.js";
import { failureOf } from "../config/support.js";

function version(key: string, parent: string | null): [string, Version] {
  const schema = { sha256: "0", form: 1, settings: {} };
  return [
    key,
    {
      key,
      parent: parent === null ? { type: "snapshot", snapshot: "initial" } : { type: "pver", pver: parent },
      checksum: "0",
      deltas: parent === null ? null : "0",
      schema,
      proven: null,
      id: `id ${key}`,
      archived: "2025-01-31T12:00:00.000Z",
    },
  ];
}

const VERSIONS = new Map([
  version("1.0.0", null),
  version("1.1.0", "1.0.0"),
  version("1.2.0", "1.1.0"),
  version("1.2.0+2", "1.2.0"),
]);
const FORKED = new Map([...VERSIONS, version("1.3.0", "1.1.0")]);

const at = (key: string, partial: Position["partial"] = null): Position => ({
  version: key,
  versionId: `id ${key}`,
  partial,
});
const partOf = (key: string) => ({ version: key, versionId: `id ${key}`, statements: 2 });

function path(
  target: string,
  position: Position | null,
  options: { isEmpty?: boolean; versions?: typeof VERSIONS } = {},
) {
  const versions = options.versions ?? VERSIONS;
  return decidePath({
    database: "shopdb",
    stage: "prod",
    versions,
    target: targetVersion(versions, target, "shopdb"),
    position,
    isEmpty: options.isEmpty ?? false,
  });
}

const refusal = async (work: () => unknown) => {
  const error = await failureOf(work);
  assert.instance(error, BlockedError);
  return error;
};

const deployPath = suite("path of a deploy");

deployPath("leads from the stage's version to the target, oldest first", () => {
  const { from, versions } = path("1.2.0+2", at("1.0.0"));
  assert.is(from?.key, "1.0.0");
  assert.equal(
    versions.map(({ key }) => key),
    ["1.1.0", "1.2.0", "1.2.0+2"],
  );
});

deployPath("starts at the root for an empty database", () => {
  const { from, versions } = path("1.1.0", null, { isEmpty: true });
  assert.is(from, null);
  assert.equal(
    versions.map(({ key }) => key),
    ["1.0.0", "1.1.0"],
  );
});

deployPath("is empty where the target is reached", () => {
  assert.equal(path("1.1.0", at("1.1.0")).versions, []);
});

deployPath("takes the newest revision of a PVER, and the only head unless told", () => {
  assert.is(targetVersion(VERSIONS, "1.2.0", "shopdb").key, "1.2.0");
  assert.is(targetVersion(VERSIONS, undefined, "shopdb").key, "1.2.0+2");
});

deployPath("needs a version to be named where the archive is forked", async () => {
  const error = await refusal(() => targetVersion(FORKED, undefined, "shopdb"));
  assert.is(error.code, "FORKED");
  assert.match(error.message, "1.2.0+2 and in 1.3.0");
});

deployPath("asks for a baseline where there are tables and no ledger", async () => {
  const error = await refusal(() => path("1.1.0", null));
  assert.is(error.code, "NO_BASELINE");
  assert.match(error.hint ?? "", "wov-deploy shopdb --stage prod --baseline");
});

deployPath("never leads back", async () => {
  const error = await refusal(() => path("1.1.0", at("1.2.0")));
  assert.is(error.code, "STAGE_AHEAD");
});

deployPath("says where two lines have parted", async () => {
  const error = await refusal(() => path("1.3.0", at("1.2.0"), { versions: FORKED }));
  assert.is(error.code, "OTHER_LINE");
  assert.match(error.message, "They parted after 1.1.0");
});

deployPath("does not take a version of the same number for the same", async () => {
  const other = await refusal(() => path("1.2.0", { ...at("1.1.0"), versionId: "another" }));
  assert.is(other.code, "OTHER_HISTORY");
  const unknown = await refusal(() => path("1.2.0", at("0.9.0")));
  assert.is(unknown.code, "UNKNOWN_STAGE_VERSION");
});

deployPath("goes on within the version that a deploy stopped in", async () => {
  assert.is(path("1.2.0", at("1.0.0", partOf("1.1.0"))).versions[0]?.key, "1.1.0");
  const elsewhere = await refusal(() => path("1.3.0", at("1.1.0", partOf("1.2.0")), { versions: FORKED }));
  assert.is(elsewhere.code, "STOPPED_ELSEWHERE");
  assert.match(elsewhere.hint ?? "", "--pver 1.2.0");
});

deployPath.run();

import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  ancestors,
  childrenOf,
  compareVersions,
  forks,
  heads,
  isVersionKey,
  latestOf,
  newest,
  nextKey,
  partingPoint,
  pathBetween,
  pverOf,
  revisionOf,
  roots,
  type Version,
} from "#src/archive/versions.js";

/** A tree written as `child: parent`; null makes a root. */
function tree(parents: Record<string, string | null>): Map<string, Version> {
  const entries = Object.entries(parents).map(([key, parent]): [string, Version] => [
    key,
    {
      key,
      parent: parent === null ? { type: "snapshot", snapshot: "initial" } : { type: "pver", pver: parent },
      checksum: "",
      deltas: null,
      schema: { sha256: "", form: 1, settings: {} },
      proven: null,
      id: "",
      archived: "2025-01-01T00:00:00.000Z",
    },
  ]);
  return new Map(entries);
}

const line = tree({
  "1.0.0": null,
  "1.1.0": "1.0.0",
  "1.1.0+2": "1.1.0",
  "1.1.0+10": "1.1.0+2",
  "2.0.0-rc.1": "1.1.0+10",
});
const forked = tree({
  "1.0.0": null,
  "1.1.0": "1.0.0",
  "1.2.0": "1.1.0",
  "1.3.0": "1.1.0",
  "1.4.0": "1.3.0",
});

const versions = suite("versions");

versions("are ordered by semver, revisions by their number", () => {
  const keys = ["1.10.0", "1.1.0+10", "1.9.0", "1.1.0", "1.1.0+2", "2.0.0", "2.0.0-rc.1"];
  assert.equal(keys.sort(compareVersions), [
    "1.1.0",
    "1.1.0+2",
    "1.1.0+10",
    "1.9.0",
    "1.10.0",
    "2.0.0-rc.1",
    "2.0.0",
  ]);
});

versions("have keys that are versions and nothing else", () => {
  for (const key of ["1.0.0", "1.0.0+2", "1.0.0+10", "1.0.0-rc.1", "1.0.0-rc.1+3"])
    assert.ok(isVersionKey(key), key);
  const wrong = [
    "",
    "1",
    "v1.0.0",
    " 1.0.0",
    "1.0.0+1",
    "1.0.0+0",
    "1.0.0+02",
    "1.0.0+a",
    "1.0.0+2.3",
    "01.0.0",
    "../1.0.0",
    "1.0.0/x",
  ];
  for (const key of wrong) assert.not(isVersionKey(key), key);
});

versions("fall into PVER and revision", () => {
  assert.is(pverOf("1.1.0+2"), "1.1.0");
  assert.is(revisionOf("1.1.0+2"), 2);
  assert.is(revisionOf("1.1.0"), 1);
  assert.is(latestOf(line, "1.1.0")?.key, "1.1.0+10");
  assert.is(latestOf(line, "1.2.0"), null);
  assert.is(nextKey(line, "1.1.0"), "1.1.0+11");
  assert.is(nextKey(line, "1.0.0"), "1.0.0+2");
  assert.is(nextKey(line, "1.2.0"), "1.2.0");
});

versions("have heads, roots, children and a newest", () => {
  assert.equal(heads(line), ["2.0.0-rc.1"]);
  assert.equal(roots(line), ["1.0.0"]);
  assert.equal(heads(forked), ["1.2.0", "1.4.0"]);
  assert.equal(childrenOf(forked, "1.1.0"), ["1.2.0", "1.3.0"]);
  assert.is(newest(line)?.key, "2.0.0-rc.1");
  assert.is(newest(new Map()), null);
  assert.equal(heads(new Map()), []);
});

versions("show where they fork", () => {
  assert.equal(forks(line), []);
  assert.equal(forks(forked), [{ from: "1.1.0", children: ["1.2.0", "1.3.0"] }]);
  assert.equal(forks(tree({ "1.0.0": null, "2.0.0": null })), [{ from: null, children: ["1.0.0", "2.0.0"] }]);
  assert.is(partingPoint(forked, "1.2.0", "1.4.0"), "1.1.0");
  assert.is(partingPoint(forked, "1.3.0", "1.4.0"), "1.3.0");
  assert.is(partingPoint(tree({ "1.0.0": null, "2.0.0": null }), "1.0.0", "2.0.0"), null);
});

versions("have a path from one to the other", () => {
  assert.equal(ancestors(forked, "1.4.0"), ["1.4.0", "1.3.0", "1.1.0", "1.0.0"]);
  assert.equal(pathBetween(forked, "1.0.0", "1.4.0"), ["1.1.0", "1.3.0", "1.4.0"]);
  assert.equal(pathBetween(forked, null, "1.2.0"), ["1.0.0", "1.1.0", "1.2.0"]);
  assert.equal(pathBetween(forked, "1.4.0", "1.4.0"), []);
  assert.is(pathBetween(forked, "1.2.0", "1.4.0"), null);
  assert.is(pathBetween(forked, "1.4.0", "1.0.0"), null);
  assert.is(pathBetween(forked, null, "9.0.0"), null);
});

versions("that follow each other in a circle do not hang the walk", () => {
  assert.equal(ancestors(tree({ "1.0.0": "1.1.0", "1.1.0": "1.0.0" }), "1.0.0"), ["1.0.0", "1.1.0"]);
});

versions.run();

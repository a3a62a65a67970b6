/** Which line gives way, and under which keys it comes back. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ArchivePaths } from "#src/archive/history.js";
import type { Archive } from "#src/archive/read.js";
import { forkedLines, planRebase } from "#src/archive/rebase.js";
import type { Version } from "#src/archive/versions.js";
import { BlockedError } from "#src/errors.js";

const lines = suite("lines of versions");

const PATHS: ArchivePaths = {
  database: "shopdb",
  archive: "/db",
  pendingDeltas: "/db/shopdb.deltas",
  history: "/db/shopdb.json",
  folder: "/db/shopdb",
  schemas: "/db/shopdb/schemas",
  archivedDeltas: (version) => `/db/shopdb/${version}.deltas`,
  archivedSchema: (version) => `/db/shopdb/schemas/${version}.schema`,
};

function version(key: string, parent: string | null): Version {
  return {
    key,
    parent: parent === null ? { type: "snapshot", snapshot: "initial" } : { type: "pver", pver: parent },
    checksum: "c",
    deltas: parent === null ? null : "d",
    schema: { sha256: "s", form: 1, settings: {} },
    proven: null,
    id: `id of ${key}`,
    archived: "2025-01-01T00:00:00.000Z",
  };
}

/** `{"1.1.0": "1.0.0"}`: each version and its parent, behind the root 1.0.0. */
function archiveOf(parents: Readonly<Record<string, string>>): Archive {
  const versions = Object.entries(parents).map(([key, parent]) => version(key, parent));
  return {
    paths: PATHS,
    versions: new Map([version("1.0.0", null), ...versions].map((one) => [one.key, one])),
    text: "",
    strays: [],
    verified: new Map(),
  };
}

function refused(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof BlockedError) return error.code;
    throw error;
  }
  return "nothing was refused";
}

lines("mine is the one that the database is on", () => {
  const archive = archiveOf({ "1.1.0": "1.0.0", "1.1.1": "1.1.0", "1.2.0": "1.0.0" });
  const mine = ["1.1.0", "1.1.1"];
  assert.equal(forkedLines(archive, "1.1.1", null), { parting: "1.0.0", mine, theirs: ["1.2.0"] });
  assert.equal(forkedLines(archive, "1.1.0", null), { parting: "1.0.0", mine, theirs: ["1.2.0"] });
  assert.equal(forkedLines(archive, "1.2.0", null), { parting: "1.0.0", mine: ["1.2.0"], theirs: mine });
  assert.is(
    refused(() => forkedLines(archive, "1.0.0", null)),
    "NEITHER_LINE",
  );
  assert.is(forkedLines(archiveOf({ "1.1.0": "1.0.0" }), "1.1.0", null), null);
});

lines("of several others one has to be named", () => {
  const archive = archiveOf({ "1.1.0": "1.0.0", "1.2.0": "1.0.0", "1.3.0": "1.0.0" });
  assert.is(
    refused(() => forkedLines(archive, "1.1.0", null)),
    "WHICH_LINE",
  );
  assert.is(
    refused(() => forkedLines(archive, "1.1.0", "1.0.0")),
    "WHICH_LINE",
  );
  assert.equal(forkedLines(archive, "1.1.0", "1.3.0"), {
    parting: "1.0.0",
    mine: ["1.1.0"],
    theirs: ["1.3.0"],
  });
});

lines("a line that another one comes out of cannot be taken off", () => {
  const archive = archiveOf({ "1.1.0": "1.0.0", "1.1.1": "1.1.0", "1.1.2": "1.1.0", "1.2.0": "1.0.0" });
  assert.is(
    refused(() => forkedLines(archive, "1.1.1", "1.2.0")),
    "LINE_FOLLOWED",
  );
  assert.equal(forkedLines(archive, "1.1.1", "1.1.2")?.parting, "1.1.0");
});

lines("two beginnings have nothing to be put behind", () => {
  const archive = archiveOf({ "1.1.0": "1.0.0" });
  const other = { ...archive, versions: new Map([...archive.versions, ["2.0.0", version("2.0.0", null)]]) };
  assert.is(
    refused(() => forkedLines(other, "1.1.0", null)),
    "NO_COMMON_VERSION",
  );
});

/** The keys that a line gets, by the keys that it had. */
function keysOf(parents: Readonly<Record<string, string>>, at: string): string[] {
  const archive = archiveOf(parents);
  const found = forkedLines(archive, at, null);
  const onto = archive.versions.get(found?.theirs.at(-1) ?? "");
  if (found === null || onto === undefined) throw new Error("there are two lines");
  const mine = found.mine.flatMap((key) => archive.versions.get(key) ?? []);
  const schema = { text: "", checksum: "c", form: 1, settings: {} };
  const { keys, plan } = planRebase({
    archive,
    onto,
    mine: mine.map((one) => ({ version: one, deltas: Buffer.from(one.key), schema })),
    now: new Date(0),
  });
  assert.is(plan.retired.length, 2 * mine.length);
  assert.is(plan.files.length, 2 * mine.length);
  return keys.map(({ to }) => to);
}

lines("a key is never used twice, and no version is lower than what it follows", () => {
  assert.equal(keysOf({ "1.1.0": "1.0.0", "1.2.0": "1.0.0" }, "1.1.0"), ["1.2.0+2"]);
  assert.equal(keysOf({ "1.1.0": "1.0.0", "1.2.0": "1.0.0" }, "1.2.0"), ["1.2.0+2"]);
  assert.equal(keysOf({ "1.1.0": "1.0.0", "1.1.0+2": "1.0.0" }, "1.1.0"), ["1.1.0+3"]);
  assert.equal(keysOf({ "1.1.0": "1.0.0", "1.3.0": "1.1.0", "1.2.0": "1.0.0" }, "1.3.0"), [
    "1.2.0+2",
    "1.3.0+2",
  ]);
  assert.equal(keysOf({ "1.1.0": "1.0.0", "1.1.1": "1.1.0", "2.0.0": "1.0.0" }, "1.1.1"), [
    "2.0.0+2",
    "2.0.0+3",
  ]);
});

lines.run();

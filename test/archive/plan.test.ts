import { readFile, writeFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseHistory, storedSettings, versionId } from "#src/archive/history.js";
import { type ArchivingRequest, planArchiving } from "#src/archive/plan.js";
import { readArchive } from "#src/archive/read.js";
import { BlockedError, ConfigError } from "#src/errors.js";
import { sha256 } from "#src/files.js";
import { failureOf } from "../config/support.js";
import { newProject, request, threeVersions } from "./support.js";

const planning = suite("planning an archiving");
const pending = Buffer.from("ALTER TABLE a ADD d int;\n");

async function refusal(work: ArchivingRequest) {
  const failure = await failureOf(() => planArchiving(work));
  assert.instance(failure, BlockedError);
  assert.ok(failure.hint, "a hint is there");
  return failure;
}

planning("a first version is a snapshot", async () => {
  const { paths } = await newProject();
  const archive = await readArchive(paths);
  const plan = planArchiving(request({ archive, pver: "1.0.0", snapshot: "initial" }));
  assert.is(plan.version, "1.0.0");
  assert.is(plan.parent, null);
  assert.is(plan.pending, null);
  assert.equal(
    plan.files.map(({ path }) => path),
    ["shopdb/schemas/1.0.0.schema"],
  );
  assert.is(plan.history.before, null);
  assert.is(plan.message, "archive shopdb 1.0.0");
});

planning("a plan has everything: files, history, commit, ledger", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  const plan = planArchiving(request({ archive, pver: "1.2.0", pending, databaseVersion: "1.1.0+2" }));
  const version = parseHistory(plan.history.content, paths.history).get("1.2.0");
  assert.ok(version);
  assert.is(plan.parent, "1.1.0+2");
  assert.equal(version.parent, { type: "pver", pver: "1.1.0+2" });
  assert.is(version.deltas, sha256(pending));
  assert.is(version.archived, "2025-01-31T12:00:00.000Z");
  assert.is(version.id, versionId(version, archive.versions.get("1.1.0+2")?.id ?? null));
  assert.equal(
    plan.files.map(({ path, content }) => [path, sha256(content)]),
    [
      ["shopdb/1.2.0.deltas", version.deltas],
      ["shopdb/schemas/1.2.0.schema", version.schema.sha256],
    ],
  );
  assert.equal(plan.pending, { path: "shopdb.deltas", sha256: sha256(pending) });
  assert.is(plan.history.before, sha256(await readFile(paths.history)));
  assert.equal(plan.record, {
    database: "shopdb",
    version: "1.2.0",
    id: version.id,
    checksum: version.checksum,
    deltas: sha256(pending),
  });
});

planning("a second archiving under a PVER is a revision", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  const plan = planArchiving(request({ archive, pver: "1.1.0", pending }));
  assert.is(plan.version, "1.1.0+3");
  assert.is(plan.parent, "1.1.0+2");
  assert.is(plan.message, "archive shopdb 1.1.0+3");
});

planning("settings are stored where they are not the default, and change the id", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  const plain = request({ archive, pver: "1.2.0", pending });
  const settings = {
    owners: true,
    tablespaces: false,
    columnOrder: false,
    ignoreTables: ["b", "a", "b"],
    ignoreSchemas: [],
  };
  const plan = planArchiving({ ...plain, schema: { ...plain.schema, settings } });
  const version = parseHistory(plan.history.content, paths.history).get("1.2.0");
  assert.equal(version?.schema.settings, { columnOrder: false, ignoreTables: ["a", "b"], owners: true });
  assert.is.not(version?.id, planArchiving(plain).record.id);
  assert.equal(storedSettings({ owners: false, columnOrder: true, ignoreTables: [] }), {});
});

planning("a PVER below the newest is refused, its own is not", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  for (const pver of ["1.0.9", "1.0.0", "1.1.0-rc.1"]) {
    assert.is((await refusal(request({ archive, pver, pending }))).code, "PVER_LOWER", pver);
  }
});

planning(
  "deltas before any version are refused, and a snapshot beside deltas or after versions",
  async () => {
    const empty = await readArchive((await newProject()).paths);
    assert.is((await refusal(request({ archive: empty, pver: "1.0.0", pending }))).code, "NO_ROOT");
    const both = request({ archive: empty, pver: "1.0.0", pending, snapshot: "initial" });
    assert.is((await refusal(both)).code, "SNAPSHOT_PENDING");
    const archive = await readArchive((await threeVersions()).paths);
    assert.is((await refusal(request({ archive, pver: "1.2.0", snapshot: "x" }))).code, "SNAPSHOT_EXISTS");
    const name = await failureOf(() =>
      planArchiving(request({ archive: empty, pver: "1.0.0", snapshot: "a\nb" })),
    );
    assert.instance(name, ConfigError);
  },
);

planning("a database that is elsewhere is refused, and nothing to archive too", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  const behind = await refusal(request({ archive, pver: "1.2.0", pending, databaseVersion: "1.1.0" }));
  assert.is(behind.code, "DATABASE_ELSEWHERE");
  assert.match(behind.hint ?? "", /\n {2}wov-deploy shopdb\n {2}wov-db shopdb -f .*shopdb\.deltas'?$/);
  const unknown = await refusal(request({ archive, pver: "2.0.0", pending, databaseVersion: "1.5.0" }));
  assert.match(unknown.hint ?? "", /git log --all/);
  assert.is((await refusal(request({ archive, pver: "1.2.0" }))).code, "NOTHING_PENDING");
});

planning("a forked archive takes no further version", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  const head = archive.versions.get("1.1.0+2");
  assert.ok(head);
  const sibling = { ...head, key: "1.1.1" };
  const versions = new Map([...archive.versions, ["1.1.1", sibling] as const]);
  const failure = await refusal(request({ archive: { ...archive, versions }, pver: "1.2.0", pending }));
  assert.is(failure.code, "ARCHIVE_FORKED");
  assert.match(failure.message, /1\.1\.0\+2 and 1\.1\.1 part after 1\.1\.0/);
});

planning("touches nothing", async () => {
  const { paths } = await threeVersions();
  await writeFile(paths.pendingDeltas, pending);
  const before = await readFile(paths.history);
  planArchiving(request({ archive: await readArchive(paths), pver: "1.2.0", pending }));
  assert.ok(before.equals(await readFile(paths.history)));
  assert.equal((await readArchive(paths)).strays, []);
});

planning.run();

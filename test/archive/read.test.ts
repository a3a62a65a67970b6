import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatHistory, parseHistory, versionId } from "#src/archive/history.js";
import { readArchive, readDeltas, readSchema } from "#src/archive/read.js";
import { heads, type Version } from "#src/archive/versions.js";
import { ArchiveError } from "#src/errors.js";
import { sha256 } from "#src/files.js";
import { failureOf } from "../config/support.js";
import { newProject, threeVersions } from "./support.js";

const reading = suite("reading an archive");

reading("an archive that is not there is empty", async () => {
  const { paths } = await newProject();
  const archive = await readArchive(paths);
  assert.is(archive.versions.size, 0);
  assert.is(archive.text, null);
  assert.equal(archive.strays, []);
});

reading("gives the versions, their deltas and their schemas", async () => {
  const { paths } = await threeVersions();
  const archive = await readArchive(paths);
  assert.equal([...archive.versions.keys()], ["1.0.0", "1.1.0", "1.1.0+2"]);
  assert.is((await readDeltas(archive, "1.1.0+2"))?.toString(), "ALTER TABLE a ADD c int;\r\n");
  assert.is(await readDeltas(archive, "1.0.0"), null);
  assert.match(await readSchema(archive, "1.1.0"), /^CREATE TABLE t_/);
  assert.equal(archive.strays, []);
  assert.is((await failureOf(() => readSchema(archive, "9.0.0"))).code, "UNKNOWN_VERSION");
});

reading("writes the same bytes for what it read, sorted, with one line feed at the end", async () => {
  const { paths } = await threeVersions();
  const text = await readFile(paths.history, "utf8");
  assert.is(formatHistory(parseHistory(text, paths.history)), text);
  assert.match(text, /[^\n]\n$/);
  const keys = [...text.matchAll(/^ {6}"(\w+)":/gm)].map(([, key]) => key).slice(0, 5);
  assert.equal(keys, ["archived", "checksum", "id", "parent", "proven"]);
});

reading("takes entries from before there were proofs, and writes and chains them as they were", async () => {
  const { paths } = await threeVersions();
  const versions = new Map<string, Version>();
  let parentId: string | null = null;
  for (const version of parseHistory(await readFile(paths.history, "utf8"), paths.history).values()) {
    const older = { ...version, proven: null };
    parentId = versionId(older, parentId);
    assert.is.not(parentId, version.id);
    versions.set(version.key, { ...older, id: parentId });
  }
  const text = formatHistory(versions);
  assert.not.match(text, "proven");
  await writeFile(paths.history, text);
  const archive = await readArchive(paths);
  assert.equal(
    [...archive.versions.values()].map(({ proven }) => proven),
    [null, null, null],
  );
  assert.is(formatHistory(archive.versions), text);
});

reading("takes the versions in any order and orders them by semver", async () => {
  const { paths } = await threeVersions();
  const content = JSON.parse(await readFile(paths.history, "utf8"));
  const shuffled = { ...content, versions: Object.fromEntries(Object.entries(content.versions).reverse()) };
  await writeFile(paths.history, JSON.stringify(shuffled));
  assert.equal([...(await readArchive(paths)).versions.keys()], ["1.0.0", "1.1.0", "1.1.0+2"]);
});

reading("two children of one version are a fork, not damage", async () => {
  const { paths } = await threeVersions();
  const versions = parseHistory(await readFile(paths.history, "utf8"), paths.history);
  const parent = versions.get("1.1.0");
  const other = versions.get("1.1.0+2");
  assert.ok(parent && other);
  const sibling = { ...other, key: "1.2.0" };
  versions.set("1.2.0", { ...sibling, id: versionId(sibling, parent.id) });
  await writeFile(paths.history, formatHistory(versions));
  await writeFile(paths.archivedDeltas("1.2.0"), await readFile(paths.archivedDeltas("1.1.0+2")));
  await writeFile(paths.archivedSchema("1.2.0"), await readFile(paths.archivedSchema("1.1.0+2")));
  assert.equal(heads((await readArchive(paths)).versions), ["1.1.0+2", "1.2.0"]);
});

reading("names files that belong to no version, and no others", async () => {
  const { paths } = await threeVersions();
  await mkdir(paths.objects);
  await writeFile(join(paths.objects, "a.sql"), "");
  await writeFile(join(paths.folder, ".gitkeep"), "");
  await writeFile(join(paths.folder, "1.2.0.deltas"), "");
  await writeFile(join(paths.schemas, "old.schema"), "");
  const { strays } = await readArchive(paths);
  assert.equal(strays, [join(paths.folder, "1.2.0.deltas"), join(paths.schemas, "old.schema")]);
});

reading.run();

const damage = suite("a damaged archive");

/** Reads an archive after its history was changed as a value, ids left as they are. */
async function afterEdit(edit: (content: Content) => void) {
  const { paths } = await threeVersions();
  const content: Content = JSON.parse(await readFile(paths.history, "utf8"));
  edit(content);
  await writeFile(paths.history, JSON.stringify(content, null, 2));
  const failure = await failureOf(() => readArchive(paths, { verify: "heads" }));
  assert.instance(failure, ArchiveError);
  assert.is(failure.exitStatus, 4);
  assert.ok(failure.where?.startsWith(paths.history), failure.where);
  assert.ok(failure.hint, "a hint is there");
  return failure;
}
interface Content {
  wovtoolsversion: string;
  versions: Record<string, Record<string, unknown>>;
}
function edited(content: Content, key: string, values: Record<string, unknown>) {
  content.versions[key] = { ...content.versions[key], ...values };
}

damage("is refused for broken JSON, with line and column", async () => {
  const { paths } = await threeVersions();
  await writeFile(paths.history, '{\n  "wovtoolsversion": "1",\n  "versions": {,}\n}\n');
  const failure = await failureOf(() => readArchive(paths));
  assert.is(failure.code, "HISTORY_JSON");
  assert.is(failure.exitStatus, 4);
  assert.is(failure.where, `${paths.history}:3:16`);
});

damage("is refused for a version that is there twice, as a careless merge leaves it", async () => {
  const { paths } = await threeVersions();
  const text = await readFile(paths.history, "utf8");
  await writeFile(paths.history, text.replace('"1.1.0+2": {', '"1.1.0": {'));
  const failure = await failureOf(() => readArchive(paths));
  assert.is(failure.code, "HISTORY_JSON");
  assert.match(failure.message, /"1\.1\.0" is there twice/);
});

damage("is refused for git's conflict markers, which are named as such", async () => {
  const { paths } = await threeVersions();
  const text = await readFile(paths.history, "utf8");
  const lines = text.split("\n");
  lines.splice(3, 0, "<<<<<<< HEAD");
  await writeFile(paths.history, lines.join("\n"));
  const failure = await failureOf(() => readArchive(paths));
  assert.is(failure.code, "HISTORY_CONFLICT");
  assert.is(failure.where, `${paths.history}:4:1`);
  assert.match(failure.hint ?? "", /wov-db shopdb --rebase/);
});

damage("is refused for unknown keys, wrong hashes, bad keys and a later format", async () => {
  const unknown = await afterEdit((content) => edited(content, "1.1.0", { chcksum: "x" }));
  assert.is(unknown.code, "HISTORY_INVALID");
  assert.match(unknown.message, /unknown key "chcksum"; did you mean "checksum"\?/);
  const hash = await afterEdit((content) => edited(content, "1.1.0", { checksum: "abc" }));
  assert.match(hash.message, /versions\.1\.1\.0\.checksum: must be a SHA-256/);
  const key = await afterEdit((content) => {
    content.versions["../../x"] = content.versions["1.1.0"] ?? {};
  });
  assert.is(key.code, "HISTORY_INVALID");
  const later = await afterEdit((content) => {
    content.wovtoolsversion = "2";
  });
  assert.match(later.message, /later wovtools/);
});

damage("is refused for a parent that is missing, a circle, and deltas of a root", async () => {
  const missing = await afterEdit((content) =>
    edited(content, "1.1.0", { parent: { type: "pver", pver: "0.9.0" } }),
  );
  assert.is(missing.code, "UNKNOWN_PARENT");
  const circle = await afterEdit((content) =>
    edited(content, "1.1.0", { parent: { type: "pver", pver: "1.1.0+2" } }),
  );
  assert.is(circle.code, "PARENT_CYCLE");
  assert.match(circle.message, /1\.1\.0 → 1\.1\.0\+2 → 1\.1\.0/);
  const own = await afterEdit((content) =>
    edited(content, "1.1.0", { parent: { type: "pver", pver: "1.1.0" } }),
  );
  assert.is(own.code, "PARENT_CYCLE");
  const root = await afterEdit((content) => edited(content, "1.0.0", { deltas: { sha256: sha256("") } }));
  assert.is(root.code, "ROOT_DELTAS");
});

damage("shows by the ids whichever field of whichever version was altered", async () => {
  const other = sha256("other");
  const edits: Record<string, unknown>[] = [
    { checksum: other },
    { deltas: { sha256: other } },
    { id: other },
    { proven: false },
    { schema: { form: 1, sha256: other } },
    { parent: { type: "snapshot", snapshot: "x" } },
  ];
  for (const values of edits) {
    const failure = await afterEdit((content) => {
      edited(content, "1.1.0", values);
      if ("parent" in values) delete content.versions["1.1.0"]?.deltas;
    });
    assert.is(failure.code, "ID_MISMATCH", JSON.stringify(values));
  }
  const form = await afterEdit((content) => {
    const schema = content.versions["1.1.0"]?.schema;
    edited(content, "1.1.0", { schema: { ...(schema instanceof Object && schema), form: 2 } });
  });
  assert.is(form.code, "ID_MISMATCH");
});

damage("shows in the next version when an entry was altered along with its own id", async () => {
  const failure = await afterEdit((content) => {
    const versions = parseHistory(JSON.stringify(content), "history");
    const [root, version] = [versions.get("1.0.0"), versions.get("1.1.0")];
    assert.ok(root && version);
    const forged = { ...version, checksum: sha256("forged") };
    edited(content, "1.1.0", { checksum: forged.checksum, id: versionId(forged, root.id) });
  });
  assert.is(failure.code, "ID_MISMATCH");
  assert.match(failure.where ?? "", /version 1\.1\.0\+2$/);
});

damage("is refused for a file that is missing, whatever is verified", async () => {
  for (const verify of ["heads", "all"] as const) {
    for (const file of ["archivedDeltas", "archivedSchema"] as const) {
      const { paths } = await threeVersions();
      await rm(paths[file]("1.1.0"));
      const failure = await failureOf(() => readArchive(paths, { verify }));
      assert.is(failure.code, "ARCHIVED_FILE_MISSING");
      assert.is(failure.where, paths[file]("1.1.0"));
      assert.match(failure.hint ?? "", /git checkout -- '.*größe .*1\.1\.0/);
    }
  }
});

damage(
  "is refused for a file with one other byte: in a head always, elsewhere when all is verified or it is read",
  async () => {
    const { paths } = await threeVersions();
    await writeFile(paths.archivedDeltas("1.1.0"), "ALTER TABLE a ADD B int;\n");
    assert.is((await failureOf(() => readArchive(paths))).code, "ARCHIVED_FILE_ALTERED");
    const archive = await readArchive(paths, { verify: "heads" });
    assert.is((await failureOf(() => readDeltas(archive, "1.1.0"))).code, "ARCHIVED_FILE_ALTERED");
    await writeFile(paths.archivedSchema("1.1.0+2"), "");
    const failure = await failureOf(() => readArchive(paths, { verify: "heads" }));
    assert.is(failure.code, "ARCHIVED_FILE_ALTERED");
    assert.is(failure.where, paths.archivedSchema("1.1.0+2"));
  },
);

damage("by converted line ends is told from other damage", async () => {
  const { paths } = await threeVersions();
  const file = paths.archivedDeltas("1.1.0");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll("\n", "\r\n"));
  const failure = await failureOf(() => readArchive(paths));
  assert.is(failure.code, "ARCHIVED_FILE_ALTERED");
  assert.match(failure.message, /line ends/);
  assert.match(failure.hint ?? "", /-text/);
});

damage("is refused for a history that is a folder, no UTF-8, or begins with a byte-order mark", async () => {
  const { paths } = await threeVersions();
  await writeFile(paths.history, Buffer.from([0x7b, 0xff, 0x7d]));
  assert.is((await failureOf(() => readArchive(paths))).code, "FILE_NOT_UTF8");
  await writeFile(paths.history, "\uFEFF{}");
  assert.match((await failureOf(() => readArchive(paths))).message, /byte-order mark/);
  await rm(paths.history);
  await mkdir(paths.history);
  const failure = await failureOf(() => readArchive(paths));
  assert.is(failure.code, "FILE_UNREADABLE");
  assert.is(failure.exitStatus, 4);
});

damage.run();

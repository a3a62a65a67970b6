/** Archives of long paths, made as `wov-push-db` makes them, without git. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatHistory, versionId } from "#src/archive/history.js";
import type { Parent, Version } from "#src/archive/versions.js";
import { readLiveSchema } from "#src/commands/live-schema.js";
import { loadProject, type ProjectDatabase, projectDatabase } from "#src/config/project.js";
import { sha256 } from "#src/files.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { temporaryFolder } from "../config/support.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";

/** A version with the schema that it leads to. */
export interface SchemaVersion {
  readonly key: string;
  /** null for the first one. */
  readonly deltas: string | null;
  readonly schema: { readonly text: string; readonly checksum: string; readonly form: number };
}

/** A version before its schema is known. */
export interface NewVersion {
  readonly key: string;
  readonly statements: readonly string[];
  /** The text as it is archived, where that is more than the statements. */
  readonly deltas?: string;
  /** Set where nobody will stop at this version: it is archived with the schema of the one before. */
  readonly passedBy?: boolean;
}

export interface LongArchive {
  readonly root: string;
  readonly versions: readonly SchemaVersion[];
  /** Where the versions were developed; at the last one. */
  readonly dev: TestDatabase;
}

/** The text of deltas. */
export function deltasOf(statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join("");
}

/**
 * Develops versions one after another on a database of their own, and archives each with the schema that it has
 * then.
 *
 * @param rootSql what the first version, 0.0.0, is made of
 * @param onVersion told of each version that is archived
 * @param server where to develop; the run's own unless given
 */
export async function developArchive(
  rootSql: string,
  path: Iterable<NewVersion>,
  onVersion: (key: string) => void = () => undefined,
  server?: ConnectionSettings,
): Promise<LongArchive> {
  const dev = await freshDatabase(rootSql, server);
  const { root, database } = await emptyProject();
  const schemaNow = async () => {
    const live = await readLiveSchema(dev.connection, database);
    const { checksum, form } = await live.canonical();
    return { text: live.text, checksum, form };
  };
  const versions: SchemaVersion[] = [{ key: "0.0.0", deltas: null, schema: await schemaNow() }];
  for (const { key, statements, deltas = deltasOf(statements), passedBy = false } of path) {
    await onOneConnection(dev, statements);
    const before = versions.at(-1)?.schema;
    versions.push({ key, deltas, schema: passedBy && before ? before : await schemaNow() });
    onVersion(key);
  }
  await writeArchive(database, versions);
  return { root, versions, dev };
}

/** Runs statements one by one; temporary tables and settings of the session last to the end. */
export async function onOneConnection(
  { connection }: Pick<TestDatabase, "connection">,
  statements: readonly string[],
): Promise<void> {
  await withClient(connection, async (client) => {
    for (const sql of statements) await client.query(sql);
  });
}

/** A project in a folder of its own with an archive of versions whose schemas are known. */
export async function archiveOf(versions: readonly SchemaVersion[]): Promise<{ readonly root: string }> {
  const { root, database } = await emptyProject();
  await writeArchive(database, versions);
  return { root };
}

async function emptyProject(): Promise<{ root: string; database: ProjectDatabase }> {
  const root = temporaryFolder();
  await mkdir(join(root, "wovtools", "db", "shopdb", "schemas"), { recursive: true });
  await writeFile(join(root, "wovtools", "config.json"), '{"databases": {"shopdb": {}}}');
  return { root, database: projectDatabase(await loadProject(root), "shopdb") };
}

async function writeArchive({ paths }: ProjectDatabase, versions: readonly SchemaVersion[]): Promise<void> {
  const history = new Map<string, Version>();
  let parent: Parent = { type: "snapshot", snapshot: "initial" };
  let parentId: string | null = null;
  for (const { key, deltas, schema } of versions) {
    const { text, checksum, form } = schema;
    const unchained = {
      key,
      parent,
      checksum,
      deltas: deltas === null ? null : sha256(deltas),
      schema: { sha256: sha256(text), form, settings: {} },
      proven: null,
    };
    const id = versionId(unchained, parentId);
    history.set(key, { ...unchained, id, archived: "2025-01-31T12:00:00.000Z" });
    [parent, parentId] = [{ type: "pver", pver: key }, id];
    await writeFile(paths.archivedSchema(key), text);
    if (deltas !== null) await writeFile(paths.archivedDeltas(key), deltas);
  }
  await writeFile(paths.history, formatHistory(history));
}

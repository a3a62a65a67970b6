/**
 * Reading a live schema that is mostly the one that was read before: a hook runs at every push, and at most of them
 * nothing has changed.
 */
import type { ProjectDatabase } from "../config/project.js";
import { ConfigError } from "../errors.js";
import { readText, sha256, writeAtomic } from "../files.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import { readLiveSchema, type SchemaText, schemaText } from "./live-schema.js";

/**
 * Reads the schema that a database has now, as `readLiveSchema` does. Where the server's catalogs are as they were
 * when it was read last, nothing is dumped: the schema comes from the file.
 *
 * @param file where the last schema is kept with the digest of the catalogs it was read from; best in git's own
 *   folder. Losing it costs nothing but time.
 */
export async function readRememberedSchema(
  connection: ConnectionSettings,
  database: Pick<ProjectDatabase, "pgDump" | "schema">,
  file: string,
): Promise<SchemaText> {
  // Another program may be another version tomorrow, which the catalogs do not tell.
  if (database.pgDump !== "bundled") return readLiveSchema(connection, database);
  const [{ withClient }, { catalogDigest }] = await Promise.all([
    import("../postgres/connection.js"),
    import("../postgres/catalog-digest.js"),
  ]);
  const kept = await readKept(file);
  // Another thread loads pg_dump while the server looks through its catalogs.
  if (kept === null) await startAhead();
  return withClient(connection, async (client) => {
    const key = async () => sha256(`${await catalogDigest(client)} ${JSON.stringify(database.schema)}`);
    const before = await key();
    if (kept !== null && kept.key === before) return schemaText(kept.text, database.schema);
    const schema = await readLiveSchema(connection, database);
    // What changes while it is read belongs to neither digest.
    if ((await key()) === before) await keep(file, before, schema);
    return schema;
  });
}

async function startAhead(): Promise<void> {
  const { startDumpWorkerAhead } = await import("../postgres/bundled-dump.js");
  startDumpWorkerAhead();
}

interface Kept {
  readonly key: string;
  readonly text: string;
}

/** null where there is none, or a part of one: a checksum stands in its first line. */
async function readKept(file: string): Promise<Kept | null> {
  const content = await readText(file, ConfigError);
  const [, key, sum] = /^-- ([0-9a-f]{64}) ([0-9a-f]{64})\n/.exec(content ?? "") ?? [];
  if (content === null || key === undefined) return null;
  const text = content.slice(content.indexOf("\n") + 1);
  return sha256(text) === sum ? { key, text } : null;
}

async function keep(file: string, key: string, { text, sha256: sum }: SchemaText): Promise<void> {
  try {
    await writeAtomic(file, `-- ${key} ${sum}\n${text}`, { mode: 0o600 });
  } catch (error) {
    // Where nothing may be written nothing is remembered, and a run beside this one may have moved its file first.
    const harmless = ["EACCES", "EPERM", "EROFS", "ENOENT"];
    if (!(error instanceof Error && "code" in error && harmless.includes(String(error.code)))) throw error;
  }
}

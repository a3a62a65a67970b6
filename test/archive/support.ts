/** An archive in a temporary folder, built with the same plan and the same steps as the commands use. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { applyArchiving } from "#src/archive/apply.js";
import { type ArchivingPlan, type ArchivingRequest, planArchiving } from "#src/archive/plan.js";
import { readArchive } from "#src/archive/read.js";
import { type DatabasePaths, databasePaths, loadProject } from "#src/config/project.js";
import { sha256 } from "#src/files.js";
import { temporaryFolder } from "../config/support.js";

/** A project with the database shopdb. */
export async function newProject(root?: string): Promise<{ root: string; paths: DatabasePaths }> {
  const folder = root ?? temporaryFolder();
  await mkdir(join(folder, "wovtools", "db"), { recursive: true });
  await writeFile(join(folder, "wovtools", "config.json"), '{"databases": {"shopdb": {}}}');
  return { root: folder, paths: databasePaths(await loadProject(folder), "shopdb") };
}

/** A request with everything in it but the archive. */
export function request(
  options: Partial<ArchivingRequest> & Pick<ArchivingRequest, "archive" | "pver">,
): ArchivingRequest {
  const text = `CREATE TABLE t_${sha256(options.pver).slice(0, 8)} ();\n`;
  return {
    pending: null,
    schema: { text, checksum: sha256(`canonical ${text}`), form: 1, settings: {} },
    proven: true,
    databaseVersion: null,
    bringing: "  wov-deploy shopdb",
    snapshot: null,
    now: new Date("2025-01-31T12:00:00Z"),
    ...options,
  };
}

/** Archives a version for real, with no git and no ledger. Without deltas it is the snapshot that starts the history. */
export async function addVersion(
  paths: DatabasePaths,
  pver: string,
  deltas: string | null,
): Promise<ArchivingPlan> {
  const pending = deltas === null ? null : Buffer.from(deltas);
  if (pending !== null) await writeFile(paths.pendingDeltas, pending);
  const archive = await readArchive(paths);
  const plan = planArchiving(
    request({ archive, pver, pending, snapshot: pending === null ? "initial" : null }),
  );
  const place = { archive: paths.archive, journal: join(paths.archive, "..", "journal.json") };
  await applyArchiving(plan, place, { commit: async () => null, record: async () => undefined });
  return plan;
}

/** A project whose archive has the versions 1.0.0, 1.1.0 and 1.1.0+2. */
export async function threeVersions(): Promise<{ root: string; paths: DatabasePaths }> {
  const project = await newProject();
  await addVersion(project.paths, "1.0.0", null);
  await addVersion(project.paths, "1.1.0", "ALTER TABLE a ADD b int;\n");
  await addVersion(project.paths, "1.1.0", "ALTER TABLE a ADD c int;\r\n");
  return project;
}

/** An archive in a temporary folder, built with the same plan and the same steps as the commands use. */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyArchiving } from "#src/archive/apply.js";
import { type ArchivingPlan, type ArchivingRequest, planArchiving } from "#src/archive/plan.js";
import { readArchive } from "#src/archive/read.js";
import { type DatabasePaths, databasePaths, loadProject } from "#src/config/project.js";
import { WovError } from "#src/errors.js";
import { sha256 } from "#src/files.js";

/** The error of this package that a call ends with; any other error, or none, fails the test. */
export async function failureOf(work: () => unknown): Promise<WovError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof WovError) return error;
    throw error;
  }
  throw new Error("the call was expected to fail and did not");
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes away with the process; its name has what a path may have. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wov größe "));
  folders.push(folder);
  return folder;
}

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
    databaseVersion: null,
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

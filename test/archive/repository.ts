/** A project in a real repository with a remote, and the archiving of its pending deltas. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import {
  type ArchivingEffects,
  type ArchivingPlace,
  type ArchivingResult,
  type ArchivingStep,
  applyArchiving,
  resumeArchiving,
} from "#src/archive/apply.js";
import { planArchiving } from "#src/archive/plan.js";
import { readArchive } from "#src/archive/read.js";
import { type DatabasePaths, databasePaths, loadProject } from "#src/config/project.js";
import { isMissing } from "#src/files.js";
import { commitPaths } from "#src/git/commit.js";
import { openRepository } from "#src/git/repository.js";
import { temporaryFolder } from "../config/support.js";
import { addVersion, newProject, request } from "./support.js";

export const PENDING = "ALTER TABLE a ADD d int;\n";

export interface TestRepository {
  readonly root: string;
  readonly paths: DatabasePaths;
  readonly journal: string;
  /** Stands in for the ledger's server: a file with a line for each version. */
  readonly ledger: string;
}

export function runGit(root: string, ...args: string[]): string {
  return execFileSync("git", ["-C", root, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export async function describeRepository(root: string): Promise<TestRepository> {
  const paths = databasePaths(await loadProject(root), "shopdb");
  const folder = join(root, ".git", "wovtools");
  return { root, paths, journal: join(folder, "archiving-shopdb.json"), ledger: join(folder, "ledger") };
}

/** A repository with the version 1.0.0 archived and pushed, and pending deltas, committed or not. */
export async function newRepository({ tracked }: { tracked: boolean }): Promise<TestRepository> {
  const top = temporaryFolder();
  const root = join(top, "work");
  execFileSync("git", ["init", "--quiet", "--bare", join(top, "origin.git")]);
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", root]);
  runGit(root, "config", "user.name", "Test");
  runGit(root, "config", "user.email", "test@example.com");
  runGit(root, "config", "core.autocrlf", "false");
  const { paths } = await newProject(root);
  await addVersion(paths, "1.0.0", null);
  if (tracked) await writeFile(paths.pendingDeltas, PENDING);
  runGit(root, "add", "--all");
  runGit(root, "commit", "--quiet", "-m", "first");
  runGit(root, "remote", "add", "origin", join(top, "origin.git"));
  runGit(root, "push", "--quiet", "--set-upstream", "origin", "main");
  if (!tracked) await writeFile(paths.pendingDeltas, PENDING);
  return describeRepository(root);
}

export function placeOf(
  repository: TestRepository,
  onStep: (step: ArchivingStep) => void | Promise<void> = () => undefined,
): ArchivingPlace {
  return { archive: repository.paths.archive, journal: repository.journal, onStep };
}

export function effectsOf({ root, ledger }: TestRepository): ArchivingEffects {
  const inRepository = (paths: readonly string[]) =>
    paths.map((path) => relative(root, path).split(sep).join("/"));
  return {
    async commit(paths, removed, message) {
      const repository = await openRepository(root);
      const wanted = { write: inRepository(paths), remove: inRepository(removed), message };
      const result = await commitPaths(repository, wanted);
      return result.committed ? result.commit : null;
    },
    async record(record) {
      const line = `${record.version} ${record.id}\n`;
      const present = ledgerOf(ledger);
      if (!present.includes(line)) await writeFile(ledger, present + line);
    },
    async push() {
      runGit(root, "push", "--quiet", "origin", "main");
    },
  };
}

export function ledgerOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

/** What `wov-push-db` does: finishes what was begun, then archives what is pending. */
export async function archivePending(
  repository: TestRepository,
  onStep?: (step: ArchivingStep) => void | Promise<void>,
): Promise<ArchivingResult | null> {
  const place = placeOf(repository, onStep);
  const effects = effectsOf(repository);
  const resumed = await resumeArchiving(place, effects);
  if (resumed?.outcome === "archived") return resumed;
  const archive = await readArchive(repository.paths);
  let pending: Buffer;
  try {
    pending = await readFile(repository.paths.pendingDeltas);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const plan = planArchiving(request({ archive, pver: "1.1.0", pending }));
  return applyArchiving(plan, place, effects);
}

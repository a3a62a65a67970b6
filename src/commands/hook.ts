import { resolve } from "node:path";
import { parseHistory, quotePath } from "../archive/history.js";
import { readArchive } from "../archive/read.js";
import { newest, pathBetween } from "../archive/versions.js";
import { findProject, loadProject, type Project, type ProjectDatabase } from "../config/project.js";
import { WovError } from "../errors.js";
import { isInside, sha256 } from "../files.js";
import { GitFailure } from "../git/git.js";
import { parsePushedRefs, pushesHead } from "../git/pre-push.js";
import { ARCHIVE_PUSH_VARIABLE } from "../git/push.js";
import { openRepository, type Repository } from "../git/repository.js";
import { stagedContent, stagedPaths } from "../git/staged.js";
import { checkSession } from "./check.js";
import { readLedgerVersion } from "./database-state.js";
import { bringingToNewest } from "./lagging.js";
import { pathIn } from "./repositories.js";
import type { CheckResult, HookResult } from "./results.js";
import { type CommandOptions, type Session, sessionIn } from "./session.js";

export const HOOK_NAMES = ["pre-push", "pre-commit", "post-merge", "post-checkout"] as const;
export type HookName = (typeof HOOK_NAMES)[number];

export interface HookOptions extends CommandOptions {
  /** What git gave the hook as arguments. */
  readonly args?: readonly string[] | undefined;
  /** What git gave the hook on its standard input. */
  readonly stdin?: string | undefined;
}

/**
 * What a git hook does.
 *
 * - `pre-push`: where HEAD is pushed, checks every database and blocks as `check` does
 * - `pre-commit`: refuses staged secrets, staged deltas that cannot be applied, and archived ones that were altered
 * - `post-merge`, `post-checkout`: tell where the archive is ahead of the local database
 *
 * Where there is no project, everything passes. `blocked` says whether git is to be stopped.
 */
export async function hook(name: HookName, options: HookOptions = {}): Promise<HookResult> {
  const result: HookResult = { hook: name, blocked: false, check: null, problems: [], notes: [] };
  // A file of its own that is checked out is no other version.
  if (name === "post-checkout" && options.args?.[2] === "0") return result;
  const cwd = options.cwd ?? process.cwd();
  const root = await findProject(cwd);
  // A branch from before the project had one, say.
  if (root === null) return result;
  const [repository, project] = await Promise.all([openRepository(root), loadProject(root)]);
  const session = sessionIn(project, options);
  if (name === "pre-push") {
    if (session.env[ARCHIVE_PUSH_VARIABLE]) return result;
    if (await pushesHead(repository, parsePushedRefs(options.stdin ?? "")))
      await prePush(session, repository, result);
  } else if (name === "pre-commit") {
    await preCommit(repository, session.project, result);
  } else {
    await tellWhatIsAhead(session, result);
  }
  result.blocked = result.problems.length > 0 || result.check?.blocked === true;
  return result;
}

async function prePush(session: Session, repository: Repository, result: HookResult): Promise<void> {
  const { hook: policy } = session.project;
  const check = await checkSession(
    session,
    { verify: "heads" },
    {
      uncommittedBlocks: policy.uncommitted === "block",
      mayLackSecrets: policy.unreachable === "warn",
    },
    repository,
  );
  if (check.uncommitted.length > 0 && policy.uncommitted === "report") {
    result.notes.push(
      `The repository has uncommitted changes, which this push leaves out: ${check.uncommitted.length === 1 ? check.uncommitted[0] : `${check.uncommitted.length} files`}.`,
    );
  }
  result.check = policy.unreachable === "warn" ? withoutUnreachable(check, result.notes) : check;
}

/** Where the configuration says so, a database that cannot be reached is told and does not block. */
function withoutUnreachable(check: CheckResult, notes: string[]): CheckResult {
  const databases = check.databases.map((database) => {
    const [gone, blockers] = [
      database.blockers.filter(({ state }) => state === "unreachable"),
      database.blockers.filter(({ state }) => state !== "unreachable"),
    ];
    notes.push(...gone.map(({ message }) => message));
    return { ...database, blockers };
  });
  return { ...check, databases, blocked: databases.some(({ blockers }) => blockers.length > 0) };
}

async function preCommit(repository: Repository, project: Project, result: HookResult): Promise<void> {
  const { checkDeltas } = await import("../deltas/check.js");
  const databases = [...project.databases.values()];
  for (const path of await stagedPaths(repository)) {
    const file = resolve(repository.root, path);
    if (isInside(project.secretsFolder, file)) {
      result.problems.push({
        where: path,
        message: "This file holds secrets and must not be committed.",
        hint: `Take it out of the commit:\n  git rm --cached -- ${quotePath(path)}`,
      });
    } else if (path.endsWith(".deltas") && databases.some((database) => isDeltasOf(database, file))) {
      const altered = await alteredArchive(repository, databases, path);
      if (altered !== null) result.problems.push(altered);
      const report = await checkDeltas(await stagedContent(repository, path), path);
      result.problems.push(
        ...report.problems.map(({ line, column, message, hint }) => ({
          where: `${path}:${line}:${column}`,
          message,
          hint,
        })),
      );
    }
  }
}

/** Archived deltas that the commit would have otherwise than the history that it has beside them. */
async function alteredArchive(
  repository: Repository,
  databases: readonly ProjectDatabase[],
  path: string,
): Promise<HookResult["problems"][number] | null> {
  const file = resolve(repository.root, path);
  const paths = databases.map((database) => database.paths).find(({ folder }) => isInside(folder, file));
  if (paths === undefined) return null;
  const history = await stagedIfThere(repository, pathIn(repository, paths.history));
  const versions = history === null ? [] : parseHistory(history.toString("utf8"), paths.history).values();
  const version = [...versions].find(({ key }) => paths.archivedDeltas(key) === file);
  if (version === undefined || version.deltas === sha256(await stagedContent(repository, path))) return null;
  return {
    where: path,
    message: `These are the archived deltas of ${version.key}, and not as they were archived.`,
    hint: `Take them back, and archive what is missing as a revision:\n  git restore --staged --worktree -- ${quotePath(path)}\n  wov-push-db ${paths.database}`,
  };
}

async function stagedIfThere(repository: Repository, path: string): Promise<Buffer | null> {
  try {
    return await stagedContent(repository, path);
  } catch (error) {
    if (error instanceof GitFailure) return null;
    throw error;
  }
}

function isDeltasOf({ paths }: ProjectDatabase, file: string): boolean {
  return file === paths.pendingDeltas || isInside(paths.folder, file);
}

async function tellWhatIsAhead(session: Session, result: HookResult): Promise<void> {
  for (const database of session.project.databases.values()) {
    try {
      const archive = await readArchive(database.paths, { verify: "heads" });
      const { versions } = archive;
      const last = newest(versions);
      const at = last === null ? null : await readLedgerVersion(session, database);
      if (last === null || at === null) continue;
      const lacking = pathBetween(versions, at.version, last.key) ?? [];
      if (lacking.length === 0) continue;
      const commands = await bringingToNewest({ database, archive }, { ledger: at }, at.version, session);
      result.notes.push(
        `The archive of ${database.name} is ahead: the database on ${session.stage} is at ${at.version}, the archive has ${lacking.join(", ")}. Bring it there:\n${commands}`,
      );
    } catch (error) {
      // The merge or checkout is done whatever is found here.
      if (!(error instanceof WovError)) throw error;
      result.notes.push(`${database.name} could not be looked at: ${error.message}`);
    }
  }
}

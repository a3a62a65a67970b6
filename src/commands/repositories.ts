import { basename, join, relative, sep } from "node:path";
import type { ArchivingPlace } from "../archive/apply.js";
import { quotePath } from "../archive/history.js";
import type { Project, ProjectDatabase } from "../config/project.js";
import { ConfigError } from "../errors.js";
import { isFolder, isInside } from "../files.js";
import { isRepositoryOf, openRepository, type Repository } from "../git/repository.js";
import { type Change, splitChanges, uncommittedChanges } from "../git/status.js";
import { repositoryOf, type Session } from "./session.js";

/** The project's repository, and the archive's, which may be another. */
export interface Repositories {
  readonly project: Repository;
  readonly archive: Repository;
  /** Whether the archive lies in a repository of its own. */
  readonly separate: boolean;
}

/** What is not committed, by what it concerns. */
export interface Uncommitted {
  /** Paths of the project's repository that are neither archive nor pending deltas. */
  readonly project: readonly string[];
  /** Paths of the archive, by database. */
  readonly archive: ReadonlyMap<string, readonly string[]>;
  /** Of the project's paths, those of object scripts, by database. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param opened the project's repository, where it is open already
 * @throws ConfigError `NO_ARCHIVE`, and where either is no repository with a work tree
 */
export async function openRepositories(session: Session, opened?: Repository): Promise<Repositories> {
  const project = opened ?? (await repositoryOf(session));
  const { folder } = session.project.archive;
  const isThere = await isFolder(folder);
  const isOurs = isInside(session.project.root, folder) || isInside(project.root, folder);
  if (!isThere && !isOurs) throw noArchive(folder);
  // Inside the project it comes with the first archiving.
  const isProjects = !isThere || (await isRepositoryOf(project, folder));
  const archive = isProjects ? project : await openRepository(folder);
  return { project, archive, separate: archive.root !== project.root };
}

/** Made here, it would be an empty archive of a database that may have another. */
function noArchive(folder: string): ConfigError {
  return new ConfigError("NO_ARCHIVE", "The archive's repository is not there.", {
    where: folder,
    hint: `Clone it, or start one:\n  git clone URL ${quotePath(folder)}\n  git init ${quotePath(folder)}`,
  });
}

/** A path as git writes it: from the top of the work tree, with `/`. */
export function pathIn(repository: Pick<Repository, "root">, path: string): string {
  return relative(repository.root, path).split(sep).join("/");
}

/** Reads what is not committed in both repositories. */
export async function readUncommitted(repositories: Repositories, project: Project): Promise<Uncommitted> {
  const { project: own, archive, separate } = repositories;
  const [changes, archiveChanges] = await Promise.all([
    uncommittedChanges(own),
    separate ? uncommittedChanges(archive) : null,
  ]);
  const databases = [...project.databases.values()];
  const paths = databases.flatMap((database) => [
    ...archivePaths(archive, database),
    pathIn(archive, database.paths.pendingDeltas),
  ]);
  const scripts = new Map(
    databases.map((database) => [
      database.name,
      splitChanges(changes, [pathIn(own, database.paths.objects)]).inside,
    ]),
  );
  const outside = separate
    ? changes
    : unique([...splitChanges(changes, paths).outside, ...[...scripts.values()].flat()]);
  const pathsOf = (some: readonly Change[]) => some.map(({ path }) => path);
  return {
    project: pathsOf(outside),
    objects: new Map([...scripts].map(([name, some]) => [name, pathsOf(some)])),
    archive: new Map(
      databases.map((database) => [database.name, changesOf(archiveChanges ?? changes, archive, database)]),
    ),
  };
}

/** The object scripts lie in the database's folder, but they are sources and no part of the archive. */
function changesOf(changes: readonly Change[], repository: Repository, database: ProjectDatabase): string[] {
  const ours = changes.filter((change) => !isHidden(change));
  const { inside } = splitChanges(ours, archivePaths(repository, database));
  return splitChanges(inside, [pathIn(repository, database.paths.objects)]).outside.map(({ path }) => path);
}

/** What an editor or a file manager leaves beside a file that it has open. */
function isHidden({ state, path }: Change): boolean {
  return state === "??" && basename(path).startsWith(".");
}

function archivePaths(repository: Repository, { paths }: ProjectDatabase): string[] {
  return [pathIn(repository, paths.history), pathIn(repository, paths.folder)];
}

function unique(changes: readonly Change[]): Change[] {
  return [...new Set(changes)];
}

/** Where a database's archiving takes place: its journal lies in git's own folder, which no commit ever holds. */
export function archivingPlace({ archive }: Repositories, { name, paths }: ProjectDatabase): ArchivingPlace {
  return { archive: paths.archive, journal: join(archive.gitDir, "wovtools", `archiving-${name}.json`) };
}

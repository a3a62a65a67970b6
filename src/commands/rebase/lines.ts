/** Which versions are mine and which are the others': from the archive, or from what git remembers of it. */
import { relative } from "node:path";
import { parseHistory, quotePath } from "../../archive/history.js";
import { type Archive, readDeltas, readSchema } from "../../archive/read.js";
import { forkedLines, misplacedVersions, otherEnd } from "../../archive/rebase.js";
import { heads, parentOf, pathBetween, type Version, type Versions } from "../../archive/versions.js";
import { BlockedError } from "../../errors.js";
import { sha256 } from "../../files.js";
import { git, gitAnswer } from "../../git/git.js";
import type { Repository } from "../../git/repository.js";
import type { LedgerVersion } from "../../stage/ledger.js";
import { pathIn } from "../repositories.js";
import type { VersionDeltas } from "./deltas-run.js";

/** A version with its files. */
export interface LineVersion {
  readonly version: Version;
  readonly deltas: VersionDeltas;
  /** The schema that was archived with it, as text. */
  readonly schema: string;
}

/** The two lines, read. Each is oldest first. */
export interface ReadLines {
  readonly parting: Version;
  readonly mine: readonly LineVersion[];
  /** At least one. */
  readonly theirs: readonly LineVersion[];
  /** The last version of theirs. */
  readonly onto: Version;
  /** How many versions of mine the database has, by its ledger; at least one. */
  readonly reached: number;
}

/** A line as it was once archived, in a commit that git still has. */
export interface LostLine {
  readonly commit: string;
  /** The whole history in that commit. */
  readonly versions: Versions;
}

export interface LinesRequest {
  readonly archive: Archive;
  readonly repository: Repository;
  /** The project's folder, to which files are relative in messages. */
  readonly root: string;
  /** What the ledger says of the database. */
  readonly at: LedgerVersion;
  readonly onto: string | null;
  /** The line of the database's version, where it was found already. */
  readonly lost: LostLine | null;
}

/**
 * Finds the two lines. Mine is the one of the version that the ledger names. Where a merge has kept only the other
 * side's history, as it has to where both sides have a version of the same key, git's history still has mine.
 *
 * @returns null where there are no two lines
 * @throws BlockedError `LEDGER_VERSION_UNKNOWN` where neither the archive nor the branch's history has the version; as `forkedLines`
 */
export async function readLines(request: LinesRequest): Promise<ReadLines | null> {
  const { archive, at, onto } = request;
  if (archive.versions.get(at.version)?.id !== at.versionId) return readLostLine(request);
  const lines = forkedLines(archive, at.version, onto);
  if (lines === null) return null;
  const read = (keys: readonly string[]) => Promise.all(keys.map((key) => readVersion(request, key)));
  const [mine, theirs] = [await read(lines.mine), await read(lines.theirs)];
  return linesOf(request, lines.parting, mine, theirs);
}

function linesOf(
  { archive, at }: LinesRequest,
  parting: string,
  mine: readonly LineVersion[],
  theirs: readonly LineVersion[],
): ReadLines | null {
  const [from, onto] = [archive.versions.get(parting), theirs.at(-1)?.version];
  if (from === undefined || onto === undefined || mine.length === 0) return null;
  const reached = mine.findIndex(({ version }) => version.id === at.versionId) + 1;
  return { parting: from, mine, theirs, onto, reached };
}

async function readVersion({ archive, root }: LinesRequest, key: string): Promise<LineVersion> {
  const version = archive.versions.get(key);
  const content = await readDeltas(archive, key);
  if (version === undefined || content === null) throw new RangeError(`${key} is no version with deltas`);
  const file = relative(root, archive.paths.archivedDeltas(key));
  return { version, deltas: { id: version.id, key, file, content }, schema: await readSchema(archive, key) };
}

/**
 * The commits that touched a file, newest first: those of some refs' histories, both sides of every merge, and those
 * that the branch had once, by its reflog, since git's own rebase drops a commit whose conflict was resolved to nothing.
 */
async function commitsOf(
  { root, branch }: Repository,
  path: string,
  from: readonly string[],
): Promise<string[]> {
  const former =
    branch === null ? "" : await git(root, ["rev-list", "--walk-reflogs", `refs/heads/${branch}`]);
  const ask = ["rev-list", "--full-history", "--ignore-missing", "--stdin", ...from, "--", path];
  return (await git(root, ask, { input: former })).split("\n").filter((line) => line !== "");
}

async function readLostLine(request: LinesRequest): Promise<ReadLines | null> {
  const { archive, at, onto } = request;
  const found =
    request.lost ?? (await findLost(request.repository, archive.paths.history, at, "this branch"));
  if (found === null) throw unknownVersion(request);
  const { commit, versions } = found;
  const line: Version[] = [];
  let version = versions.get(at.version);
  while (version !== undefined && archive.versions.get(version.key)?.id !== version.id) {
    line.unshift(version);
    version = versions.get(parentOf(version) ?? "");
  }
  if (version === undefined) throw unknownVersion(request);
  const parting = version.key;
  const ends = heads(archive.versions).filter(
    (end) => end !== parting && pathBetween(archive.versions, parting, end) !== null,
  );
  if (ends.length === 0) throw takenBack(request, line, commit);
  const end = otherEnd(archive.paths.database, ends, onto);
  const mine = await Promise.all(line.map((lost) => readLost(request, commit, lost)));
  const keys = pathBetween(archive.versions, parting, end) ?? [];
  return linesOf(request, parting, mine, await Promise.all(keys.map((key) => readVersion(request, key))));
}

/** The newest commit whose version history has the version that the ledger names, at its place. */
export async function findLost(
  repository: Repository,
  history: string,
  at: LedgerVersion,
  where: "this branch" | "every branch",
): Promise<LostLine | null> {
  const path = pathIn(repository, history);
  const from = where === "this branch" ? ["HEAD"] : ["HEAD", "--all"];
  for (const commit of await commitsOf(repository, path, from)) {
    const text = await gitAnswer(repository.root, ["show", `${commit}:${path}`], 128);
    // Only a text that names the version is worth parsing; one with conflict markers was committed by mistake.
    if (text === undefined || !text.includes(at.versionId) || text.includes("\n<<<<<<<")) continue;
    const versions = parseHistory(text.endsWith("\n") ? text : `${text}\n`, `${path} in ${commit}`);
    const isMisplaced = misplacedVersions(versions).some(({ key }) => key === at.version);
    if (versions.get(at.version)?.id === at.versionId && !isMisplaced) return { commit, versions };
  }
  return null;
}

async function readLost(
  { archive, repository }: LinesRequest,
  commit: string,
  version: Version,
): Promise<LineVersion> {
  const { id, key } = version;
  const read = async (path: string, checksum: string | null) => {
    const file = `${path} in ${commit.slice(0, 10)}`;
    const content = Buffer.from(await git(repository.root, ["show", `${commit}:${path}`]));
    if (sha256(content) === checksum) return { content, file };
    throw new BlockedError("LOST_FILE_ALTERED", `A file of ${key} is not what was archived.`, {
      where: file,
    });
  };
  const deltas = await read(pathIn(repository, archive.paths.archivedDeltas(key)), version.deltas);
  const schema = await read(pathIn(repository, archive.paths.archivedSchema(key)), version.schema.sha256);
  return { version, deltas: { id, key, ...deltas }, schema: schema.content.toString() };
}

function unknownVersion({ archive, at }: LinesRequest): BlockedError {
  const { database, history } = archive.paths;
  return new BlockedError(
    "LEDGER_VERSION_UNKNOWN",
    `The database ${database} is at a version ${at.version} that neither the archive nor the branch's history has.`,
    { where: history, hint: "Go to the branch that it was archived on, or merge that branch." },
  );
}

function takenBack({ archive, at }: LinesRequest, line: readonly Version[], commit: string): BlockedError {
  const { database, history } = archive.paths;
  const keys = line.map(({ key }) => key).join(", ");
  return new BlockedError(
    "NO_OTHER_LINE",
    `The archive has no other line, and no longer has ${keys}, which the database ${database} has.`,
    {
      where: history,
      hint: `Look at what took ${at.version} out, and take it back with git revert if it was not meant, or with git cherry-pick where the commit ${commit.slice(0, 10)} is no longer on the branch:\n  git log --full-history -- ${quotePath(history)}\n  git log ${commit.slice(0, 10)}`,
    },
  );
}

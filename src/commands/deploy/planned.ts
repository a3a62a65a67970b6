/** Reading the versions of a path from the archive: every statement, and what is known of it. */
import { relative, sep } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Archive, readDeltas, readSchema } from "../../archive/read.js";
import { parentOf, type Version } from "../../archive/versions.js";
import { type CheckAids, checkDeltas } from "../../deltas/check.js";
import { withoutConcurrently } from "../../deltas/concurrently.js";
import { deltasError } from "../../deltas/error.js";
import { segmentsOf } from "../../deltas/facts/segments.js";
import { type StatementFacts, statementFacts } from "../../deltas/facts.js";
import { plainType } from "../../deltas/plain.js";
import type { Statement } from "../../deltas/report.js";
import { BlockedError } from "../../errors.js";
import { withFilledViews } from "../../postgres/materialized-views.js";
import { loadParser, type Parser, rememberingParser } from "../../schema/parser.js";
import { type DeployPlan, makePlan, type PlannedStatement, type PlannedVersion } from "../../stage/plan.js";
import { outsideTarget } from "./outside-target.js";
import type { DeployPath } from "./path.js";

/** A statement of a path and what it does. */
export interface ReadStatement extends PlannedStatement {
  /** Counted from 1, in code points. */
  readonly column: number;
  /** The parse tree's name for it. */
  readonly type: string;
  /** null for an archived schema, which is loaded as a whole, and for a plain statement that was not parsed. */
  readonly facts: StatementFacts | null;
}

export interface ReadVersion extends PlannedVersion {
  readonly statements: readonly ReadStatement[];
}

/** How much is found out about each statement: all that a plan shows, or what carrying it out takes to know. */
export type Look = "closely" | "to-apply";

/**
 * Reads the versions of a path. An empty database gets the target's archived schema at once, with every version on
 * the way recorded, unless some delta also writes data, which no archived schema holds: then the root's schema
 * comes first and every delta after it. Nobody works in an empty database, so no index of it is built concurrently:
 * that is as good, and needs no end of the transaction.
 *
 * Looked at to be applied, plain statements are not parsed, and have no facts: one that the server refuses after all
 * takes the rest back with it. Where not all of the path is one transaction, every statement is parsed in any case.
 *
 * @param place.root the project's, to which the files are relative
 * @param place.serverVersion `server_version_num` of the stage
 * @throws ArchiveError for a file that is not what was archived; BlockedError for deltas that cannot be applied
 */
export async function readVersions(
  archive: Archive,
  path: DeployPath,
  place: ReadPlace,
  look: Look,
): Promise<ReadVersion[]> {
  const versions = look === "to-apply" ? await read(archive, path, place, plainType) : null;
  return versions !== null && isOneTransaction(versions) ? versions : read(archive, path, place, () => null);
}

/** Where versions are read, and for which server. */
export interface ReadPlace {
  readonly root: string;
  readonly serverVersion: number;
}

/** As far as can be told from the statements that were parsed: a value added to an enum may be used by any other. */
function isOneTransaction(versions: readonly ReadVersion[]): boolean {
  return versions.every(({ statements }) =>
    statements.every(
      ({ outside, afterCommit, type }) => outside === null && !afterCommit && type !== "AlterEnumStmt",
    ),
  );
}

/** How many files are parsed, at less than a millisecond each mostly, before anybody else has a turn. */
const FILES_IN_A_TURN = 10;

async function read(
  archive: Archive,
  path: DeployPath,
  { root, serverVersion }: ReadPlace,
  knownType: NonNullable<CheckAids["knownType"]>,
): Promise<ReadVersion[]> {
  const parser = lazyParser();
  const inPlace = path.from === null ? withoutConcurrently : (sql: string) => sql;
  const aids: CheckAids = { parser, knownType: (sql) => knownType(inPlace(sql)) };
  const own: ReadVersion[] = [];
  const cut: CutStatement[] = [];
  for (const [index, version] of path.versions.entries()) {
    // Files are read and parsed at once; a schema that is read meanwhile wants its turn.
    if (index % FILES_IN_A_TURN === 0) await nextTurn();
    if (parentOf(version) === null) {
      own.push(await loaded(archive, version, [], root));
      continue;
    }
    const file = inProject(root, archive.paths.archivedDeltas(version.key));
    const content = await readDeltas(archive, version.key);
    const statements = await statementsOf(content ?? new Uint8Array(), file, aids);
    for (const statement of statements) cut.push({ ...statement, text: inPlace(statement.text), file });
    own.push({ ...identity(version), file, how: "applied", statements: [], includes: [] });
  }
  const byFile = new Map<string, ReadStatement[]>(own.map(({ file }) => [file, []]));
  for (const statement of await annotate(cut, parser, serverVersion))
    byFile.get(statement.file)?.push(statement);
  const versions = own.map((version) =>
    version.how === "loaded" ? version : { ...version, statements: byFile.get(version.file) ?? [] },
  );
  const target = path.versions.at(-1);
  if (path.from !== null || target === undefined || versions.some(writesData)) return versions;
  return [await loaded(archive, target, path.versions.slice(0, -1), root)];
}

/** Most files lie in the project, and how they do is quicker to see than to work out for each of hundreds. */
function inProject(root: string, file: string): string {
  return file.startsWith(`${root}${sep}`) ? file.slice(root.length + 1) : relative(root, file);
}

/** Loaded for the first statement that has to be parsed, and each is parsed once. */
function lazyParser(): () => Promise<Parser> {
  let loading: Promise<Parser> | undefined;
  return () => (loading ??= loadParser().then(rememberingParser));
}

interface CutStatement extends Statement {
  readonly file: string;
}

function identity({ key, id, deltas }: Version) {
  return { version: key, versionId: id, deltas };
}

async function loaded(
  archive: Archive,
  version: Version,
  before: readonly Version[],
  root: string,
): Promise<ReadVersion> {
  const text = withFilledViews(await readSchema(archive, version.key));
  const statement: ReadStatement = {
    text,
    line: 1,
    column: 1,
    outside: null,
    afterCommit: false,
    setsSession: false,
    type: "",
    facts: null,
  };
  const file = inProject(root, archive.paths.archivedSchema(version.key));
  return {
    ...identity(version),
    file,
    how: "loaded",
    statements: [statement],
    includes: before.map(identity),
  };
}

/** Deltas, and what they are the deltas of. */
export interface DeltasFile {
  /** For messages: relative to the project. */
  readonly file: string;
  readonly content: Uint8Array;
}

/**
 * The plan of some deltas alone, for a shadow.
 *
 * @param name what they lead to, for messages
 * @throws BlockedError for deltas that cannot be applied
 */
export async function planOfDeltas(name: string, { file, content }: DeltasFile): Promise<DeltasPlan> {
  const parser = lazyParser();
  const statements = await annotate(await statementsOf(content, file, { parser }), parser);
  const version = {
    version: name,
    versionId: name,
    deltas: null,
    file,
    how: "applied",
    includes: [],
  } as const;
  const plan = makePlan({ from: null, to: name, versions: [{ ...version, statements }], partial: null });
  return { ...plan, statements };
}

export interface DeltasPlan extends DeployPlan {
  readonly statements: readonly ReadStatement[];
}

/** Whether some statement reaches beyond its database, so that it is tried on a server that is thrown away. */
export function reachOut(statements: readonly Pick<ReadStatement, "facts">[]): boolean {
  return statements.some(({ facts }) => facts?.serverWide === true);
}

async function statementsOf(
  content: Uint8Array,
  file: string,
  aids: CheckAids,
): Promise<readonly Statement[]> {
  const report = await checkDeltas(content, file, aids);
  const problem = deltasError(report);
  if (problem !== undefined) throw problem;
  const discards = report.statements.find(({ type }) => type === "DiscardStmt");
  if (discards !== undefined) {
    throw new BlockedError("DELTAS_DISCARD", "DISCARD throws away the session that the deploy works in.", {
      where: `${file}:${discards.line}:${discards.column}`,
      hint: "A deploy begins every version with fresh settings; archive a revision without this statement.",
    });
  }
  return report.statements;
}

/** What each statement is, with all of them in view: where a transaction has to end is decided by those before. */
async function annotate<S extends Statement>(
  statements: readonly S[],
  parser: () => Promise<Parser>,
  serverVersion?: number,
): Promise<(ReadStatement & S)[]> {
  const parsed = statements.filter((statement) => statement.parsed);
  const found = parsed.length === 0 ? null : findOut(parsed, await parser(), serverVersion);
  return statements.map((statement) => ({ ...statement, ...(found?.get(statement) ?? PLAIN) }));
}

type Found = Pick<ReadStatement, "facts" | "outside" | "afterCommit" | "setsSession">;

const PLAIN: Found = { facts: null, outside: null, afterCommit: false, setsSession: false };

function findOut(
  statements: readonly Statement[],
  parser: Parser,
  serverVersion?: number,
): ReadonlyMap<Statement, Found> {
  const known = statements.map((statement) => {
    const { text } = statement;
    return { statement, text, facts: statementFacts(statement, parser) };
  });
  const afterCommit = new Set<Statement>();
  const segments = segmentsOf(known, parser, serverVersion);
  for (const [index, segment] of segments.entries()) {
    const [first] = segment.statements;
    if (first !== undefined && segment.transaction && segments[index - 1]?.transaction)
      afterCommit.add(first.statement);
  }
  return new Map(
    known.map(({ statement, facts }) => {
      const node = parser.parse(statement.text).stmts?.[0]?.stmt;
      const outside = facts.outsideTransaction && node !== undefined ? outsideTarget(node) : null;
      const found = { facts, outside, setsSession: facts.setting === "session" };
      return [statement, { ...found, afterCommit: afterCommit.has(statement) }];
    }),
  );
}

const WRITES_DATA: ReadonlySet<string> = new Set(["DeleteStmt", "InsertStmt", "UpdateStmt"]);

/** A materialized view counts: an archived schema makes it without its rows. */
function writesData({ statements }: ReadVersion): boolean {
  return statements.some(
    ({ facts, type }) => facts?.kind === "data" || WRITES_DATA.has(type) || type === "CreateTableAsStmt",
  );
}

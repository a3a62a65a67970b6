/** Reading the versions of a path from the archive: every statement, and what is known of it. */
import { relative } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Archive, readDeltas, readSchema } from "../../archive/read.js";
import { parentOf, type Version } from "../../archive/versions.js";
import { checkDeltas } from "../../deltas/check.js";
import { withoutConcurrently } from "../../deltas/concurrently.js";
import { deltasError } from "../../deltas/error.js";
import { segmentsOf } from "../../deltas/facts/segments.js";
import { type StatementFacts, statementFacts } from "../../deltas/facts.js";
import type { Statement } from "../../deltas/report.js";
import { BlockedError } from "../../errors.js";
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
  /** null for an archived schema, which is loaded as a whole. */
  readonly facts: StatementFacts | null;
}

export interface ReadVersion extends PlannedVersion {
  readonly statements: readonly ReadStatement[];
}

/** How many files are parsed, at less than a millisecond each mostly, before anybody else has a turn. */
const FILES_IN_A_TURN = 10;

/**
 * Reads the versions of a path. An empty database gets the target's archived schema at once, with every version on
 * the way recorded, unless some delta also writes data, which no archived schema holds: then the root's schema
 * comes first and every delta after it. Nobody works in an empty database, so no index of it is built concurrently:
 * that is as good, and needs no end of the transaction.
 *
 * @param root the project's, to which the files are relative
 * @throws ArchiveError for a file that is not what was archived; BlockedError for deltas that cannot be applied
 */
export async function readVersions(archive: Archive, path: DeployPath, root: string): Promise<ReadVersion[]> {
  const parser = rememberingParser(await loadParser());
  const own: ReadVersion[] = [];
  const cut: CutStatement[] = [];
  for (const [index, version] of path.versions.entries()) {
    // Files are read and parsed at once; a schema that is read meanwhile wants its turn.
    if (index % FILES_IN_A_TURN === 0) await nextTurn();
    if (parentOf(version) === null) {
      own.push(await loaded(archive, version, [], root));
      continue;
    }
    const file = relative(root, archive.paths.archivedDeltas(version.key));
    const content = await readDeltas(archive, version.key);
    const statements = await statementsOf(content ?? new Uint8Array(), file, parser);
    for (const statement of statements)
      cut.push({ ...(path.from === null ? withoutConcurrently(statement, parser) : statement), file });
    own.push({ ...identity(version), file, how: "applied", statements: [], includes: [] });
  }
  const byFile = new Map<string, ReadStatement[]>(own.map(({ file }) => [file, []]));
  for (const statement of annotate(cut, parser)) byFile.get(statement.file)?.push(statement);
  const versions = own.map((version) =>
    version.how === "loaded" ? version : { ...version, statements: byFile.get(version.file) ?? [] },
  );
  const target = path.versions.at(-1);
  if (path.from !== null || target === undefined || versions.some(writesData)) return versions;
  return [await loaded(archive, target, path.versions.slice(0, -1), root)];
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
  const text = await readSchema(archive, version.key);
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
  const file = relative(root, archive.paths.archivedSchema(version.key));
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
  const parser = rememberingParser(await loadParser());
  const statements = annotate(await statementsOf(content, file, parser), parser);
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
  parser: Parser,
): Promise<readonly Statement[]> {
  const report = await checkDeltas(content, file, parser);
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
function annotate<S extends Statement>(statements: readonly S[], parser: Parser): (ReadStatement & S)[] {
  const known = statements.map((statement) => ({ ...statement, facts: statementFacts(statement, parser) }));
  const afterCommit = new Set<Statement>();
  const segments = segmentsOf(known, parser);
  for (const [index, segment] of segments.entries()) {
    const [first] = segment.statements;
    if (first !== undefined && segment.transaction && segments[index - 1]?.transaction)
      afterCommit.add(first);
  }
  return known.map((statement) => {
    const { facts } = statement;
    const node = parser.parse(statement.text).stmts?.[0]?.stmt;
    return {
      ...statement,
      outside: facts.outsideTransaction && node !== undefined ? outsideTarget(node) : null,
      afterCommit: afterCommit.has(statement),
      setsSession: facts.setting === "session",
    };
  });
}

/** A materialized view counts: an archived schema makes it without its rows. */
function writesData({ statements }: ReadVersion): boolean {
  return statements.some(({ facts, type }) => facts?.kind === "data" || type === "CreateTableAsStmt");
}

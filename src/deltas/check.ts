import type { Node, RawStmt } from "libpg-query";
import { loadParser, type Parser } from "../schema/parser.js";
import { bodyError } from "./bodies.js";
import { firstInvalidByte } from "./bytes.js";
import { cutStatements, type Piece } from "./cut.js";
import { excerptOf } from "./excerpt.js";
import { HINTS, MAX_DELTAS_BYTES } from "./hints.js";
import { type Lines, linesOf, offsetOfByte } from "./position.js";
import type { DeltasProblem, DeltasProblemCode, DeltasReport, Statement } from "./report.js";
import { type SqlSyntaxError, tryParse } from "./syntax.js";
import { placesIn } from "./write/places.js";

const MARK = "\ufeff";
const TRANSACTION_WORDS = /^[a-z]+(?:\s+(?:transaction|work|prepared|to))?/i;

/** What a caller of `checkDeltas` brings along. */
export interface CheckAids {
  /** Asked for when the first statement has to be parsed. */
  readonly parser?: () => Promise<Parser>;
  /**
   * The parse tree's name for a statement that need not be parsed, since it was when it was archived; null for any
   * other one.
   */
  readonly knownType?: (sql: string) => string | null;
}

/**
 * Reads deltas: cuts them into statements and finds everything for which they could not be applied to a
 * server as they are. Pure: nothing but the bytes is looked at.
 *
 * Statements are parsed one by one with PostgreSQL's parser, so that every broken one is found, and the bodies
 * of functions in SQL and PL/pgSQL too. Files over 20 MiB are refused unread: one statement of that size
 * already takes the parser seven seconds and over a gigabyte.
 *
 * @param content the file's bytes
 * @param file its name, which is only passed on to the report
 * @example
 * const report = await checkDeltas(Buffer.from("ALTER TABLE t ADD c int; \\d t"), "shopdb.deltas");
 * report.statements[0].type; // "AlterTableStmt"
 * report.problems[0].code; // "DELTAS_META_COMMAND", line 1, column 26
 */
export async function checkDeltas(
  content: Uint8Array,
  file: string,
  { parser = loadParser, knownType = () => null }: CheckAids = {},
): Promise<DeltasReport> {
  if (content.length > MAX_DELTAS_BYTES) return refused(file, tooLarge(content.length));
  const invalid = firstInvalidByte(content);
  if (invalid !== undefined) return refused(file, notUtf8(content, invalid));

  const decoded = new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  const text = decoded.startsWith(MARK) ? decoded.slice(MARK.length) : decoded;
  const findings = new Findings(text);
  if (text !== decoded) findings.add("DELTAS_BYTE_ORDER_MARK", 0, "the file starts with a byte-order mark");
  checkCharacters(text, findings);

  const { pieces, foreign } = cutStatements(text.replaceAll("\0", " "));
  for (const { kind, offset, text: line } of foreign) {
    if (kind === "hash") findings.add("DELTAS_HASH_LINE", offset, "a line starts with #, which is no SQL");
    else findings.add("DELTAS_META_COMMAND", offset, `${firstWord(line)} is a psql meta-command`);
  }
  for (const offset of placesIn(text, pieces))
    findings.add("DELTAS_PLACE", offset, "a place is held for a statement that is not written");
  const statements: Statement[] = [];
  for (const piece of pieces) {
    const type = knownType(piece.sql);
    if (type !== null) statements.push({ ...statementOf(piece, piece.sql, type, findings), parsed: false });
    else statements.push(...checkPiece(await parser(), piece, findings));
  }
  const problems = findings.sorted();
  return { file, statements, problems, empty: statements.length === 0 && problems.length === 0 };
}

/** Collects problems by their place in the text. */
class Findings {
  readonly lines: Lines;
  private readonly found: { readonly offset: number; readonly problem: DeltasProblem }[] = [];

  constructor(text: string) {
    this.lines = linesOf(text);
  }

  add(code: DeltasProblemCode, offset: number, message: string): void {
    const position = this.lines.at(offset);
    const excerpt = excerptOf(this.lines.line(position.line), position);
    this.found.push({ offset, problem: { code, ...position, message, hint: HINTS[code], excerpt } });
  }

  sorted(): DeltasProblem[] {
    return this.found.toSorted((a, b) => a.offset - b.offset).map(({ problem }) => problem);
  }
}

function refused(file: string, problem: DeltasProblem): DeltasReport {
  return { file, statements: [], problems: [problem], empty: false };
}

function tooLarge(bytes: number): DeltasProblem {
  // Rounded up, so that one byte too many shows.
  const mebibytes = (count: number) => `${(Math.ceil((count / 1024 / 1024) * 10) / 10).toFixed(1)} MiB`;
  const message = `the file has ${mebibytes(bytes)}, the limit is ${mebibytes(MAX_DELTAS_BYTES)}`;
  return { code: "DELTAS_TOO_LARGE", line: 1, column: 1, message, hint: HINTS.DELTAS_TOO_LARGE };
}

function notUtf8(content: Uint8Array, offset: number): DeltasProblem {
  const text = new TextDecoder().decode(content.subarray(0, offset));
  const hex = (content[offset] ?? 0).toString(16).toUpperCase().padStart(2, "0");
  const message = `byte ${offset + 1} of the file (0x${hex}) is not UTF-8`;
  return {
    code: "DELTAS_NOT_UTF8",
    ...linesOf(text).at(text.length),
    message,
    hint: HINTS.DELTAS_NOT_UTF8,
  };
}

function checkCharacters(text: string, findings: Findings): void {
  const nul = text.indexOf("\0");
  if (nul >= 0) findings.add("DELTAS_NUL", nul, "the file has a NUL byte");
  const carriageReturn = text.indexOf("\r");
  if (carriageReturn < 0) return;
  const many = text.split("\r").length - 1;
  findings.add(
    "DELTAS_LINE_ENDS",
    carriageReturn,
    `${many === 1 ? "a line ends" : `${many} lines end`} with a carriage return (CRLF), which would get into function bodies`,
  );
}

function firstWord(line: string): string {
  return /^\S+/.exec(line)?.[0] ?? line;
}

function checkPiece(parser: Parser, piece: Piece, findings: Findings): Statement[] {
  const { statements, sql } = parseWithoutHashLines(parser, piece, findings);
  const [{ stmt } = {}] = statements;
  const type = stmt === undefined ? undefined : Object.keys(stmt)[0];
  if (stmt === undefined || type === undefined) return [];
  if (statements.length > 1) return checkEach(parser, piece, statements, findings);
  const statement = statementOf(piece, sql, type, findings);
  refuseStatement(stmt, statement.text, piece.start, findings);
  const error = bodyError(stmt, statement.text, parser);
  if (error !== undefined) findings.add("DELTAS_BODY_SYNTAX", piece.start + error.offset, error.message);
  return [statement];
}

function statementOf({ start }: Piece, sql: string, type: string, { lines }: Findings): Statement {
  return { text: sql.replace(/\s*;\s*$/, ""), ...lines.at(start), offset: start, type, parsed: true };
}

/** Where the cut took several statements for one, PostgreSQL's parser says where each begins and ends. */
function checkEach(
  parser: Parser,
  { start, sql }: Piece,
  parsed: readonly RawStmt[],
  findings: Findings,
): Statement[] {
  const statements: Statement[] = [];
  for (const { stmt_location: at = 0, stmt_len: length } of parsed) {
    const from = offsetOfByte(sql, at);
    const to = length === undefined ? sql.length : offsetOfByte(sql, at + length);
    const piece = { start: start + from, end: start + to, sql: sql.slice(from, to) };
    statements.push(...checkPiece(parser, piece, findings));
  }
  return statements;
}

/** `#` is an operator of SQL, so that a header in the middle of a statement shows only when it is parsed. */
function parseWithoutHashLines(parser: Parser, piece: Piece, findings: Findings) {
  let sql = piece.sql;
  for (;;) {
    const { statements, error } = tryParse(parser, sql);
    if (error === undefined) return { statements, sql };
    const line = hashLine(sql, error);
    if (line === undefined) {
      findings.add("DELTAS_SYNTAX", piece.start + error.offset, error.message);
      return { statements, sql };
    }
    findings.add("DELTAS_HASH_LINE", piece.start + error.offset, "a line starts with #, which is no SQL");
    sql = sql.slice(0, error.offset) + " ".repeat(line.length) + sql.slice(error.offset + line.length);
  }
}

function hashLine(sql: string, error: SqlSyntaxError): string | undefined {
  if (!/(?:^|[\r\n])[ \t]*$/.test(sql.slice(0, error.offset))) return undefined;
  return /^#[^\r\n]*/.exec(sql.slice(error.offset))?.[0];
}

function refuseStatement(node: Node, text: string, offset: number, findings: Findings): void {
  if ("TransactionStmt" in node) {
    const words = (TRANSACTION_WORDS.exec(text)?.[0] ?? "").toUpperCase().replace(/\s+/g, " ");
    findings.add("DELTAS_TRANSACTION", offset, `${words} controls the transaction`);
  } else if ("CopyStmt" in node) {
    const { is_from: reads = false, filename, is_program: program = false } = node.CopyStmt;
    if (reads && filename === undefined && !program) {
      findings.add("DELTAS_COPY_FROM_STDIN", offset, "COPY … FROM STDIN reads data from the client");
    }
  }
}

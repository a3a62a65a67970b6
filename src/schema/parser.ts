/**
 * PostgreSQL's own parser, as WebAssembly. The one place that loads it: it costs some 50 ms, so it is loaded when
 * something is parsed for the first time and not before.
 */
import { setFlagsFromString } from "node:v8";
import type { ParseResult, ScanResult } from "libpg-query";

/** The parser of PostgreSQL 18. Places in its answers count bytes of UTF-8, not characters. */
export interface Parser {
  /**
   * Parses one or more statements.
   *
   * @throws SqlError of libpg-query, with the place in `sqlDetails.cursorPosition`, when the SQL has an error
   */
  parse(sql: string): ParseResult;
  /**
   * Cuts SQL into tokens.
   *
   * @throws Error when a string or a comment has no end
   */
  scan(sql: string): ScanResult;
  /**
   * Parses a whole `CREATE FUNCTION` or `DO` statement whose language is PL/pgSQL, and its body.
   *
   * @throws Error with PostgreSQL's message when the body has an error
   */
  parsePlPgSql(sql: string): unknown;
}

let loading: Promise<Parser> | undefined;

/**
 * Loads the parser; the second call and those after it get the first one's.
 *
 * @example const { parse } = await loadParser(); parse("SELECT 1").stmts?.length // → 1
 */
export function loadParser(): Promise<Parser> {
  loading ??= load();
  return loading;
}

/**
 * How much V8 runs of a function before it compiles it anew, optimised. By its own measure it does so for the ten
 * statements of a small schema already. To compile the grammar, one function of 100 kB, takes half a second of a
 * processor, which only 20,000 statements win back. The most that V8 takes here is reached after some 700.
 */
const RUN_BEFORE_OPTIMISING = { ours: 2 ** 31 - 1, ofV8: 1_800_000 };

async function load(): Promise<Parser> {
  const library = await import("libpg-query");
  setFlagsFromString(`--wasm-tiering-budget=${RUN_BEFORE_OPTIMISING.ours}`);
  try {
    await library.loadModule();
  } finally {
    setFlagsFromString(`--wasm-tiering-budget=${RUN_BEFORE_OPTIMISING.ofV8}`);
  }
  return {
    // The library refuses an empty text; PostgreSQL takes it for no statement.
    parse: (sql) => (sql === "" ? { stmts: [] } : library.parseSync(sql)),
    scan: (sql) => library.scanSync(sql),
    parsePlPgSql: (sql) => library.parsePlPgSQLSync(sql),
  };
}

/**
 * A parser that keeps each tree that it has made, for statements at which several look one after another. With and
 * without the semicolon at its end, a statement is the same.
 */
export function rememberingParser(parser: Parser): Parser {
  const trees = new Map<string, ParseResult>();
  const parse = (sql: string) => {
    const key = sql.replace(/\s*;\s*$/, "");
    const tree = trees.get(key) ?? parser.parse(sql);
    trees.set(key, tree);
    return tree;
  };
  return { ...parser, parse };
}

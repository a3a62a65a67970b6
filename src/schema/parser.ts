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
 * V8 optimises what runs often, by its own measure for the ten statements of a small schema already. To compile the
 * grammar, one function of 100 kB, takes half a second of a processor, which only 20,000 statements win back. Up to
 * Node 20 a module may be loaded as one that is never optimised; a later V8 asks again when a function is called for
 * the first time, and waits as long as it can be told, some 700 statements.
 */
const OPTIMISE_LATE = ["--no-wasm-dynamic-tiering", `--wasm-tiering-budget=${2 ** 31 - 1}`];
const OPTIMISE_AS_USUAL = ["--wasm-dynamic-tiering", "--wasm-tiering-budget=1800000"];
/** Without this, what is not optimised by how often it runs is optimised at once. Other modules are the first kind. */
const NOT_AT_ONCE = "--no-wasm-tier-up";

async function load(): Promise<Parser> {
  const library = await import("libpg-query");
  for (const flag of [NOT_AT_ONCE, ...OPTIMISE_LATE]) setFlagsFromString(flag);
  try {
    await library.loadModule();
  } finally {
    for (const flag of OPTIMISE_AS_USUAL) setFlagsFromString(flag);
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

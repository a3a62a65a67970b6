/** The statements of a dump one by one, each with its text and the objects it speaks of. */
import type { RawStmt } from "libpg-query";
import { type Entry, readDump } from "../dump.js";
import type { Parser } from "../parser.js";
import { DEFAULT_SETTINGS } from "../settings.js";
import { type TreeObject, unwrap } from "../tree.js";
import type { Fragment } from "./fragment.js";
import { READERS } from "./index.js";

/** One statement of a dump. */
export interface DumpStatement {
  /** The entry of pg_dump's table of contents that it stands in. */
  readonly entry: Entry;
  /** The name of its node, e.g. `CreateStmt`; empty where it does not parse. */
  readonly kind: string;
  readonly tree: TreeObject;
  /** Its text without the semicolon. */
  readonly sql: string;
  /** Where `sql` begins, in bytes of UTF-8: a place in the tree less this is a place in `sql`. */
  readonly start: number;
  /** What it says of which object; empty where that is nothing of the schema, or the statement is of no known kind. */
  readonly fragments: readonly Fragment[];
}

export interface DumpStatements {
  /** Major version of the server; null when the text does not say. */
  readonly server: number | null;
  readonly statements: readonly DumpStatement[];
}

const LEADING_COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$))+/;

/**
 * Takes a dump apart.
 *
 * @param dump what `pg_dump --schema-only` wrote, or an archived schema
 * @returns the statements in the order of the dump; an entry that does not parse is one statement of no kind
 */
export function dumpStatements(parser: Parser, dump: string): DumpStatements {
  const { server, entries } = readDump(dump);
  return { server, statements: entries.flatMap((entry) => statementsOf(parser, entry, server)) };
}

function statementsOf(parser: Parser, entry: Entry, server: number | null): DumpStatement[] {
  let statements: readonly RawStmt[];
  try {
    statements = parser.parse(entry.sql).stmts ?? [];
  } catch {
    return [{ entry, kind: "", tree: {}, sql: entry.sql.replace(/;$/, ""), start: 0, fragments: [] }];
  }
  const bytes = Buffer.from(entry.sql);
  return statements.map(({ stmt, stmt_location = 0, stmt_len = bytes.length - stmt_location }) => {
    const [kind, tree] = unwrap(stmt);
    const end = stmt_location + stmt_len;
    const whole = bytes.toString("utf8", stmt_location, end);
    const leading = LEADING_COMMENTS.exec(whole)?.[0] ?? "";
    const sql = whole.slice(leading.length).trimEnd();
    const fragments = READERS.get(kind)?.({
      // A reader uses the tree up.
      tree: structuredClone(tree),
      text: sql,
      slice: (from, to) => bytes.toString("utf8", from, Math.min(to, end)),
      context: { server },
      settings: { ...DEFAULT_SETTINGS, subscriptions: true },
      grantor: null,
    });
    const start = stmt_location + Buffer.byteLength(leading);
    return { entry, kind, tree, sql, start, fragments: fragments ?? [] };
  });
}

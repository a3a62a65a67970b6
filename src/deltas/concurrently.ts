/** White space and comments, but for a comment within a comment. */
const GAP = String.raw`(?:\s|--[^\r\n]*[\r\n]|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)+`;
const WORD = new RegExp(
  `^((?:CREATE${GAP}(?:UNIQUE${GAP})?|DROP${GAP})INDEX${GAP})(CONCURRENTLY)(?=${GAP})`,
  "i",
);

/**
 * A statement on an index as it is for a database in which nobody works: without CONCURRENTLY, which keeps others
 * working while the index is built and forbids a transaction. It leads to the same schema. PostgreSQL itself
 * leaves it out where nobody else can be: https://www.postgresql.org/docs/current/sql-createindex.html, of temporary tables.
 *
 * @param sql one statement, from its first token on
 * @returns with blanks for the word, so that every place in it stays where it was; any other statement as it is
 */
export function withoutConcurrently(sql: string): string {
  return sql.replace(WORD, (_, before: string, word: string) => before + " ".repeat(word.length));
}

/** SQL with quotes only where a name needs them, for a person to read. */
import type { Parser } from "../../schema/parser.js";

/**
 * Takes the quotes off names that mean the same without.
 *
 * @returns the statement; unchanged where it would no longer be the same
 * @example withPlainNames('ALTER TABLE "shop"."Orders" DROP "note"', parser) // → 'ALTER TABLE shop."Orders" DROP note'
 */
export function withPlainNames(sql: string, parser: Parser): string {
  if (!sql.includes('"')) return sql;
  const bytes = Buffer.from(sql);
  const pieces: string[] = [];
  let offset = 0;
  for (const { start, end } of parser.scan(sql).tokens) {
    const token = bytes.toString("utf8", start, end);
    const [, name] = /^"([a-z_][a-z0-9_]*)"$/.exec(token) ?? [];
    if (name === undefined || !isPlain(name, parser)) continue;
    pieces.push(bytes.toString("utf8", offset, start), name);
    offset = end;
  }
  pieces.push(bytes.toString("utf8", offset));
  const plain = pieces.join("");
  return meaning(plain, parser) === meaning(sql, parser) ? plain : sql;
}

const plainNames = new Map<string, boolean>();

/** Whether PostgreSQL's lexer takes the name for a name and no keyword. */
function isPlain(name: string, parser: Parser): boolean {
  const known = plainNames.get(name);
  if (known !== undefined) return known;
  const [token] = parser.scan(name).tokens;
  const plain = token?.keywordName === "NO_KEYWORD" || token?.keywordName === "UNRESERVED_KEYWORD";
  plainNames.set(name, plain);
  return plain;
}

/** The parse tree less the places of its nodes; null where it does not parse. */
function meaning(sql: string, parser: Parser): string | null {
  try {
    const { stmts = [] } = parser.parse(sql);
    return JSON.stringify(
      stmts.map(({ stmt }) => stmt),
      (key, value: unknown) => (key === "location" || key.endsWith("_location") ? undefined : value),
    );
  } catch {
    // Then the text stays as it is.
    return null;
  }
}

/**
 * Quotes a name for use as an identifier in SQL. The only way a name gets into a statement here.
 *
 * @param name the identifier as it is stored, any characters but NUL
 * @returns the name in double quotes, embedded quotes doubled
 * @throws RangeError when the name is empty or holds a NUL, which no PostgreSQL identifier can
 * @example quoteIdentifier('odd "name"') // → "\"odd \"\"name\"\"\""
 */
export function quoteIdentifier(name: string): string {
  if (name === "" || name.includes("\0")) throw new RangeError("not a PostgreSQL identifier");
  return `"${name.replaceAll('"', '""')}"`;
}

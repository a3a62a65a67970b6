/** Rows in a dump: data, and no part of the schema. */

/** The rows of a table as pg_dump writes them: no SQL, so that a quote in them begins no string. */
const COPIED =
  /(\n--\n-- Data for Name: [^\n]*; Type: TABLE DATA; [^\n]*\n--\n\s*)COPY [^\n]* FROM stdin;\n(?:[\s\S]*?\n)?\\\.(?=\n)/g;

/**
 * Leaves out the rows of a dump that was made with them.
 *
 * @returns the dump as `pg_dump --schema-only` would have written it, but for headings with nothing under them
 */
export function withoutRows(dump: string): string {
  return dump.includes(" FROM stdin;\n") ? dump.replaceAll(COPIED, "$1") : dump;
}

/** Statements that write rows, as `pg_dump --inserts` and a framework's list of its migrations have them. */
export const WRITES_ROWS: ReadonlySet<string> = new Set([
  "CopyStmt",
  "DeleteStmt",
  "InsertStmt",
  "UpdateStmt",
]);

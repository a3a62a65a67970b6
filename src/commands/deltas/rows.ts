/** What a shadow cannot show, since it has no rows: whether statements go on tables that have some. */
import { goingOnBehindRows } from "../../deltas/write/counters.js";
import { bareColumn } from "../../deltas/write/not-null.js";
import { statedIn } from "../../deltas/write/stated.js";
import type { WrittenStatement } from "../../deltas/write/written.js";
import { type Client, type ConnectionSettings, withClient } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { Parser } from "../../schema/parser.js";

/**
 * Cuts in two what adds a column without anything for the rows that are there, with a place held in between, and lets
 * new sequences go on behind the rows.
 *
 * @param database where to look whether a table has rows; where there is none, it is only said
 */
export async function withRowsInMind(
  statements: readonly WrittenStatement[],
  database: ConnectionSettings | undefined,
  parser: Parser,
): Promise<WrittenStatement[]> {
  const read = statements.map((statement) => ({ statement, stated: statedIn(statement.sql, parser) }));
  const counters = goingOnBehindRows(read.flatMap(({ stated }) => stated));
  const columns = read.map(({ statement, stated: [only] }) => ({
    statement,
    column: only === undefined ? null : bareColumn(only),
  }));
  const tables = columns.flatMap(({ column }) => (column === null ? [] : [column.table]));
  const isFilled = await whereRowsAre(tables, database);
  const filled = columns.flatMap(({ statement, column }) => {
    if (column === null) return [statement];
    if (isFilled(column.table)) return column.inTwo;
    return [{ ...statement, notes: [...statement.notes, "It is refused where the table has rows."] }];
  });
  return [...filled, ...counters];
}

/** Tells which of some tables have rows. One that is not there has none. */
async function whereRowsAre(
  tables: readonly (readonly string[])[],
  database: ConnectionSettings | undefined,
): Promise<(table: readonly string[]) => boolean> {
  if (tables.length === 0 || database === undefined) return () => false;
  const filled = await withClient(database, (client) => tablesWithRows(client, tables));
  return (table) => filled.has(JSON.stringify(table));
}

async function tablesWithRows(
  client: Client,
  tables: readonly (readonly string[])[],
): Promise<ReadonlySet<string>> {
  const filled = new Set<string>();
  for (const table of tables) {
    const name = table.map(quoteIdentifier).join(".");
    const { rows: there } = await client.query("SELECT WHERE to_regclass($1) IS NOT NULL", [name]);
    if (there.length === 0) continue;
    const { rows } = await client.query(`SELECT FROM ${name} LIMIT 1`);
    if (rows.length > 0) filled.add(JSON.stringify(table));
  }
  return filled;
}

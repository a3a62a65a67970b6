/**
 * Applies folders of statements as the plainest program would: one connection, one statement after another, a
 * transaction for each version.
 *
 * node bare-loop.js FILE, with DATABASE_URL; the file is a JSON list of { statements: string[], transaction: boolean }
 */
import { readFile } from "node:fs/promises";
import pg from "pg";

const versions = JSON.parse(await readFile(process.argv[2] ?? "", "utf8"));
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
for (const { statements, transaction } of versions) {
  if (transaction) await client.query("BEGIN");
  for (const sql of statements) await client.query(sql);
  if (transaction) await client.query("COMMIT");
}
await client.end();

/**
 * Every single change, alone: the schema is read before it and after it, the checksums differ, and the difference is
 * the change's own object and nothing else.
 *
 *     npm run test:schema-changes [-- TEXT]
 *
 * Each list of changes has a database of its own, copied from one template. A text narrows the run to the lists in
 * which a change has it in its SQL.
 */
import { readFile } from "node:fs/promises";
import { withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { isTold, mutate, readSchema, told } from "./mutation-check.js";
import { MUTATIONS, type Mutation } from "./mutations.js";

/** @returns what is wrong with each change that is not seen as it should be */
async function mistakesIn(database: TestDatabase, list: readonly Mutation[]): Promise<string[]> {
  const mistakes: string[] = [];
  let before = await readSchema(database.connection);
  for (const mutation of list) {
    await mutate(database, mutation);
    const after = await readSchema(database.connection);
    const lines = told(before, after);
    const others = lines.length - 1 - (mutation.also ?? 0);
    if (after.checksum === before.checksum || !isTold(mutation, before, after) || others !== 0) {
      mistakes.push(`${mutation.sql}\n     ${lines.join("\n     ") || "not seen"}`);
    }
    before = after;
  }
  return mistakes;
}

const rich = await readFile(new URL("../matrix/schemas/rich.sql", import.meta.url), "utf8");
const server = await startThrowAwayServer({ settings: { max_connections: "50" } });
try {
  const template = await freshDatabase(rich, server.connection);
  const [part = ""] = process.argv.slice(2);
  const lists = MUTATIONS.filter((list) => list.some(({ sql }) => sql.includes(part)));
  const copies: TestDatabase[] = [];
  for (const [index] of lists.entries()) {
    const name = `copy_${index}`;
    await withClient(server.connection, (client) =>
      client.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template.name)}`),
    );
    const connection = { ...template.connection, database: name };
    const query = (sql: string) =>
      withClient(connection, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
    copies.push({ ...template, name, connection, query });
  }
  const mistakes: string[] = [];
  const queue = lists.entries();
  const worker = async () => {
    for (const [index, list] of queue) {
      const database = copies[index];
      if (database !== undefined) mistakes.push(...(await mistakesIn(database, list)));
    }
  };
  await Promise.all([worker(), worker()]);
  for (const mistake of mistakes) console.log(`FAIL ${mistake}`);
  console.log(`${lists.flat().length - mistakes.length} passed, ${mistakes.length} failed`);
  process.exitCode = mistakes.length === 0 ? 0 : 1;
} finally {
  await server.stop();
}

/** Every single change to a schema changes its checksum, and is told under the object's own name. */
import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { dumpSchema } from "#src/postgres/dump.js";
import { canonicalSchema, diffSchemas, type Schema } from "#src/schema/index.js";
import { freshDatabase } from "../support/server.js";
import { MUTATIONS, type Mutation } from "./mutations.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

const rich = await readFile(new URL("../matrix/schemas/rich.sql", import.meta.url), "utf8");
const database = await freshDatabase(rich);

async function read(): Promise<Schema> {
  const schema = await canonicalSchema(await dumpSchema(database.connection, OPTIONS));
  assert.equal(schema.warnings, []);
  return schema;
}

function told(before: Schema, after: Schema): string[] {
  const { added, changed, dropped } = diffSchemas(before, after);
  return [
    ...added.map(({ id }) => `added ${id}`),
    ...changed.map(({ after: { id }, details }) => `changed ${id} (${details.join("; ")})`),
    ...dropped.map(({ id }) => `dropped ${id}`),
  ];
}

function isTold({ id, change, detail }: Mutation, before: Schema, after: Schema): boolean {
  const { added, changed, dropped } = diffSchemas(before, after);
  if (change === "added") return added.some((object) => object.id === id);
  if (change === "dropped") return dropped.some((object) => object.id === id);
  const found = changed.find((object) => object.after.id === id);
  return found?.details.some((line) => line.startsWith(detail ?? "")) ?? false;
}

const mutations = suite("a change of");

mutations(`${MUTATIONS.flat().length} kinds is seen and told`, async () => {
  assert.ok(MUTATIONS.flat().length >= 150);
  let before = await read();
  const missed: string[] = [];
  const rounds = Math.max(...MUTATIONS.map((list) => list.length));
  for (let round = 0; round < rounds; round++) {
    const made = MUTATIONS.flatMap((list) => list[round] ?? []);
    for (const { sql } of made) {
      await database.query(sql).catch((error: unknown) => {
        throw new Error(`${sql}: ${String(error)}`);
      });
    }
    const after = await read();
    for (const mutation of made.filter((each) => !isTold(each, before, after))) {
      missed.push(`${mutation.sql}: ${told(before, after).join(", ")}`);
    }
    before = after;
  }
  assert.equal(missed, []);
});

mutations.run();

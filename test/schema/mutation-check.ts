/** Reading a database that is changed, and judging whether the change is seen. */
import * as assert from "uvu/assert";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { dumpSchema } from "#src/postgres/dump.js";
import { canonicalSchema, diffSchemas, type Schema } from "#src/schema/index.js";
import type { TestDatabase } from "../support/server.js";
import type { Mutation } from "./mutations.js";

const OPTIONS = { program: "bundled", owners: false, tablespaces: false, subscriptions: false } as const;

export async function readSchema(connection: ConnectionSettings): Promise<Schema> {
  const schema = await canonicalSchema(await dumpSchema(connection, OPTIONS));
  assert.equal(schema.warnings, []);
  return schema;
}

/** Makes a change; a mistake in it is told with its SQL. */
export async function mutate(database: TestDatabase, { sql }: Mutation): Promise<void> {
  await database.query(sql).catch((error: unknown) => {
    throw new Error(`${sql}: ${String(error)}`);
  });
}

/** What differs, one line for each object. */
export function told(before: Schema, after: Schema): string[] {
  const { added, changed, dropped } = diffSchemas(before, after);
  return [
    ...added.map(({ id }) => `added ${id}`),
    ...changed.map(({ after: { id }, details }) => `changed ${id} (${details.join("; ")})`),
    ...dropped.map(({ id }) => `dropped ${id}`),
  ];
}

/** Whether a change is told under its own object and in its own words. */
export function isTold({ id, change, detail }: Mutation, before: Schema, after: Schema): boolean {
  const { added, changed, dropped } = diffSchemas(before, after);
  if (change === "added") return added.some((object) => object.id === id);
  if (change === "dropped") return dropped.some((object) => object.id === id);
  const found = changed.find((object) => object.after.id === id);
  return found?.details.some((line) => line.startsWith(detail ?? "")) ?? false;
}

/**
 * Every single change to a schema is seen, and told under the object's own name. Here many are made before each
 * reading; each-mutation.ts makes them one by one, which takes minutes.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PACKAGE } from "../support/project.js";
import { freshDatabase } from "../support/server.js";
import { isTold, mutate, readSchema, told } from "./mutation-check.js";
import { MUTATIONS } from "./mutations.js";

const rich = await readFile(join(PACKAGE, "test/matrix/schemas/rich.sql"), "utf8");
const database = await freshDatabase(rich);

const mutations = suite("a change of");

mutations(`${MUTATIONS.flat().length} kinds is seen and told`, async () => {
  assert.ok(MUTATIONS.flat().length >= 150);
  let before = await readSchema(database.connection);
  const missed: string[] = [];
  const rounds = Math.max(...MUTATIONS.map((list) => list.length));
  for (let round = 0; round < rounds; round++) {
    const made = MUTATIONS.flatMap((list) => list[round] ?? []);
    for (const mutation of made) await mutate(database, mutation);
    const after = await readSchema(database.connection);
    for (const mutation of made.filter((each) => !isTold(each, before, after))) {
      missed.push(`${mutation.sql}: ${told(before, after).join(", ")}`);
    }
    before = after;
  }
  assert.equal(missed, []);
});

mutations.run();

/** No two statements that differ in meaning have one canonical form. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalSchema } from "#src/schema/index.js";
import { DISTINCT } from "./distinct-statements.js";

const distinct = suite("statements that differ");

distinct(`have different checksums, ${DISTINCT.flat().length} of them`, async () => {
  const same: string[] = [];
  for (const group of DISTINCT) {
    const seen = new Map<string, string>();
    for (const sql of group) {
      const { checksum, warnings } = await canonicalSchema(sql);
      assert.equal(warnings, [], sql);
      const other = seen.get(checksum);
      if (other !== undefined) same.push(`${other} / ${sql}`);
      seen.set(checksum, sql);
    }
  }
  assert.equal(same, []);
});

distinct.run();

import { diffSchemas, renderDiff, type Schema } from "../schema/index.js";
import { objectChanges } from "./check.js";
import type { DiffResult } from "./results.js";
import { parseSource, readSource, sourceName } from "./schema-source.js";
import type { CommandOptions } from "./session.js";

/**
 * What differs between two schemas, object by object.
 *
 * @param from a schema source, see `hash`
 * @param to a schema source
 * @example (await diff("shopdb@head", "shopdb")).changes
 */
export async function diff(from: string, to: string, options: CommandOptions = {}): Promise<DiffResult> {
  const sources = [parseSource(from), parseSource(to)] as const;
  const [before, after] = await Promise.all(
    sources.map(async (source) => (await readSource(source, options)).canonical()),
  );
  if (!before || !after) throw new RangeError("two sources are needed");
  return {
    from: sourceName(sources[0]),
    to: sourceName(sources[1]),
    differs: before.checksum !== after.checksum,
    changes: changesWithLines(before, after),
    warnings: [...new Set([...before.warnings, ...after.warnings])],
  };
}

/** Both lists hold the same objects in the same order. */
function changesWithLines(before: Schema, after: Schema): DiffResult["changes"] {
  const lines = renderDiff(diffSchemas(before, after)).map((object) => [...object.lines]);
  return objectChanges(before, after).map((change, index) => ({ ...change, lines: lines[index] ?? [] }));
}

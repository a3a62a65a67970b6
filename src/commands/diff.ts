import { diffSchemas, type Schema, type SchemaObject } from "../schema/index.js";
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
    changes: await changesBetween(before, after),
    warnings: [...new Set([...before.warnings, ...after.warnings])],
  };
}

type Change = DiffResult["changes"][number];

async function changesBetween(before: Schema, after: Schema): Promise<Change[]> {
  const { added, changed, dropped } = diffSchemas(before, after);
  const { diffLines } = await import("diff");
  const lines = (from: string, to: string): Change["lines"] =>
    diffLines(from, to).flatMap(({ value, added: isAdded, removed }) =>
      value
        .replace(/\n$/, "")
        .split("\n")
        .map((text) => ({
          sign: isAdded ? ("+" as const) : removed ? ("-" as const) : (" " as const),
          text,
        })),
    );
  const whole = (change: "added" | "dropped", object: SchemaObject): Change => ({
    change,
    type: object.type,
    name: object.name,
    details: [],
    lines: change === "added" ? lines("", object.sql) : lines(object.sql, ""),
  });
  return [
    ...added.map((object) => whole("added", object)),
    ...changed.map(({ before: from, after: to, details }) => ({
      change: "changed" as const,
      type: to.type,
      name: to.name,
      details: [...details],
      lines: lines(from.sql, to.sql),
    })),
    ...dropped.map((object) => whole("dropped", object)),
  ];
}

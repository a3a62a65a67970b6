import { ConfigError } from "../errors.js";
import { renderDiff, type SchemaDiff } from "../schema/index.js";
import { compareSchemas } from "./compare.js";
import type { SchemaText } from "./live-schema.js";
import { changesOf } from "./object-changes.js";
import type { DiffResult } from "./results.js";
import { databaseOf, parseSource, readSource, refuseUrlForTwo, sourceName } from "./schema-source.js";
import type { CommandOptions } from "./session.js";

/**
 * What differs between two schemas, object by object. Where their texts cannot decide, an embedded server does.
 *
 * @param from a schema source, see `hash`
 * @param to a schema source
 * @throws ConfigError `SETTINGS_DIFFER` where the two count other things as schema
 * @example (await diff("shopdb@head", "shopdb")).changes
 */
export async function diff(from: string, to: string, options: CommandOptions = {}): Promise<DiffResult> {
  const [before, after] = [parseSource(from), parseSource(to)];
  refuseUrlForTwo([before, after], options);
  const like = databaseOf(before) ?? databaseOf(after);
  const [old, now] = await Promise.all([readSource(before, options, like), readSource(after, options, like)]);
  refuseSettingsThatDiffer(old, now);
  const compared = await compareSchemas(old, now, { progress: options.progress ?? (() => undefined) });
  return {
    from: sourceName(before),
    to: sourceName(after),
    differs: compared.differs,
    byServer: compared.byServer,
    changes: changesWithLines(compared.diff),
    warnings: [...compared.warnings],
  };
}

/** Both lists hold the same objects in the same order. */
function changesWithLines(found: SchemaDiff): DiffResult["changes"] {
  const lines = renderDiff(found).map((object) => [...object.lines]);
  return changesOf(found).map((change, index) => ({ ...change, lines: lines[index] ?? [] }));
}

/** @throws ConfigError `SETTINGS_DIFFER` where two schemas count other things as schema */
export function refuseSettingsThatDiffer(from: SchemaText, to: SchemaText): void {
  const [one, other] = [from, to].map(({ settings }) => JSON.stringify(settings));
  if (one === other) return;
  throw new ConfigError("SETTINGS_DIFFER", "The two count other things as schema.", {
    where: `from: ${one}, to: ${other}`,
    hint: 'Give both the same "schema" settings in wovtools/config.json.',
  });
}

/** Is a schema the one of an archived version? */
import type { Archive } from "../../archive/read.js";
import type { Version } from "../../archive/versions.js";
import type { ProjectDatabase } from "../../config/project.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { SchemaDiff } from "../../schema/index.js";
import { changeLines } from "../change-text.js";
import { archivedSchemaText, isSchemaOf } from "../database-state.js";
import type { SchemaText } from "../live-schema.js";
import { changesOf } from "../object-changes.js";

/** Where schemas are compared: the archive, and a server to ask where text cannot decide. */
export interface DifferencePlace {
  readonly archive: Archive;
  readonly database: ProjectDatabase;
  readonly near: ConnectionSettings;
  readonly progress: (doing: string) => void;
  /** Only whether they differ is asked. */
  readonly verdictOnly?: boolean | undefined;
}

/**
 * What a schema has changed since a version; null where it is that version's.
 *
 * @throws ConfigError `SETTINGS_CHANGED`
 */
export async function differenceFrom(
  version: Version,
  live: SchemaText,
  place: DifferencePlace,
): Promise<SchemaDiff | null> {
  if (await isSchemaOf(place, live, version)) return null;
  const archived = await archivedSchemaText(place, version.key);
  const { compareSchemas } = await import("../compare.js");
  const { differs, diff } = await compareSchemas(archived, live, place);
  return differs ? diff : null;
}

/** Whether there is no difference. */
export function isNoDifference({ added, changed, dropped }: SchemaDiff): boolean {
  return added.length + changed.length + dropped.length === 0;
}

/** The ids of the objects that differ. */
export function idsOf({ added, changed, dropped }: SchemaDiff): string[] {
  return [...added, ...changed.map(({ after }) => after), ...dropped].map(({ id }) => id);
}

/** What of a difference was not there before. */
export function newIn(diff: SchemaDiff, before: ReadonlySet<string>): SchemaDiff {
  return {
    added: diff.added.filter(({ id }) => !before.has(id)),
    changed: diff.changed.filter(({ after: { id } }) => !before.has(id)),
    dropped: diff.dropped.filter(({ id }) => !before.has(id)),
  };
}

const SHOWN = 40;

/** A difference for a message, one object a line. */
export function diffLines(diff: SchemaDiff): string {
  const lines = changeLines(changesOf(diff));
  const rest = lines.length - SHOWN;
  return [...lines.slice(0, SHOWN), ...(rest > 0 ? [`  and ${rest} lines more`] : [])].join("\n");
}

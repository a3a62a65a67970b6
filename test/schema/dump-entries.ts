/** Dumps made of entries, for tests that take a dump apart. */
import type { Entry } from "#src/schema/dump.js";

/** A dump with these entries. */
export function written(entries: readonly Entry[]): string {
  const texts = entries.map(({ name, type, schema, sql, accessMethod }) => {
    const heading = `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema ?? "-"}; Owner: -\n--`;
    return `SET default_table_access_method = ${accessMethod};\n\n${heading}\n\n${sql}\n\n\n`;
  });
  return `${texts.join("")}--\n-- PostgreSQL database dump complete\n--\n`;
}

/** Whether an entry is about the tool's own tables. */
export function isOwn({ name }: Entry): boolean {
  return /^(?:TABLE )?wo_(?:objects|migrations)\b/.test(name);
}

/** Whether an entry makes something only so that others can refer to it. */
export function isPlaceholder({ type, sql }: Entry): boolean {
  return type === "SHELL TYPE" || (type === "VIEW" && /^CREATE VIEW [^;]* AS\nSELECT\n/.test(sql));
}

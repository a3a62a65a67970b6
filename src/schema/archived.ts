/** The schema as it is archived: pg_dump's own text without what changes from one dump to the next. */
import { hash } from "node:crypto";
import { type Dump, type Entry, readDump } from "./dump.js";
import { DEFAULT_SETTINGS, OWN_SCHEMA, OWN_TABLES, type SchemaSettings } from "./settings.js";

/** What a session needs to load a schema, and what servers from 13 on have; pg_dump's own list grows with versions. */
const SESSION = `SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
`;

const NAME = '(?:"(?:[^"]|"")+"|[\\w$\\u0080-\\uffff]+)';
/** pg_dump writes the owner below the object, as the last statement of its entry. */
const OWNER = new RegExp(`\\n\\nALTER [^\\n]+ OWNER TO ${NAME};$`);

/**
 * The dump as pg_dump wrote it, less the noise: the random key of `\restrict`, minor versions, settings that only
 * some servers know, and, unless asked for, owners and tablespaces. The tool's own tables are left out.
 *
 * psql loads it with `-f`, a client as one query; the session is left with an empty search path. The same database
 * gives the same text each time.
 *
 * @param dump what `pg_dump --schema-only` wrote; what this function made before comes back unchanged
 * @returns SQL whose {@link canonicalSchema} has the checksum of the dump's
 */
export function archivedSchema(dump: string, settings: Partial<SchemaSettings> = {}): string {
  return archivedText(archivedDump(dump, settings), settings);
}

/** The entries of the archived text, for who has no need of it as text: their canonical form is the same. */
export function archivedDump(dump: string | Dump, settings: Partial<SchemaSettings> = {}): Dump {
  const read = typeof dump === "string" ? readDump(dump) : dump;
  const own = withPublicPrivileges(read).filter((entry) => !isOwn(entry));
  const entries =
    settings.owners === true ? own : own.map((entry) => ({ ...entry, sql: entry.sql.replace(OWNER, "") }));
  return { server: read.server, program: null, entries };
}

/** @param dump of {@link archivedDump}, with the same settings */
export function archivedText({ server, entries }: Dump, settings: Partial<SchemaSettings> = {}): string {
  const all = { ...DEFAULT_SETTINGS, ...settings };
  const from = server === null ? "" : `-- Dumped from database version ${server}\n\n`;
  const state = { tablespace: "", accessMethod: "heap" };
  let text = `${from}${SESSION}`;
  for (const entry of entries) {
    const { sql } = entry;
    text += stateChanges(state, entry, all);
    text +=
      entry.type === "" ? `\n${sql}\n` : `\n${headingOf(entry, all)}\n\n${sql === "" ? "" : `${sql}\n\n`}`;
  }
  return text;
}

/**
 * A checksum of the archived text, much faster than the canonical form: where two are equal, the schemas are, and
 * where they differ, the schemas may still be equal.
 *
 * @returns SHA-256 in hexadecimal of {@link archivedSchema}
 */
export function fingerprintOfDump(dump: string, settings: Partial<SchemaSettings> = {}): string {
  return hash("sha256", archivedSchema(dump, settings));
}

function headingOf({ name, type, schema, owner }: Entry, { owners }: SchemaSettings): string {
  const by = owners ? (owner ?? "-") : "-";
  return `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema ?? "-"}; Owner: ${by}\n--`;
}

function stateChanges(
  state: { tablespace: string; accessMethod: string },
  entry: Entry,
  { tablespaces }: SchemaSettings,
): string {
  let text = "";
  if (tablespaces && entry.tablespace !== state.tablespace) {
    text += `\nSET default_tablespace = ${entry.tablespace === "" ? "''" : entry.tablespace};\n`;
    state.tablespace = entry.tablespace;
  }
  if (entry.accessMethod !== state.accessMethod) {
    text += `\nSET default_table_access_method = ${entry.accessMethod};\n`;
    state.accessMethod = entry.accessMethod;
  }
  return text;
}

const OWN = [...OWN_TABLES].join("|");
/** The whole of a heading's name, in which a name that needs quotes has them; a table's own name has none. */
const OF_OWN_TABLE = new RegExp(`^(?:TABLE (?:${OWN})$|COLUMN (?:${OWN})\\.)`);
/** A constraint's heading has no quotes, so that a table named `wo_objects old` is not to be told there. */
const OWN_CONSTRAINT = new RegExp(`^ALTER TABLE (?:ONLY )?${NAME}\\.(?:${OWN})\\s`);

/** `wo_objects`, and what belongs to it. */
function isOwn({ name, type, schema, sql }: Entry): boolean {
  if (schema === OWN_SCHEMA || (type === "SCHEMA" && name === OWN_SCHEMA)) return true;
  if (name === `SCHEMA ${OWN_SCHEMA}`) return true;
  if (type === "TABLE") return OWN_TABLES.has(name);
  if (type === "CONSTRAINT") return OWN_CONSTRAINT.test(sql);
  return (type === "COMMENT" || type === "ACL") && OF_OWN_TABLE.test(name);
}

/**
 * A new database of 15 or later gives PUBLIC no CREATE in `public`, one of 14 does, and pg_dump writes the
 * difference from what 15 does. The archive holds the difference from what the server itself does, so that
 * it is loaded into a new database of any version with the same meaning.
 */
function withPublicPrivileges({ server, program, entries }: Dump): readonly Entry[] {
  const isWrittenFor15 = server !== null && server < 15 && program !== null && program >= 15;
  const schema = entries.findIndex((entry) => entry.type === "SCHEMA" && entry.name === "public");
  if (!isWrittenFor15 || schema < 0) return entries;
  const acl = entries.find((entry) => entry.type === "ACL" && entry.name === "SCHEMA public");
  const asBy14 =
    /^REVOKE USAGE ON SCHEMA public FROM PUBLIC;\n(?:GRANT ALL ON SCHEMA public TO PUBLIC;)(?:\n|$)/m;
  if (acl !== undefined && / (?:FROM|TO) PUBLIC;/.test(acl.sql)) {
    const changed = { ...acl, sql: acl.sql.replace(asBy14, "").trim() };
    return entries.flatMap((entry) => (entry !== acl ? [entry] : changed.sql === "" ? [] : [changed]));
  }
  const revoked = "REVOKE CREATE ON SCHEMA public FROM PUBLIC;";
  if (acl !== undefined) {
    return entries.map((entry) => (entry === acl ? { ...acl, sql: `${revoked}\n${acl.sql}` } : entry));
  }
  const own: Entry = {
    name: "SCHEMA public",
    type: "ACL",
    schema: null,
    owner: null,
    sql: revoked,
    tablespace: "",
    accessMethod: entries.at(-1)?.accessMethod ?? "heap",
  };
  return [...entries, own];
}

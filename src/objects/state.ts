/** What a database says about its objects: the bookkeeping, what exists, what depends on what. */
import type { Client } from "../postgres/connection.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { idOf, KINDS, type KindType, type ObjectName } from "./kinds.js";
import { EXISTING } from "./state-queries.js";

/** A row of `wo_objects`, without the script. */
export interface Recorded {
  readonly id: string;
  readonly md5: string;
  readonly path: string;
  readonly dependsOn: readonly string[];
  readonly requiredBy: readonly string[];
}

/** Where an object stands in the catalogues. */
export interface Address {
  readonly classId: number;
  readonly objectId: number;
}

/** An object that exists. The overloads of a function are one each, under one id. */
export interface Existing extends Address {
  readonly name: ObjectName;
}

/** One thing that depends on another, as pg_depend has it. */
export interface Dependency {
  readonly of: Address;
  /** The number of the column that depends; 0 where all of it does. */
  readonly ofColumn: number;
  readonly on: Address;
  readonly onColumn: number;
  /** What depends, in PostgreSQL's words. */
  readonly description: string;
  /** `n` normal, `a` automatic, `i` internal, `e` of an extension, `P` and `S` of a partition. */
  readonly kind: string;
}

/** A role, and what keeps it from being dropped. */
export interface RoleFacts {
  readonly name: string;
  /** What it owns in this database or of the server, in PostgreSQL's words. */
  readonly owns: readonly string[];
  /** Other databases where something is granted to it or owned by it. */
  readonly elsewhere: readonly string[];
  /** Policies of this database that name it. */
  readonly policies: readonly PolicyRoles[];
  /** Roles that it is a member of. */
  readonly memberOf: readonly Membership[];
  /** Roles that are members of it. */
  readonly members: readonly Membership[];
}

export interface PolicyRoles {
  /** Schema, table, name. */
  readonly parts: readonly string[];
  readonly roles: readonly string[];
}

export interface Membership {
  readonly role: string;
  readonly admin: boolean;
}

/** The state of a database, as far as a tree is concerned. */
export interface ObjectsState {
  /** The schema of the bookkeeping's tables; null where they are missing. */
  readonly bookkeeping: string | null;
  readonly recorded: ReadonlyMap<string, Recorded>;
  /** The migrations recorded, in order; none where none ever was. */
  readonly migrations: readonly string[];
  /** By id. */
  readonly existing: ReadonlyMap<string, readonly Existing[]>;
  /** The role of the session. */
  readonly role: string;
  readonly isSuperuser: boolean;
  /** Ids of objects that are known to be as their scripts say, though nothing may be recorded of them. */
  readonly asScripted: ReadonlySet<string>;
  /** Around the objects that may be dropped, and what the migrations to come alter. */
  readonly dependents: Dependents;
}

/** What depends on objects. */
export interface Dependents {
  readonly dependencies: readonly Dependency[];
  /** Functions as DROP has them, e.g. `public.f(integer)`, by `keyOf`. */
  readonly signatures: ReadonlyMap<string, string>;
  /** Numbers of the columns of those that are tables, by `columnKey`. */
  readonly columns: ReadonlyMap<string, number>;
  /** The recorded scripts of the objects that may be dropped, by id. */
  readonly scripts: ReadonlyMap<string, string>;
  /** Roles that may be dropped or made again, by name. */
  readonly roles: ReadonlyMap<string, RoleFacts>;
}

/** A state in which there is nothing. */
export const NOTHING: ObjectsState = {
  bookkeeping: null,
  recorded: new Map(),
  migrations: [],
  existing: new Map(),
  role: "",
  isSuperuser: false,
  asScripted: new Set(),
  dependents: {
    dependencies: [],
    signatures: new Map(),
    columns: new Map(),
    scripts: new Map(),
    roles: new Map(),
  },
};

/** Whether a database has an object because every new one has it, or because it is the server's. */
export function isInEveryDatabase(id: string): boolean {
  return id === "schema.public" || id === "extension.plpgsql" || id.startsWith("role.");
}

/** A thing in the catalogues as one word. */
export function keyOf({ classId, objectId }: Address): string {
  return `${classId} ${objectId}`;
}

interface PlaceRow {
  readonly schema: string | null;
  readonly role: string;
  readonly super: boolean;
}

/** wo's tables are where the session's search path led when they were made. */
const PLACE = `
  SELECT (SELECT nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relname = 'wo_objects' AND c.relkind IN ('r', 'p')
      ORDER BY array_position(current_schemas(false), n.nspname), n.nspname LIMIT 1) AS schema,
    current_user AS role,
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS super`;

interface RecordedRow {
  readonly id: string;
  readonly md5: string | null;
  readonly path: string | null;
  readonly depends: string | null;
  readonly required: string | null;
}

interface ExistingRow {
  readonly type: string;
  /** With a character between that no name has. */
  readonly parts: string;
  readonly class: number;
  readonly object: number;
}

/** Reads all but what depends on what: three questions, five where there is a bookkeeping. */
export async function readBase(client: Client): Promise<ObjectsState> {
  const place = (await client.query<PlaceRow>(PLACE)).rows[0];
  const schema = place?.schema ?? null;
  const recorded = schema === null ? [] : await readRecorded(client, schema);
  const { rows } = await client.query<ExistingRow>(EXISTING);
  return {
    ...NOTHING,
    bookkeeping: schema,
    recorded: new Map(recorded.map((row) => [row.id, row])),
    migrations: schema === null ? [] : await readMigrations(client, schema),
    existing: gatherExisting(rows),
    role: place?.role ?? "",
    isSuperuser: place?.super === true,
  };
}

/** Lists come as text, since thousands of arrays take long to read. An id has no line ends. */
async function readRecorded(client: Client, schema: string): Promise<Recorded[]> {
  const { rows } = await client.query<RecordedRow>(
    `SELECT po_id AS id, po_md5 AS md5, po_path AS path, array_to_string(po_depends_on, E'\\n') AS depends,
       array_to_string(po_required_by, E'\\n') AS required
     FROM ${quoteIdentifier(schema)}.wo_objects ORDER BY po_id`,
  );
  const list = (text: string | null) => (text ? text.split("\n") : []);
  return rows.map(({ id, md5, path, depends, required }) => ({
    id,
    md5: md5 ?? "",
    path: path ?? "",
    dependsOn: list(depends),
    requiredBy: list(required),
  }));
}

/** In the order of the files' names, which is no language's. */
async function readMigrations(client: Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ pm_id: string }>(
    `SELECT pm_id FROM ${quoteIdentifier(schema)}.wo_migrations ORDER BY pm_id COLLATE "C"`,
  );
  return rows.map((row) => row.pm_id);
}

const TYPES: ReadonlyMap<string, KindType> = new Map(KINDS.map(({ type }) => [type, type]));

function gatherExisting(rows: readonly ExistingRow[]): Map<string, Existing[]> {
  const existing = new Map<string, Existing[]>();
  for (const { type: word, parts: joined, class: classId, object: objectId } of rows) {
    const parts = joined.split("\u0001");
    const type = TYPES.get(word);
    if (type === undefined) throw new RangeError(`no kind of object is called ${word}`);
    const name = { type, parts };
    const id = idOf(name);
    const same = existing.get(id);
    if (same === undefined) existing.set(id, [{ name, classId, objectId }]);
    else same.push({ name, classId, objectId });
  }
  return existing;
}

export async function readScripts(
  client: Client,
  schema: string | null,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (schema === null || ids.length === 0) return new Map();
  const { rows } = await client.query<{ id: string; script: string | null }>(
    `SELECT po_id AS id, po_script AS script FROM ${quoteIdentifier(schema)}.wo_objects WHERE po_id = ANY ($1::text[])`,
    [ids],
  );
  return new Map(rows.map(({ id, script }) => [id, script ?? ""]));
}

/** The key of a column in `Dependents.columns`. */
export function columnKey({ classId, objectId }: Address, column: string): string {
  return `${classId} ${objectId} ${column}`;
}

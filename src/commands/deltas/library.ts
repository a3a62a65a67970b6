/**
 * The library that writes the difference of two databases as SQL. It is an alpha, so nothing but this module knows
 * it, and what it says is tried before it is believed.
 */
import type { Action, ExtractResult, StableId } from "@supabase/pg-delta";
import type { DataHolder, DrawnStatement } from "../../deltas/write/careful.js";
import { type ConnectionSettings, withPool } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import { qualified, readable } from "../../schema/names.js";
import type { Parser } from "../../schema/parser.js";
import { ignoredBy, type SchemaSettings } from "../../schema/settings.js";
import type { RenameCandidate } from "./renames.js";

export interface LibraryPlan {
  /** In the order in which they are to run. */
  readonly statements: readonly DrawnStatement[];
  readonly renames: readonly RenameCandidate[];
}

/** What the library has read of a database. */
export interface LibraryFacts {
  readonly extracted: ExtractResult;
  /** The role that read it, which owns all of a shadow whose schema says nothing about owners. */
  readonly reader: string;
}

/** Loads the library beside other work. That it cannot be loaded is told to whoever needs it. */
export function loadLibraryAhead(): void {
  void Promise.allSettled([import("@supabase/pg-delta/extract"), import("@supabase/pg-delta/plan")]);
}

/** Reads a database. Nobody else's transactions are held up, and nothing is changed. */
export async function readFacts(connection: ConnectionSettings): Promise<LibraryFacts> {
  const { extract } = await import("@supabase/pg-delta/extract");
  // Secrets stand in the archived schema as they are; without them no difference of theirs could be written.
  return withPool(connection, async (pool) => {
    const { rows } = await pool.query<{ reader: string }>("SELECT current_user AS reader");
    return { extracted: await extract(pool, { redactSecrets: false }), reader: rows[0]?.reader ?? "" };
  });
}

/**
 * Asks the library for what leads from one database to another. Both are on one server, so roles are no difference.
 *
 * @returns null where the library gives up
 */
export async function planDifference(
  from: LibraryFacts,
  to: LibraryFacts,
  settings: SchemaSettings,
  parser: Parser,
): Promise<LibraryPlan | null> {
  const { plan } = await import("@supabase/pg-delta/plan");
  let planned: ReturnType<typeof plan>;
  try {
    planned = plan(from.extracted.factBase, to.extracted.factBase, { renames: "prompt" });
  } catch (error) {
    // It throws where a difference is beyond it. Whatever else goes wrong in it, too, is left to our own statements.
    if (error instanceof Error) return null;
    throw error;
  }
  const counts = countedBy(settings);
  const made = new Set(planned.actions.flatMap(({ produces }) => produces.map((id) => JSON.stringify(id))));
  const statements = planned.actions
    .filter(({ produces, destroys, consumes }) => {
      const about = [...produces, ...destroys];
      return (about.length > 0 ? about : consumes.slice(0, 1)).some(counts);
    })
    .filter((action) => settings.owners || !isOwnersRight(action, from.reader))
    .filter((action) => settings.owners || !isNeedlessRevoke(action, from, made))
    .flatMap(({ sql, produces, destroys }) => {
      const plain = sql.trim().replace(/;$/, "");
      const said = settings.owners ? plain : withoutOwner(plain);
      if (said === null || !parses(said, parser)) return [];
      return [{ sql: said, destroys: destroys.flatMap(holderOfData), makes: produces.flatMap(holderOfData) }];
    });
  const renames = planned.renameCandidates.flatMap(({ from: old, to: now, status }): RenameCandidate[] => {
    const sql = renaming(old, now);
    if (sql === null || !counts(old)) return [];
    return [
      { kind: kindOf(old), from: nameOf(old), to: nameOf(now), isCertain: status !== "ambiguous", sql },
    ];
  });
  return { statements, renames };
}

/** Says who owns something: as good as nothing where owners do not count, and in the way on another server. */
const OWNER = /^ALTER [^;]* OWNER TO [^;]*$/s;
const AUTHORIZATION = /^(CREATE SCHEMA (?:"(?:[^"]|"")+"|\S+)) AUTHORIZATION .*$/s;

/** A statement that does not parse is a mistake of the library's; what it was for is left to our own. */
function parses(sql: string, parser: Parser): boolean {
  try {
    return parser.parse(sql).stmts?.length === 1;
  } catch {
    return false;
  }
}

function withoutOwner(sql: string): string | null {
  return OWNER.test(sql) ? null : sql.replace(AUTHORIZATION, "$1");
}

/** Whether a statement is only about what an owner may do with what it owns. */
function isOwnersRight({ sql, produces, consumes }: Action, owner: string): boolean {
  if (!/^(?:GRANT|REVOKE) /.test(sql)) return false;
  const grantees = produces.flatMap((id) => (id.kind === "acl" ? [id.grantee] : []));
  const roles = consumes.flatMap((id) => (id.kind === "role" ? [id.name] : []));
  const named = [...grantees, ...roles];
  return named.length > 0 && named.every((role) => role === owner);
}

/**
 * Whether a statement takes away what a role never had. The library begins whatever it grants with a REVOKE, since an
 * object may have come with privileges; one that was there, and on which the role has none, has not.
 *
 * @param made what the plan makes, or makes anew
 */
function isNeedlessRevoke(
  { sql, produces }: Action,
  { extracted: { factBase }, reader }: LibraryFacts,
  made: ReadonlySet<string>,
): boolean {
  if (!sql.startsWith("REVOKE ALL ")) return false;
  const [id, ...others] = produces;
  if (id?.kind !== "acl" || others.length > 0) return false;
  // Nothing is noted of what PUBLIC and the owner have by themselves.
  if (id.grantee === "PUBLIC" || id.grantee === reader) return false;
  return factBase.has(id.target) && !factBase.has(id) && !made.has(JSON.stringify(id.target));
}

/** Whether an object counts, as the settings have it. */
function countedBy(settings: SchemaSettings): (id: StableId) => boolean {
  const ignored = ignoredBy(settings);
  const counts = (id: StableId): boolean => {
    if ("target" in id) return counts(id.target);
    if (id.kind === "schema") return !ignored.schema(id.name);
    if (!("schema" in id) || id.schema === null) return true;
    const table = "table" in id ? id.table : TABLES.has(id.kind) && "name" in id ? id.name : null;
    return table === null ? !ignored.schema(id.schema) : !ignored.table(id.schema, table);
  };
  return counts;
}

const TABLES: ReadonlySet<string> = new Set(["table", "view", "materializedView", "foreignTable"]);

/** What rows are lost with. */
function holderOfData(id: StableId): DataHolder[] {
  if (id.kind === "table") return [{ table: `table ${nameOf(id)}`, column: null }];
  if (id.kind !== "column") return [];
  return [{ table: `table ${qualified(id.schema, readable(id.table))}`, column: id.name }];
}

function nameOf(id: StableId): string {
  if ("table" in id && "name" in id)
    return `${qualified(id.schema, readable(id.table))}.${readable(id.name)}`;
  if (id.kind === "typeAttribute") return `${qualified(id.schema, readable(id.type))}.${readable(id.name)}`;
  if ("schema" in id && "name" in id) return qualified(id.schema, readable(id.name));
  return "name" in id ? readable(id.name) : id.kind;
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ["materializedView", "materialized view"],
  ["foreignTable", "foreign table"],
  ["typeAttribute", "attribute"],
]);

function kindOf({ kind }: StableId): string {
  return WORDS.get(kind) ?? kind;
}

/** By `ALTER kind name RENAME TO new`; nothing that holds data is of another kind. */
const RENAMED_BY_NAME: ReadonlySet<string> = new Set([
  "table",
  "view",
  "materializedView",
  "foreignTable",
  "sequence",
  "index",
  "collation",
  "domain",
  "type",
]);

/** The statement that renames; null for kinds that lose nothing when they are dropped and made anew. */
function renaming(from: StableId, to: StableId): string | null {
  const quoted = (...names: string[]) => names.map(quoteIdentifier).join(".");
  if (!("name" in to)) return null;
  const name = quoteIdentifier(to.name);
  if (from.kind === "schema") return `ALTER SCHEMA ${quoted(from.name)} RENAME TO ${name}`;
  if (from.kind === "column")
    return `ALTER TABLE ${quoted(from.schema, from.table)} RENAME COLUMN ${quoted(from.name)} TO ${name}`;
  if (from.kind === "constraint")
    return `ALTER TABLE ${quoted(from.schema, from.table)} RENAME CONSTRAINT ${quoted(from.name)} TO ${name}`;
  if (from.kind === "typeAttribute")
    return `ALTER TYPE ${quoted(from.schema, from.type)} RENAME ATTRIBUTE ${quoted(from.name)} TO ${name} CASCADE`;
  if (!RENAMED_BY_NAME.has(from.kind) || !("schema" in from) || !("name" in from) || from.schema === null)
    return null;
  return `ALTER ${kindOf(from).toUpperCase()} ${quoted(from.schema, from.name)} RENAME TO ${name}`;
}

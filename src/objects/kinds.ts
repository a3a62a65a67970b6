/**
 * The kinds of object that the tree holds, and how a script's file name says which object it makes.
 *
 * Ids are those of wo 2.2.1: the file's name in lower case, behind the kind's word. Names that the server folds to
 * lower case are written as they are; see {@link encodePart} for the others.
 */
import { ConfigError } from "../errors.js";

/** What one part of a file's name says. */
export type PartName = "schema" | "table" | "name";

/** The word of a kind, as it stands at the beginning of an id. */
export type KindType =
  | "schema"
  | "extension"
  | "type"
  | "domain"
  | "sequence"
  | "table"
  | "function"
  | "procedure"
  | "aggregate"
  | "view"
  | "materialized-view"
  | "index"
  | "constraint"
  | "trigger"
  | "rule"
  | "policy"
  | "event-trigger"
  | "role";

/** A kind of object. */
export interface Kind {
  readonly type: KindType;
  /** The folder of its scripts in the tree. */
  readonly directory: string;
  /** The parts of a script's file name, without `.sql`; they are parted by dots. */
  readonly parts: readonly PartName[];
  /** In PostgreSQL's words, as DROP and COMMENT ON have it. */
  readonly sql: string;
  /**
   * What a changed script (another md5) leads to.
   *
   * - `remake`: the object is made again by its script
   * - `prove`: migrations change it, and the run stops unless the script makes what they have left
   * - `tell`: migrations change it; the plan says that the script changed, and nothing else is done
   */
  readonly change: "remake" | "prove" | "tell";
  /** Whether the object is dropped when its script is gone. What holds rows or a count is not. */
  readonly drops: boolean;
  /** Whether one that exists, but is in no bookkeeping, is left as it is and entered; the others are made again. */
  readonly adopts: boolean;
}

const OF_SCHEMA = ["schema", "name"] as const;
const OF_TABLE = ["schema", "table", "name"] as const;
const ALONE = ["name"] as const;

const remade = { change: "remake", drops: true, adopts: false } as const;
const kept = { change: "tell", drops: true, adopts: true } as const;
const full = { change: "prove", drops: false, adopts: true } as const;

/** All kinds, in the order in which objects that do not need each other are made. Roles come last always. */
export const KINDS: readonly Kind[] = [
  { type: "schema", directory: "schemas", parts: ALONE, sql: "SCHEMA", ...kept },
  { type: "extension", directory: "extensions", parts: ALONE, sql: "EXTENSION", ...kept },
  { type: "type", directory: "types", parts: OF_SCHEMA, sql: "TYPE", ...kept },
  { type: "domain", directory: "domains", parts: OF_SCHEMA, sql: "DOMAIN", ...kept },
  { type: "sequence", directory: "sequences", parts: OF_SCHEMA, sql: "SEQUENCE", ...full },
  { type: "table", directory: "tables", parts: OF_SCHEMA, sql: "TABLE", ...full },
  { type: "function", directory: "functions", parts: OF_SCHEMA, sql: "FUNCTION", ...remade },
  { type: "procedure", directory: "procedures", parts: OF_SCHEMA, sql: "PROCEDURE", ...remade },
  { type: "aggregate", directory: "aggregates", parts: OF_SCHEMA, sql: "AGGREGATE", ...remade },
  { type: "view", directory: "views", parts: OF_SCHEMA, sql: "VIEW", ...remade },
  {
    type: "materialized-view",
    directory: "materialized-views",
    parts: OF_SCHEMA,
    sql: "MATERIALIZED VIEW",
    ...remade,
  },
  { type: "index", directory: "indexes", parts: OF_SCHEMA, sql: "INDEX", ...remade },
  { type: "constraint", directory: "constraints", parts: OF_TABLE, sql: "CONSTRAINT", ...remade },
  { type: "trigger", directory: "triggers", parts: OF_TABLE, sql: "TRIGGER", ...remade },
  { type: "rule", directory: "rules", parts: OF_TABLE, sql: "RULE", ...remade },
  { type: "policy", directory: "policies", parts: OF_TABLE, sql: "POLICY", ...remade },
  { type: "event-trigger", directory: "event-triggers", parts: ALONE, sql: "EVENT TRIGGER", ...remade },
  { type: "role", directory: "roles", parts: ALONE, sql: "ROLE", ...remade },
];

const BY_TYPE: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.type, kind]));
const BY_DIRECTORY: ReadonlyMap<string, Kind> = new Map(KINDS.map((kind) => [kind.directory, kind]));

/** The kind of a word; every `KindType` has one. */
export function kindOf(type: KindType): Kind {
  const kind = BY_TYPE.get(type);
  if (kind === undefined) throw new RangeError(`no kind of object is called ${type}`);
  return kind;
}

/** The kind whose scripts lie in a folder of the tree, e.g. `views`; undefined where there is none. */
export function kindOfDirectory(directory: string): Kind | undefined {
  return BY_DIRECTORY.get(directory);
}

/** An object's kind and its name, in the server's own spelling. */
export interface ObjectName {
  readonly type: KindType;
  /** One for each of the kind's `parts`, as the catalog has them, e.g. `["public", "orders", "touch"]`. */
  readonly parts: readonly string[];
}

/** What may stand in a file name as it is: no dot, nothing that folds, nothing that some file system refuses. */
const PLAIN = /^[^\p{Cc}\p{Cs}\p{M}.%/\\:*?"<>|]$/u;

/**
 * A name as a part of a file name or of an id. Characters that fold, that part names, or that a file system may
 * refuse or alter stand as `%` and two hexadecimal digits for each byte of UTF-8, as in URLs: the names are told
 * apart on file systems that know no case, and a checkout works on every system.
 *
 * @param name in the catalog's spelling
 * @example encodePart("order lines") // → "order lines"
 * @example encodePart("My.View") // → "%4dy%2e%56iew"
 */
export function encodePart(name: string): string {
  if (/^[a-z0-9_]+$/.test(name)) return name;
  const characters = [...name];
  return characters
    .map((character, at) => {
      const isEnd = at === 0 || at === characters.length - 1;
      const isPlain =
        PLAIN.test(character) && character === character.toLowerCase() && !(isEnd && /\s/.test(character));
      if (isPlain) return character;
      return [...Buffer.from(character, "utf8")]
        .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
        .join("");
    })
    .join("");
}

/**
 * The name that a part of a file name or of an id stands for: folded to lower case, `%` sequences as what they are.
 *
 * @returns null where it is empty or a `%` has no two digits behind it, or the bytes are no UTF-8
 */
export function decodePart(part: string): string | null {
  if (part === "") return null;
  if (/^[a-z0-9_]+$/.test(part)) return part;
  try {
    // Folds before it decodes: what is encoded keeps its case.
    return decodeURIComponent(part.toLowerCase());
  } catch {
    return null;
  }
}

/**
 * The file name of an object's script.
 *
 * @example fileNameOf({ type: "view", parts: ["public", "view0"] }) // → "public.view0.sql"
 */
export function fileNameOf({ parts }: ObjectName): string {
  return `${parts.map(encodePart).join(".")}.sql`;
}

/** The path of an object's script inside the tree, with slashes, e.g. `views/public.view0.sql`. */
export function pathOf(name: ObjectName): string {
  return `${kindOf(name.type).directory}/${fileNameOf(name)}`;
}

/**
 * The object that a file name speaks of.
 *
 * @param kind the kind whose folder the file lies in
 * @param file without folders, e.g. `public.view0.sql`
 * @param where the path for messages
 * @throws ConfigError `OBJECT_FILE_NAME` when it has too few or too many parts, or a part says no name
 */
export function nameOfFile(kind: Kind, file: string, where: string): ObjectName {
  const parts = file.replace(/\.sql$/i, "").split(".");
  const expected = kind.parts.map((part) => `<${part}>`).join(".");
  const wrong = (what: string) =>
    new ConfigError("OBJECT_FILE_NAME", what, {
      where,
      hint: `Name it ${kind.directory}/${expected}.sql; a dot inside a name is written %2e, a capital letter such as A %41.`,
    });
  if (parts.length !== kind.parts.length) {
    const many = parts.length < kind.parts.length ? "too few" : "too many";
    throw wrong(
      `The file's name has ${many} parts: ${parts.length} where ${kind.parts.length} are expected.`,
    );
  }
  const names = parts.map(decodePart);
  if (!names.every((name) => name !== null)) throw wrong("A part of the file's name says no name.");
  return { type: kind.type, parts: names };
}

/**
 * The id of an object, as `wo_objects.po_id` has it: lower case.
 *
 * @param name a role's with its prefix
 * @example idOf({ type: "trigger", parts: ["public", "orders", "touch"] }) // → "trigger.public.orders.touch"
 */
export function idOf({ type, parts }: ObjectName): string {
  return [type, ...parts.map(encodePart)].join(".");
}

/** The object of an id; null where the id is none of ours. */
export function nameOfId(id: string): ObjectName | null {
  const [word = "", ...rest] = id.split(".");
  const kind = BY_TYPE.get(word);
  const parts = rest.map(decodePart);
  if (kind === undefined || parts.length !== kind.parts.length) return null;
  return parts.every((part) => part !== null) ? { type: kind.type, parts } : null;
}

/** An object for people, e.g. `materialized view public."My.View"`. */
export function describeName({ type, parts }: ObjectName): string {
  const quoted = parts.map((part) =>
    /^[\p{Ll}\p{Lo}_][\p{Ll}\p{Lo}_0-9$]*$/u.test(part) ? part : `"${part.replaceAll('"', '""')}"`,
  );
  return `${kindOf(type).sql.toLowerCase()} ${quoted.join(".")}`;
}

/** What of a database counts as its schema. */
export interface SchemaSettings {
  /** Who owns what, who granted a privilege, and for whose objects default privileges are. */
  readonly owners: boolean;
  readonly tablespaces: boolean;
  readonly subscriptions: boolean;
  /** Whether the order of a table's columns counts, by which `SELECT *` and `COPY` go. */
  readonly columnOrder: boolean;
  /** Patterns of schema names: `*` stands for any characters, `?` for one. */
  readonly ignoreSchemas: readonly string[];
  /** Patterns of table names; with a dot they match `schema.table`, without one the name in any schema. */
  readonly ignoreTables: readonly string[];
}

/** Owners, tablespaces and subscriptions belong to a server more than to a schema, so they are left out. */
export const DEFAULT_SETTINGS: SchemaSettings = {
  owners: false,
  tablespaces: false,
  subscriptions: false,
  columnOrder: true,
  ignoreSchemas: [],
  ignoreTables: [],
};

/** The tool's own, in whatever schema they were made: never part of anybody's schema. */
export const OWN_TABLES: ReadonlySet<string> = new Set(["wo_objects", "wo_migrations"]);
export const OWN_SCHEMA = "wovtool";

/** Whether something is left out, by the schema and the table (or what is used like one) it belongs to. */
export interface Ignored {
  schema(name: string): boolean;
  table(schema: string, name: string): boolean;
}

/** Compiles the patterns of the settings. */
export function ignoredBy(settings: Pick<SchemaSettings, "ignoreSchemas" | "ignoreTables">): Ignored {
  const schemas = anyOf(settings.ignoreSchemas);
  const qualified = anyOf(settings.ignoreTables.filter((pattern) => pattern.includes(".")));
  const plain = anyOf(settings.ignoreTables.filter((pattern) => !pattern.includes(".")));
  const schema = (name: string) => name === OWN_SCHEMA || schemas(name);
  return {
    schema,
    table: (of, name) => schema(of) || OWN_TABLES.has(name) || plain(name) || qualified(`${of}.${name}`),
  };
}

function anyOf(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => false;
  const sources = patterns.map((pattern) =>
    pattern
      .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", "."),
  );
  const whole = new RegExp(`^(?:${sources.join("|")})$`, "su");
  return (name) => whole.test(name);
}

/** A long path of versions, always the same one: tables, columns, data changes, functions, indexes. */

/** One version of a path. */
export interface PathVersion {
  readonly key: string;
  readonly statements: readonly string[];
  /** The statements that change rows, which some paths leave out; they come after the others. */
  readonly data: readonly string[];
}

export interface PathOptions {
  /** Whether every twentieth version builds an index beside the traffic, outside of any transaction. */
  readonly concurrently: boolean;
}

/** What the first version, 0.0.0, is made of: every version after it has something to work on. */
export const ROOT_SQL =
  "CREATE SCHEMA area; CREATE TABLE area.record_0 (id integer PRIMARY KEY, title text);";

/** How many versions share a table before the next one is made; even, so that no index takes a table's place. */
const VERSIONS_PER_TABLE = 6;

/** @param count how many versions follow the first one */
export function pathOf(count: number, options: PathOptions): PathVersion[] {
  return Array.from({ length: count }, (_, index) => versionOf(index + 1, options));
}

/** The key of the version with a number, the first one's being 0. @example keyOf(7) // → "0.7.0" */
export function keyOf(number: number): string {
  return `0.${number}.0`;
}

function versionOf(number: number, { concurrently }: PathOptions): PathVersion {
  const key = keyOf(number);
  if (number % 20 === 7) return { key, statements: [index(number, concurrently)], data: [] };
  const own = number - (number % VERSIONS_PER_TABLE);
  const table = `area.record_${own}`;
  switch (number % VERSIONS_PER_TABLE) {
    case 0:
      return { key, ...newTable(number) };
    case 1:
      return {
        key,
        statements: [`ALTER TABLE ${table} ADD COLUMN note_${number} text`],
        data: [`UPDATE ${table} SET note_${number} = 'note ' || id`],
      };
    case 2:
      return { key, ...newFunction(number, table) };
    case 3:
      return {
        key,
        statements: [
          `ALTER TABLE ${table} ADD COLUMN amount_${number} numeric(12,2) DEFAULT 0.00 NOT NULL`,
          `ALTER TABLE ${table} ADD CONSTRAINT record_${own}_amount CHECK (amount_${number} >= 0)`,
        ],
        data: [`UPDATE ${table} SET amount_${number} = id * 1.25 WHERE id % 2 = 0`],
      };
    case 4:
      return {
        key,
        statements: [`COMMENT ON TABLE ${table} IS 'Since ${key}; it''s described here.'`],
        data: [
          `INSERT INTO ${table} (id, title) SELECT n, 'later ' || n FROM generate_series(101, 120) AS n`,
          `DELETE FROM ${table} WHERE id % 10 = 3`,
        ],
      };
    default:
      return {
        key,
        statements: [
          `CREATE VIEW area.view_${number} AS SELECT id, upper(title) AS title FROM ${table} WHERE id > 5`,
        ],
        data: [],
      };
  }
}

function newTable(number: number) {
  const before = `area.record_${number - VERSIONS_PER_TABLE}`;
  const table = `area.record_${number}`;
  return {
    statements: [
      `CREATE TABLE ${table} (
  id integer PRIMARY KEY,
  title text,
  state text DEFAULT 'new' NOT NULL,
  parent_id integer REFERENCES ${before} (id),
  created date DEFAULT '2025-01-31' NOT NULL
)`,
      `CREATE INDEX record_${number}_title ON ${table} (lower(title)) WHERE state = 'new'`,
    ],
    data: [`INSERT INTO ${table} (id, title) SELECT n, 'first ' || n FROM generate_series(1, 100) AS n`],
  };
}

function newFunction(number: number, table: string) {
  return {
    statements: [
      `CREATE FUNCTION area.renamed_${number}(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $body$
BEGIN
  -- A body has semicolons; and $1 in it.
  RETURN 'renamed; ' || $1;
END
$body$`,
    ],
    data: [`UPDATE ${table} SET title = area.renamed_${number}(title) WHERE id BETWEEN 10 AND 19`],
  };
}

/** On a table of the past, which has rows. */
function index(number: number, concurrently: boolean): string {
  const past = Math.max(0, number - (number % VERSIONS_PER_TABLE) - VERSIONS_PER_TABLE);
  const how = concurrently ? " CONCURRENTLY" : "";
  return `CREATE INDEX${how} record_${past}_at_${number} ON area.record_${past} (title, id)`;
}

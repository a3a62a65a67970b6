/** The questions of pg_dump that take the server long, and how several connections can answer them at once. */

/** From here on pg_dump only reads, and sees one state of the database. */
export const READS_ONE_STATE = /^SET TRANSACTION ISOLATION LEVEL REPEATABLE READ\b/;

/** What leaves a session as it was, but for locks and prepared statements. */
export const ONLY_READS = /^(?:SELECT\s(?!.*\bset_config\()|LOCK TABLE |PREPARE |EXECUTE )/s;

/**
 * `SELECT … FROM unnest('{OID,OID,…}') AS src(tbloid) JOIN … ON (src.tbloid = c.conrelid) … ORDER BY c.conrelid, …`:
 * what is asked of many tables, and answered table by table.
 */
const OF_TABLES =
  /^(SELECT\s.*?\sFROM unnest\(')\{([\d,]+)\}('::pg_catalog\.oid\[\]\) AS src\(tbloid\)\s+JOIN \S+ (\w+) ON \(src\.tbloid = \4\.(\w+)\).*\sORDER BY (?:\4\.)?\5(?:, (?:\w+\.)?\w+)*)$/s;

/** What is asked of tables, without saying of which. */
export interface TableQuestion {
  readonly before: string;
  readonly after: string;
}

/** A question about many tables. */
export interface AskedOfTables extends TableQuestion {
  /** The tables' numbers, in the order in which the answer's rows come. */
  readonly tables: readonly string[];
  /** The name of the column that has a row's table. */
  readonly column: string;
}

/** @returns null for any other question */
export function askedOfTables(sql: string): AskedOfTables | null {
  const [, before, list, after, , column] = OF_TABLES.exec(sql) ?? [];
  if (before === undefined || list === undefined || after === undefined || column === undefined) return null;
  const tables = list.split(",");
  return isAscending(tables) ? { before, tables, after, column } : null;
}

function isAscending(oids: readonly string[]): boolean {
  return oids.every((oid, index) => index === 0 || Number(oids[index - 1]) < Number(oid));
}

/**
 * Cuts a question about many tables into questions about some of them. The rows of their answers, one after the
 * other, are those of the whole.
 *
 * @returns no more parts than asked for
 */
export function partsOf(
  { before, after }: TableQuestion,
  tables: readonly string[],
  count: number,
): string[] {
  const most = Math.min(count, tables.length);
  const places = Array.from({ length: most + 1 }, (_, part) => Math.floor((part * tables.length) / most));
  return places.slice(1).map((end, part) => `${before}{${tables.slice(places[part], end)}}${after}`);
}

/** The first question about tables, when they are locked; what is asked after it is asked of the same or some of them. */
export const ASKED_FIRST_OF_TABLES = /\sJOIN pg_catalog\.pg_attribute a ON \(src\.tbloid = a\.attrelid\)/;

/** What pg_dump asks of tables after that and what takes the server long, in its own words. @param major of the server */
export function askedNextOfTables(major: number): TableQuestion[] {
  const frozen = major >= 18 ? "t.relallfrozen" : "0 AS relallfrozen";
  const nulls = major >= 15 ? "i.indnullsnotdistinct" : "false AS indnullsnotdistinct";
  const period = major >= 18 ? "c.conperiod" : "NULL AS conperiod";
  return [
    {
      before: `SELECT a.tableoid, a.oid, adrelid, adnum, pg_catalog.pg_get_expr(adbin, adrelid) AS adsrc\nFROM unnest('`,
      after: `'::pg_catalog.oid[]) AS src(tbloid)\nJOIN pg_catalog.pg_attrdef a ON (src.tbloid = a.adrelid)\nORDER BY a.adrelid, a.adnum`,
    },
    {
      before: `SELECT c.tableoid, c.oid, conrelid, conname, pg_catalog.pg_get_constraintdef(c.oid) AS consrc, conislocal, convalidated FROM unnest('`,
      after: `'::pg_catalog.oid[]) AS src(tbloid)\nJOIN pg_catalog.pg_constraint c ON (src.tbloid = c.conrelid)\nWHERE contype = 'c' ORDER BY c.conrelid, c.conname`,
    },
    {
      before: `SELECT t.tableoid, t.oid, i.indrelid, t.relname AS indexname, t.relpages, t.reltuples, t.relallvisible, ${frozen}, pg_catalog.pg_get_indexdef(i.indexrelid) AS indexdef, i.indkey, i.indisclustered, c.contype, c.conname, c.condeferrable, c.condeferred, c.tableoid AS contableoid, c.oid AS conoid, pg_catalog.pg_get_constraintdef(c.oid, false) AS condef, CASE WHEN i.indexprs IS NOT NULL THEN (SELECT pg_catalog.array_agg(attname ORDER BY attnum)  FROM pg_catalog.pg_attribute   WHERE attrelid = i.indexrelid) ELSE NULL END AS indattnames, (SELECT spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = t.reltablespace) AS tablespace, t.reloptions AS indreloptions, i.indisreplident, inh.inhparent AS parentidx, i.indnkeyatts AS indnkeyatts, i.indnatts AS indnatts, (SELECT pg_catalog.array_agg(attnum ORDER BY attnum)   FROM pg_catalog.pg_attribute   WHERE attrelid = i.indexrelid AND     attstattarget >= 0) AS indstatcols, (SELECT pg_catalog.array_agg(attstattarget ORDER BY attnum)   FROM pg_catalog.pg_attribute   WHERE attrelid = i.indexrelid AND     attstattarget >= 0) AS indstatvals, ${nulls}, ${period} FROM unnest('`,
      after: `'::pg_catalog.oid[]) AS src(tbloid)\nJOIN pg_catalog.pg_index i ON (src.tbloid = i.indrelid) JOIN pg_catalog.pg_class t ON (t.oid = i.indexrelid) JOIN pg_catalog.pg_class t2 ON (t2.oid = i.indrelid) LEFT JOIN pg_catalog.pg_constraint c ON (i.indrelid = c.conrelid AND i.indexrelid = c.conindid AND c.contype IN ('p','u','x')) LEFT JOIN pg_catalog.pg_inherits inh ON (inh.inhrelid = indexrelid) WHERE (i.indisvalid OR t2.relkind = 'p') AND i.indisready ORDER BY i.indrelid, indexname`,
    },
  ];
}

/**
 * Questions that pg_dump will ask, in its own words, so that they can be asked while it has other things to do. An
 * answer is taken for exactly its question; where a pg_dump has other words for it, nothing is lost but the server's
 * time. None of them calls what looks at tables in a newer state than the transaction's, since no table is locked yet.
 */
export const ASKED_IN_ANY_CASE: readonly string[] = [
  `SELECT tableoid, oid, typname, typnamespace, typacl, acldefault('T', typowner) AS acldefault, typowner, typelem, typrelid, typarray, CASE WHEN typrelid = 0 THEN ' '::"char" ELSE (SELECT relkind FROM pg_class WHERE oid = typrelid) END AS typrelkind, typtype, typisdefined, typname[0] = '_' AND typelem != 0 AND (SELECT typarray FROM pg_type te WHERE oid = pg_type.typelem) = oid AS isarray FROM pg_type`,
  `SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend WHERE deptype != 'p' AND deptype != 'e'
UNION ALL
SELECT 'pg_opfamily'::regclass AS classid, amopfamily AS objid, refclassid, refobjid, deptype FROM pg_depend d, pg_amop o WHERE deptype NOT IN ('p', 'e', 'i') AND classid = 'pg_amop'::regclass AND objid = o.oid AND NOT (refclassid = 'pg_opfamily'::regclass AND amopfamily = refobjid)
UNION ALL
SELECT 'pg_opfamily'::regclass AS classid, amprocfamily AS objid, refclassid, refobjid, deptype FROM pg_depend d, pg_amproc p WHERE deptype NOT IN ('p', 'e', 'i') AND classid = 'pg_amproc'::regclass AND objid = p.oid AND NOT (refclassid = 'pg_opfamily'::regclass AND amprocfamily = refobjid)
ORDER BY 1,2`,
  "SELECT conrelid, confrelid FROM pg_constraint JOIN pg_depend ON (objid = confrelid) WHERE contype = 'f' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass;",
  "SELECT DISTINCT attrelid FROM pg_attribute WHERE attacl IS NOT NULL",
  "SELECT description, classoid, objoid, objsubid FROM pg_catalog.pg_description ORDER BY classoid, objoid, objsubid",
];

/** When pg_dump asks this, its tables are locked, and it has long to think about the answer. */
export const ASKED_LAST_OF_ALL_TABLES =
  /^SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend /;

const OF_VIEWS =
  "SELECT pg_catalog.format($$SELECT pg_catalog.pg_get_viewdef('%s'::pg_catalog.oid) AS viewdef$$, oid) FROM pg_catalog.pg_class c WHERE relkind IN ('v', 'm') AND oid >= 16384";
const OF_FUNCTIONS =
  "SELECT pg_catalog.format($$EXECUTE dumpFunc('%s')$$, oid) FROM pg_catalog.pg_proc c WHERE prokind <> 'a' AND oid >= 16384";
/** What came with an extension, or with a type, no dump tells of. */
const OF_ITS_OWN =
  "NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype IN ('e', 'i'))";

/** Gives, in a first column, the questions that pg_dump will ask of each view. */
export const QUESTIONS_OF_VIEWS = `${OF_VIEWS} AND ${OF_ITS_OWN} ORDER BY oid`;

/** The same of each view and each function, of which it asks by what it prepares before. */
export const QUESTIONS_OF_OBJECTS = `${OF_VIEWS} AND ${OF_ITS_OWN} UNION ALL ${OF_FUNCTIONS} AND ${OF_ITS_OWN}`;

export const PREPARES_FUNCTIONS = /^PREPARE dumpFunc\(/;

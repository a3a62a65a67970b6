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

/**
 * Cuts a question about many tables into questions about some of them. The rows of their answers, one after the
 * other, are those of the whole.
 *
 * @returns no more parts than asked for; only the question itself where it is no such question
 */
export function partsOf(sql: string, count: number): string[] {
  const [, before, list = "", after] = OF_TABLES.exec(sql) ?? [];
  const oids = list.split(",");
  const most = Math.min(count, oids.length);
  if (most < 2 || !isAscending(oids)) return [sql];
  const places = Array.from({ length: most + 1 }, (_, part) => Math.floor((part * oids.length) / most));
  return places.slice(1).map((end, part) => `${before}{${oids.slice(places[part], end)}}${after}`);
}

function isAscending(oids: readonly string[]): boolean {
  return oids.every((oid, index) => index === 0 || Number(oids[index - 1]) < Number(oid));
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

/** Gives, in a first column, the questions that pg_dump will ask of each view. */
export const QUESTIONS_OF_VIEWS = `SELECT pg_catalog.format($$SELECT pg_catalog.pg_get_viewdef('%s'::pg_catalog.oid) AS viewdef$$, oid) FROM pg_catalog.pg_class WHERE relkind IN ('v', 'm') AND oid >= 16384 ORDER BY oid`;

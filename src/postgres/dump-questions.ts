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

const TYPES = `SELECT tableoid, oid, typname, typnamespace, typacl, acldefault('T', typowner) AS acldefault, typowner, typelem, typrelid, typarray, CASE WHEN typrelid = 0 THEN ' '::"char" ELSE (SELECT relkind FROM pg_class WHERE oid = typrelid) END AS typrelkind, typtype, typisdefined, typname[0] = '_' AND typelem != 0 AND (SELECT typarray FROM pg_type te WHERE oid = pg_type.typelem) = oid AS isarray FROM pg_type`;
const DEPENDENCIES = `SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend WHERE deptype != 'p' AND deptype != 'e'
UNION ALL
SELECT 'pg_opfamily'::regclass AS classid, amopfamily AS objid, refclassid, refobjid, deptype FROM pg_depend d, pg_amop o WHERE deptype NOT IN ('p', 'e', 'i') AND classid = 'pg_amop'::regclass AND objid = o.oid AND NOT (refclassid = 'pg_opfamily'::regclass AND amopfamily = refobjid)
UNION ALL
SELECT 'pg_opfamily'::regclass AS classid, amprocfamily AS objid, refclassid, refobjid, deptype FROM pg_depend d, pg_amproc p WHERE deptype NOT IN ('p', 'e', 'i') AND classid = 'pg_amproc'::regclass AND objid = p.oid AND NOT (refclassid = 'pg_opfamily'::regclass AND amprocfamily = refobjid)
ORDER BY 1,2`;
const REFERENCES_TO_EXTENSIONS =
  "SELECT conrelid, confrelid FROM pg_constraint JOIN pg_depend ON (objid = confrelid) WHERE contype = 'f' AND refclassid = 'pg_extension'::regclass AND classid = 'pg_class'::regclass;";
const GRANTS_OF_COLUMNS = "SELECT DISTINCT attrelid FROM pg_attribute WHERE attacl IS NOT NULL";
const COMMENTS =
  "SELECT description, classoid, objoid, objsubid FROM pg_catalog.pg_description ORDER BY classoid, objoid, objsubid";

/**
 * Questions that pg_dump will ask, in its own words, so that they can be asked while it has other things to do. An
 * answer is taken for exactly its question; where a pg_dump has other words for it, nothing is lost but the server's
 * time. None of them calls what looks at tables in a newer state than the transaction's, since no table is locked yet.
 */
export const ASKED_IN_ANY_CASE: readonly string[] = [
  TYPES,
  DEPENDENCIES,
  REFERENCES_TO_EXTENSIONS,
  GRANTS_OF_COLUMNS,
  COMMENTS,
];

/** When pg_dump asks this, its tables are locked, and it has long to think about the answer. */
export const ASKED_LAST_OF_ALL_TABLES =
  /^SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend /;

/**
 * What pg_dump asks every server that it reads one after the other, whatever the answers are: when it asks what is
 * like the first, the others can be asked. They change nothing but settings of its own session.
 */
export const ASKED_IN_A_ROW: readonly { readonly first: RegExp; readonly others: readonly string[] }[] = [
  {
    first: /^SELECT pg_catalog\.pg_is_in_recovery\(\)/,
    others: [
      "SET DATESTYLE = ISO",
      "SET INTERVALSTYLE = POSTGRES",
      "SET extra_float_digits TO 3",
      "SET synchronize_seqscans TO off",
      "SET row_security = off",
      "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
    ],
  },
  {
    first: /^SELECT oid, rolname FROM pg_catalog\.pg_roles /,
    others: [
      "SELECT x.tableoid, x.oid, x.extname, n.nspname, x.extrelocatable, x.extversion, x.extconfig, x.extcondition FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace",
      "SELECT classid, objid, refobjid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' ORDER BY 3",
      "SELECT n.tableoid, n.oid, n.nspname, n.nspowner, n.nspacl, acldefault('n', n.nspowner) AS acldefault FROM pg_namespace n",
    ],
  },
  {
    first: /^SELECT p\.tableoid, p\.oid, p\.proname, p\.prolang, /,
    others: [
      TYPES,
      "SELECT tableoid, oid, lanname, lanpltrusted, lanplcallfoid, laninline, lanvalidator, lanacl, acldefault('l', lanowner) AS acldefault, lanowner FROM pg_language WHERE lanispl ORDER BY oid",
      "SELECT p.tableoid, p.oid, p.proname AS aggname, p.pronamespace AS aggnamespace, p.pronargs, p.proargtypes, p.proowner, p.proacl AS aggacl, acldefault('f', p.proowner) AS acldefault FROM pg_proc p LEFT JOIN pg_init_privs pip ON (p.oid = pip.objoid AND pip.classoid = 'pg_proc'::regclass AND pip.objsubid = 0) WHERE p.prokind = 'a' AND (p.pronamespace != (SELECT oid FROM pg_namespace WHERE nspname = 'pg_catalog') OR p.proacl IS DISTINCT FROM pip.initprivs)",
      "SELECT tableoid, oid, oprname, oprnamespace, oprowner, oprkind, oprleft, oprright, oprcode::oid AS oprcode FROM pg_operator",
      "SELECT tableoid, oid, amname, amtype, amhandler::pg_catalog.regproc AS amhandler FROM pg_am",
      "SELECT tableoid, oid, opcmethod, opcname, opcnamespace, opcowner FROM pg_opclass",
      "SELECT tableoid, oid, opfmethod, opfname, opfnamespace, opfowner FROM pg_opfamily",
      "SELECT tableoid, oid, prsname, prsnamespace, prsstart::oid, prstoken::oid, prsend::oid, prsheadline::oid, prslextype::oid FROM pg_ts_parser",
      "SELECT tableoid, oid, tmplname, tmplnamespace, tmplinit::oid, tmpllexize::oid FROM pg_ts_template",
      "SELECT tableoid, oid, dictname, dictnamespace, dictowner, dicttemplate, dictinitoption FROM pg_ts_dict",
      "SELECT tableoid, oid, cfgname, cfgnamespace, cfgowner, cfgparser FROM pg_ts_config",
      `SELECT tableoid, oid, fdwname, fdwowner, fdwhandler::pg_catalog.regproc, fdwvalidator::pg_catalog.regproc, fdwacl, acldefault('F', fdwowner) AS acldefault, array_to_string(ARRAY(SELECT quote_ident(option_name) || ' ' || quote_literal(option_value) FROM pg_options_to_table(fdwoptions) ORDER BY option_name), E',
    ') AS fdwoptions FROM pg_foreign_data_wrapper`,
      `SELECT tableoid, oid, srvname, srvowner, srvfdw, srvtype, srvversion, srvacl, acldefault('S', srvowner) AS acldefault, array_to_string(ARRAY(SELECT quote_ident(option_name) || ' ' || quote_literal(option_value) FROM pg_options_to_table(srvoptions) ORDER BY option_name), E',
    ') AS srvoptions FROM pg_foreign_server`,
      `SELECT oid, tableoid, defaclrole, defaclnamespace, defaclobjtype, defaclacl, CASE WHEN defaclnamespace = 0 THEN acldefault(CASE WHEN defaclobjtype = 'S' THEN 's'::"char" ELSE defaclobjtype END, defaclrole) ELSE '{}' END AS acldefault FROM pg_default_acl`,
      "SELECT tableoid, oid, collname, collnamespace, collowner, collencoding FROM pg_collation",
      "SELECT tableoid, oid, conname, connamespace, conowner FROM pg_conversion",
      "SELECT tableoid, oid, trftype, trflang, trffromsql::oid, trftosql::oid FROM pg_transform ORDER BY 3,4",
      "SELECT inhrelid, inhparent FROM pg_inherits",
      "SELECT e.tableoid, e.oid, evtname, evtenabled, evtevent, evtowner, array_to_string(array(select quote_literal(x)  from unnest(evttags) as t(x)), ', ') as evttags, e.evtfoid::regproc as evtfname FROM pg_event_trigger e ORDER BY e.oid",
      REFERENCES_TO_EXTENSIONS,
      "SELECT tableoid, oid, stxname, stxnamespace, stxowner, stxrelid, stxstattarget FROM pg_catalog.pg_statistic_ext",
      "SELECT tableoid, oid, rulename, ev_class AS ruletable, ev_type, is_instead, ev_enabled FROM pg_rewrite ORDER BY oid",
    ],
  },
  {
    first: ASKED_LAST_OF_ALL_TABLES,
    others: [
      GRANTS_OF_COLUMNS,
      "SELECT objoid, classoid, objsubid, privtype, initprivs FROM pg_init_privs",
      COMMENTS,
      "SELECT label, provider, classoid, objoid, objsubid FROM pg_catalog.pg_seclabels ORDER BY classoid, objoid, objsubid",
      "SELECT seqrelid, format_type(seqtypid, NULL), seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle, NULL, 'f' FROM pg_catalog.pg_sequence ORDER BY seqrelid",
      "SELECT pg_catalog.current_schemas(false)",
    ],
  },
];

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

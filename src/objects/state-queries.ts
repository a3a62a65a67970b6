/** The questions that are put to the catalogues. */

/** No schemas of the server's own. */
const USER_SCHEMA = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/** What an extension brought is the extension's. */
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.${catalog}'::regclass
     AND e.objid = ${oid} AND e.objsubid = 0 AND e.deptype = 'e')`;

/** What is part of something else, such as the index of a constraint. */
const notInternal = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.${catalog}'::regclass
     AND e.objid = ${oid} AND e.objsubid = 0 AND e.deptype = 'i')`;

const row = (type: string, parts: readonly string[], catalog: string, oid: string) =>
  `SELECT ${type} AS type, concat_ws(E'\\x01', ${parts.join(", ")}) AS parts,
     'pg_catalog.${catalog}'::regclass::oid AS class, ${oid} AS object`;

const IN_SCHEMA = (alias: string, column: string) =>
  `JOIN pg_catalog.pg_namespace n ON n.oid = ${alias}.${column} AND ${USER_SCHEMA}`;

/** All objects of our kinds: type, parts of the name, where it stands in the catalogues. */
export const EXISTING = [
  `${row("'schema'", ["n.nspname"], "pg_namespace", "n.oid")} FROM pg_catalog.pg_namespace n
   WHERE ${USER_SCHEMA} AND ${notOfExtension("pg_namespace", "n.oid")}`,
  `${row("'extension'", ["x.extname"], "pg_extension", "x.oid")} FROM pg_catalog.pg_extension x`,
  `${row("CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END", ["n.nspname", "t.typname"], "pg_type", "t.oid")}
   FROM pg_catalog.pg_type t ${IN_SCHEMA("t", "typnamespace")}
   LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
   WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
     OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type a WHERE a.typarray = t.oid)))
     AND ${notOfExtension("pg_type", "t.oid")}`,
  `${row(
    `CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized-view'
       WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table' END`,
    ["n.nspname", "c.relname"],
    "pg_class",
    "c.oid",
  )}
   FROM pg_catalog.pg_class c ${IN_SCHEMA("c", "relnamespace")}
   WHERE c.relkind IN ('S', 'v', 'm', 'i', 'I', 'r', 'p', 'f') AND ${notOfExtension("pg_class", "c.oid")}
     AND (c.relkind NOT IN ('S', 'i', 'I') OR ${notInternal("pg_class", "c.oid")})`,
  `${row(
    "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END",
    ["n.nspname", "p.proname"],
    "pg_proc",
    "p.oid",
  )}
   FROM pg_catalog.pg_proc p ${IN_SCHEMA("p", "pronamespace")}
   WHERE ${notOfExtension("pg_proc", "p.oid")} AND ${notInternal("pg_proc", "p.oid")}`,
  `${row("'constraint'", ["n.nspname", "c.relname", "k.conname"], "pg_constraint", "k.oid")}
   FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid ${IN_SCHEMA("c", "relnamespace")}
   WHERE k.contype <> 't'`,
  `${row("'trigger'", ["n.nspname", "c.relname", "t.tgname"], "pg_trigger", "t.oid")}
   FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid ${IN_SCHEMA("c", "relnamespace")}
   WHERE NOT t.tgisinternal`,
  `${row("'rule'", ["n.nspname", "c.relname", "r.rulename"], "pg_rewrite", "r.oid")}
   FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class ${IN_SCHEMA("c", "relnamespace")}
   WHERE r.rulename <> '_RETURN'`,
  `${row("'policy'", ["n.nspname", "c.relname", "p.polname"], "pg_policy", "p.oid")}
   FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid ${IN_SCHEMA("c", "relnamespace")}`,
  `${row("'event-trigger'", ["e.evtname"], "pg_event_trigger", "e.oid")} FROM pg_catalog.pg_event_trigger e`,
  `${row("'role'", ["r.rolname"], "pg_authid", "r.oid")} FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'`,
].join("\nUNION ALL\n");

/**
 * All dependencies around some objects: what depends on them, on what it is part of, and so on. $1 and $2 are the
 * objects' classes and ids.
 *
 * The catalogue does not say of a check that a table has from its parent alone that it goes with the parent's.
 */
export const DEPENDENCIES = `
  WITH RECURSIVE around (class, object) AS (
    SELECT * FROM unnest($1::oid[], $2::oid[])
    UNION
    SELECT next.class, next.object FROM around, LATERAL (
      SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
      WHERE d.refclassid = around.class AND d.refobjid = around.object
      UNION ALL
      SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend d
      WHERE d.classid = around.class AND d.objid = around.object AND d.deptype IN ('i', 'e')
    ) next (class, object)
  )
  SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS description
  FROM pg_catalog.pg_depend d JOIN around ON d.refclassid = around.class AND d.refobjid = around.object
  UNION ALL
  SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
  FROM pg_catalog.pg_depend d JOIN around ON d.classid = around.class AND d.objid = around.object
  WHERE d.deptype IN ('i', 'e')
  UNION ALL
  SELECT around.class, k.oid, 0, around.class, p.oid, 0, 'P', pg_catalog.pg_describe_object(around.class, k.oid, 0)
  FROM around JOIN pg_catalog.pg_constraint k ON around.object = k.oid
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = k.conrelid
  JOIN pg_catalog.pg_constraint p ON p.conrelid = i.inhparent AND p.conname = k.conname AND p.contype = 'c'
  WHERE around.class = 'pg_catalog.pg_constraint'::regclass AND k.contype = 'c' AND NOT k.conislocal`;

/** Roles by name, $1, and what keeps each from being dropped. */
export const ROLES = `
  WITH here AS (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  SELECT r.rolname AS name,
    ARRAY(SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
      FROM pg_catalog.pg_shdepend d, here
      WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o'
        AND d.dbid IN (0, here.oid) ORDER BY 1) AS owns,
    ARRAY(SELECT DISTINCT b.datname::text FROM pg_catalog.pg_shdepend d
      JOIN pg_catalog.pg_database b ON b.oid = d.dbid, here
      WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid AND b.oid <> here.oid
      ORDER BY 1) AS elsewhere,
    (SELECT coalesce(json_agg(json_build_object('parts', json_build_array(n.nspname, c.relname, p.polname),
        'roles', ARRAY(SELECT o.rolname FROM pg_catalog.pg_roles o WHERE o.oid = ANY (p.polroles) ORDER BY 1))), '[]')
      FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.oid = ANY (p.polroles)) AS policies,
    (SELECT coalesce(json_agg(json_build_object('role', o.rolname, 'admin', m.admin_option) ORDER BY o.rolname), '[]')
      FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles o ON o.oid = m.roleid
      WHERE m.member = r.oid) AS "memberOf",
    (SELECT coalesce(json_agg(json_build_object('role', o.rolname, 'admin', m.admin_option) ORDER BY o.rolname), '[]')
      FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles o ON o.oid = m.member
      WHERE m.roleid = r.oid) AS members
  FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[])`;

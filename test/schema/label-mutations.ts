/**
 * Changes to security labels. No provider of labels comes with PostgreSQL but SELinux's, so they are put where a
 * provider puts them, https://www.postgresql.org/docs/current/catalog-pg-seclabel.html; pg_dump reads them from there.
 */
import type { Mutation } from "./mutations.js";

const PROVIDER = "selinux";

interface Labelled {
  /** The object as `wov diff` names it. */
  readonly id: string;
  /** SQL for its oid. */
  readonly oid: string;
  readonly catalog: "pg_class" | "pg_proc" | "pg_type" | "pg_namespace";
  readonly column?: { readonly name: string; readonly number: number };
}

const label = ({ id, oid, catalog, column }: Labelled): Mutation => ({
  sql: `INSERT INTO pg_catalog.pg_seclabel (objoid, classoid, objsubid, provider, label)
        VALUES (${oid}, 'pg_catalog.${catalog}'::regclass, ${column?.number ?? 0}, '${PROVIDER}', 's0')`,
  id,
  change: "changed",
  detail: `security label ${PROVIDER}${column === undefined ? "" : ` on column ${column.name}`} added`,
});

const made = (id: string, sql: string): Mutation => ({ sql, id, change: "added" });

const TABLE = "table labelled.t";

export const LABEL_MUTATIONS: readonly Mutation[] = [
  made("schema labelled", "CREATE SCHEMA labelled"),
  made(TABLE, "CREATE TABLE labelled.t (id integer, note text)"),
  made("view labelled.v", "CREATE VIEW labelled.v AS SELECT 1 AS one"),
  made("materialized view labelled.m", "CREATE MATERIALIZED VIEW labelled.m AS SELECT 1 AS one"),
  made("sequence labelled.s", "CREATE SEQUENCE labelled.s"),
  made("domain labelled.d", "CREATE DOMAIN labelled.d AS text"),
  made("type labelled.e", "CREATE TYPE labelled.e AS ENUM ('a')"),
  made("function labelled.f(integer)", "CREATE FUNCTION labelled.f(integer) RETURNS integer RETURN 1"),
  made("procedure labelled.p()", "CREATE PROCEDURE labelled.p() LANGUAGE sql AS ''"),
  label({ id: "schema labelled", oid: "'labelled'::regnamespace", catalog: "pg_namespace" }),
  label({ id: TABLE, oid: "'labelled.t'::regclass", catalog: "pg_class" }),
  label({
    id: TABLE,
    oid: "'labelled.t'::regclass",
    catalog: "pg_class",
    column: { name: "note", number: 2 },
  }),
  label({ id: "view labelled.v", oid: "'labelled.v'::regclass", catalog: "pg_class" }),
  label({ id: "materialized view labelled.m", oid: "'labelled.m'::regclass", catalog: "pg_class" }),
  label({ id: "sequence labelled.s", oid: "'labelled.s'::regclass", catalog: "pg_class" }),
  label({ id: "domain labelled.d", oid: "'labelled.d'::regtype", catalog: "pg_type" }),
  label({ id: "type labelled.e", oid: "'labelled.e'::regtype", catalog: "pg_type" }),
  label({
    id: "function labelled.f(integer)",
    oid: "'labelled.f(integer)'::regprocedure",
    catalog: "pg_proc",
  }),
  label({ id: "procedure labelled.p()", oid: "'labelled.p()'::regprocedure", catalog: "pg_proc" }),
  {
    sql: "UPDATE pg_catalog.pg_seclabel SET label = 's1' WHERE objoid = 'labelled.t'::regclass AND objsubid = 0",
    id: TABLE,
    change: "changed",
    detail: `security label ${PROVIDER} changed`,
  },
  {
    sql: "UPDATE pg_catalog.pg_seclabel SET provider = 'other' WHERE objoid = 'labelled.v'::regclass",
    id: "view labelled.v",
    change: "changed",
    detail: "security label other added",
  },
  {
    sql: "DELETE FROM pg_catalog.pg_seclabel WHERE objoid = 'labelled.t'::regclass AND objsubid = 2",
    id: TABLE,
    change: "changed",
    detail: `security label ${PROVIDER} on column note dropped`,
  },
];

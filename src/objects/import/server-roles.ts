/** What a server says of its roles. */
import type { Client } from "../../postgres/connection.js";
import type { ServerRole } from "./roles.js";

interface Row {
  readonly name: string;
  readonly attributes: string[];
  readonly superuser: boolean;
  readonly login: boolean;
  readonly settings: string[];
  readonly comment: string | null;
  readonly member_of: { readonly role: string; readonly options: string }[];
  readonly members: string[];
}

/** A role as the server has it, and what of it no script can tell. */
export interface RoleOnServer extends ServerRole {
  readonly canLogin: boolean;
  readonly members: readonly string[];
}

/**
 * Settings whose value is a list of names, each quoted where it has to be: GUC_LIST_QUOTE, see
 * variable_is_guc_list_quote in src/bin/pg_dump/dumputils.c.
 */
const LISTS = `'local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries',
  'temp_tablespaces', 'unix_socket_directories'`;

const ROLES = `
SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolcanlogin AS login,
  array_remove(ARRAY[
    CASE WHEN r.rolcanlogin THEN 'LOGIN' END,
    CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END,
    CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
    CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
    CASE WHEN r.rolreplication THEN 'REPLICATION' END,
    CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
    CASE WHEN r.rolconnlimit >= 0 THEN 'CONNECTION LIMIT ' || r.rolconnlimit END,
    CASE WHEN r.rolvaliduntil IS NOT NULL THEN format('VALID UNTIL %L', r.rolvaliduntil) END
  ], NULL) AS attributes,
  ARRAY(
    SELECT format('SET %I TO %s', split_part(setting, '=', 1),
      CASE WHEN split_part(setting, '=', 1) IN (${LISTS}) THEN value ELSE quote_literal(value) END)
    FROM unnest(r.rolconfig) AS setting, substr(setting, strpos(setting, '=') + 1) AS value
  ) AS settings,
  quote_literal(pg_catalog.shobj_description(r.oid, 'pg_authid')) AS comment,
  (
    SELECT coalesce(jsonb_agg(jsonb_build_object('role', of.rolname, 'options',
      CASE WHEN of.admin THEN 'WITH ADMIN OPTION' ELSE '' END) ORDER BY of.rolname), '[]')
    FROM (
      SELECT o.rolname, bool_or(m.admin_option) AS admin FROM pg_catalog.pg_auth_members m
      JOIN pg_catalog.pg_roles o ON o.oid = m.roleid WHERE m.member = r.oid GROUP BY o.rolname
    ) AS of
  ) AS member_of,
  ARRAY(
    SELECT DISTINCT by.rolname::text FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles by ON by.oid = m.member WHERE m.roleid = r.oid ORDER BY 1
  ) AS members
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'`;

/** Reads all roles but the server's own. */
export async function readServerRoles(client: Client): Promise<Map<string, RoleOnServer>> {
  const { rows } = await client.query<Row>(ROLES);
  return new Map(
    rows.map(({ name, superuser, login, member_of, ...row }) => [
      name,
      { ...row, isSuperuser: superuser, canLogin: login, memberOf: member_of },
    ]),
  );
}

import type { Client } from "./connection.js";

/** The first number that a server gives to what its users make: `FirstNormalObjectId` of access/transam.h. */
const FIRST_OF_USERS = 16_384;

/** A condition in SQL without which no database is as a server makes one. It is quicker to answer than `isAsMade`. */
export const LOOKS_AS_MADE = `NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= ${FIRST_OF_USERS})`;

/** Catalogs whose rows a schema is read from; what belongs to a table or a type comes with it. */
const CATALOGS = [
  "pg_am",
  "pg_cast",
  "pg_class",
  "pg_collation",
  "pg_conversion",
  "pg_default_acl",
  "pg_event_trigger",
  "pg_extension",
  "pg_foreign_data_wrapper",
  "pg_foreign_server",
  "pg_language",
  "pg_largeobject_metadata",
  "pg_opclass",
  "pg_operator",
  "pg_opfamily",
  "pg_proc",
  "pg_publication",
  "pg_transform",
  "pg_ts_config",
  "pg_ts_dict",
  "pg_ts_parser",
  "pg_ts_template",
  "pg_type",
];

/**
 * Catalogs of what may be granted, and their columns for that and for its schema. NULL stands for what nobody has
 * ever granted or revoked, which is most of it.
 */
const GRANTED = [
  ["pg_class", "relacl", "relnamespace"],
  ["pg_proc", "proacl", "pronamespace"],
  ["pg_type", "typacl", "typnamespace"],
  ["pg_language", "lanacl", null],
  ["pg_namespace", "nspacl", "oid"],
] as const;

/** The schema of which no dump tells anything. */
const UNREAD_SCHEMA = "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'information_schema'";

/**
 * Whether a database is as a server makes one: nothing was made in it, granted in it, or said of its schemas. Some
 * milliseconds answer it, where a dump takes a tenth of a second. False says nothing: a dump may show none of what
 * there is.
 */
export async function isAsMade(client: Client): Promise<boolean> {
  const made = CATALOGS.map((name) => `SELECT FROM pg_catalog.${name} WHERE oid >= ${FIRST_OF_USERS}`);
  const granted = GRANTED.map(
    ([name, acl, schema]) => `SELECT FROM pg_catalog.${name} c
       LEFT JOIN pg_catalog.pg_init_privs p ON p.objoid = c.oid AND p.objsubid = 0
         AND p.classoid = 'pg_catalog.${name}'::pg_catalog.regclass
       WHERE c.${acl} IS NOT NULL AND c.${acl} IS DISTINCT FROM p.initprivs ${schema === null ? "" : `AND c.${schema} IS DISTINCT FROM (${UNREAD_SCHEMA})`}`,
  );
  const others = [
    // Sessions make schemas for their temporary tables.
    `SELECT FROM pg_catalog.pg_namespace WHERE oid >= ${FIRST_OF_USERS} AND nspname !~ '^pg_'`,
    `SELECT FROM pg_catalog.pg_description d JOIN pg_catalog.pg_namespace n ON n.oid = d.objoid
       WHERE d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
       AND n.nspname = 'public' AND d.description <> 'standard public schema'`,
    "SELECT FROM pg_catalog.pg_seclabel",
    `SELECT FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_init_privs p ON p.objoid = a.attrelid
         AND p.objsubid = a.attnum AND p.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
       WHERE a.attacl IS NOT NULL AND a.attacl IS DISTINCT FROM p.initprivs`,
    `SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
       WHERE d.datname = current_database()`,
  ];
  const { rows } = await client.query<{ made: boolean }>(
    `SELECT NOT (${[...made, ...granted, ...others].map((query) => `EXISTS (${query})`).join("\n OR ")}) AS made`,
  );
  return rows[0]?.made === true;
}

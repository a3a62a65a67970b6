/** Materialized views after a schema was loaded: pg_dump writes them without rows, and an application cannot read them so. */

const FILL = `
RESET search_path;
RESET row_security;
DO $fill$
DECLARE
  view text;
BEGIN
  FOR view IN
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'm' AND NOT c.relispopulated
    ORDER BY c.oid
  LOOP
    BEGIN
      EXECUTE 'REFRESH MATERIALIZED VIEW ' OPERATOR(pg_catalog.||) view;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'materialized view % stays without rows: %', view, SQLERRM;
    END;
  END LOOP;
END
$fill$;
`;

/**
 * SQL that loads a schema and fills its materialized views, in the order in which they were made, so that each finds
 * those that it reads. One that the server cannot fill, such as one of a foreign table out of reach, stays as the
 * dump makes it, with a warning; pg_restore goes on there too.
 *
 * @param schema a schema as it is archived
 */
export function withFilledViews(schema: string): string {
  return schema.includes("CREATE MATERIALIZED VIEW") ? `${schema}${FILL}` : schema;
}

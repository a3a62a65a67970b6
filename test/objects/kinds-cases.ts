/** For each kind of object: scripts that make one, change it, give it another name, and something that depends on it. */
import type { KindType } from "#src/objects/kinds.js";
import type { Files } from "./support.js";

export interface KindCase {
  readonly type: KindType;
  /** What it needs, in files of their own. */
  readonly needs?: Files;
  readonly path: string;
  readonly script: string;
  readonly changed: string;
  /** What happens to the object when its script changes so. */
  readonly change: "replace" | "remake" | "record" | "blocked";
  /** Run by hand before the changed script is: what a migration would have done. */
  readonly migration?: string;
  /** Says what the object is, as a text; null where it is not there. */
  readonly probe: string;
  /** What the probe says before, and after the change. */
  readonly says: readonly [unknown, unknown];
  /** A file of the same object under another name. */
  readonly renamed: { readonly path: string; readonly script: string; readonly probe: string };
  /** Something that depends on it, with a script of its own, and how it is gone when it is. */
  readonly dependent?: Files;
  /** What becomes of the dependent when the object changes. */
  readonly dependentChange?: "stays" | "remake";
  /** How its going is refused; another index, or key, may do as well, so the server is asked. */
  readonly refusal?: "OBJECT_SCRIPT_FAILED";
  /** Whether dropping its file is refused, since what it holds may not go by itself. */
  readonly keeps?: boolean;
}

const T: Files = { "tables/public.t.sql": "CREATE TABLE t (id integer PRIMARY KEY, note text);" };
const REFERRING: Files = {
  "tables/public.t.sql": "CREATE TABLE t (id integer, note text);",
  "tables/public.a.sql": "CREATE TABLE a (note text);",
};
/** Names neither the index nor the constraint that it needs, and comes before them by its name. */
const FOREIGN_KEY: Files = {
  "constraints/public.a.dependent.sql":
    "ALTER TABLE a ADD CONSTRAINT dependent FOREIGN KEY (note) REFERENCES t (note);",
};
const view = (on: string): Files => ({
  "views/public.dependent.sql": `CREATE VIEW dependent AS SELECT ${on} AS x;`,
});

export const KIND_CASES: readonly KindCase[] = [
  {
    type: "schema",
    path: "schemas/app.sql",
    script: "CREATE SCHEMA app;",
    changed: "CREATE SCHEMA app; COMMENT ON SCHEMA app IS 'the application';",
    change: "record",
    probe:
      "SELECT coalesce(obj_description(to_regnamespace('app')), 'plain') WHERE to_regnamespace('app') IS NOT NULL",
    says: ["plain", "plain"],
    renamed: {
      path: "schemas/app2.sql",
      script: "CREATE SCHEMA app2;",
      probe: "SELECT to_regnamespace('app2')",
    },
    dependent: { "views/app.dependent.sql": "CREATE VIEW app.dependent AS SELECT 1 AS x;" },
  },
  {
    type: "extension",
    path: "extensions/pg_trgm.sql",
    script: "CREATE EXTENSION pg_trgm;",
    changed: "CREATE EXTENSION pg_trgm CASCADE;",
    change: "record",
    probe: "SELECT extname::text FROM pg_extension WHERE extname = 'pg_trgm'",
    says: ["pg_trgm", "pg_trgm"],
    renamed: {
      path: "extensions/citext.sql",
      script: "CREATE EXTENSION citext;",
      probe: "SELECT extname FROM pg_extension WHERE extname = 'citext'",
    },
    dependent: view("similarity('a', 'b')"),
  },
  {
    type: "type",
    path: "types/public.mood.sql",
    script: "CREATE TYPE mood AS ENUM ('sad', 'happy');",
    changed: "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');",
    change: "record",
    probe: "SELECT count(*)::text FROM pg_enum WHERE enumtypid = to_regtype('mood') HAVING count(*) > 0",
    says: ["2", "2"],
    renamed: {
      path: "types/public.humor.sql",
      script: "CREATE TYPE humor AS (a integer);",
      probe: "SELECT to_regtype('humor')",
    },
    dependent: {
      "functions/public.dependent.sql":
        "CREATE FUNCTION dependent(m mood) RETURNS int LANGUAGE sql AS 'SELECT 1';",
    },
  },
  {
    type: "domain",
    path: "domains/public.positive.sql",
    script: "CREATE DOMAIN positive AS integer CHECK (VALUE > 0);",
    changed: "CREATE DOMAIN positive AS integer CHECK (VALUE > 1);",
    change: "record",
    probe: "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = to_regtype('positive')",
    says: ["CHECK ((VALUE > 0))", "CHECK ((VALUE > 0))"],
    renamed: {
      path: "domains/public.natural_number.sql",
      script: "CREATE DOMAIN natural_number AS integer CHECK (VALUE > 0);",
      probe: "SELECT to_regtype('natural_number')",
    },
    dependent: view("1::positive"),
  },
  {
    type: "sequence",
    path: "sequences/public.counter.sql",
    script: "CREATE SEQUENCE counter;",
    changed: "CREATE SEQUENCE counter INCREMENT 5;",
    migration: "ALTER SEQUENCE counter INCREMENT 5;",
    change: "record",
    probe: "SELECT seqincrement::text FROM pg_sequence WHERE seqrelid = to_regclass('counter')",
    says: ["1", "5"],
    renamed: {
      path: "sequences/public.meter.sql",
      script: "CREATE SEQUENCE meter;",
      probe: "SELECT to_regclass('meter')",
    },
    dependent: view("nextval('counter')"),
    keeps: true,
  },
  {
    type: "table",
    path: "tables/public.goods.sql",
    script: "CREATE TABLE goods (id integer PRIMARY KEY);\nCREATE INDEX ON goods (id);",
    changed: "CREATE TABLE goods (id integer PRIMARY KEY, price numeric);\nCREATE INDEX ON goods (id);",
    migration: "ALTER TABLE goods ADD COLUMN price numeric;",
    change: "record",
    probe:
      "SELECT count(*)::text FROM pg_attribute WHERE attrelid = to_regclass('goods') AND attnum > 0 HAVING count(*) > 0",
    says: ["1", "2"],
    renamed: {
      path: "tables/public.wares.sql",
      script: "CREATE TABLE wares (id integer PRIMARY KEY);",
      probe: "SELECT to_regclass('wares')",
    },
    dependent: view("(SELECT max(id) FROM goods)"),
    keeps: true,
  },
  {
    type: "function",
    path: "functions/public.f.sql",
    script: "CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
    changed: "CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 2';",
    change: "remake",
    probe: "SELECT prosrc FROM pg_proc WHERE proname = 'f'",
    says: ["SELECT 1", "SELECT 2"],
    renamed: {
      path: "functions/public.g.sql",
      script: "CREATE FUNCTION g(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';",
      probe: "SELECT 1 FROM pg_proc WHERE proname = 'g'",
    },
    dependent: view("f(1)"),
    dependentChange: "remake",
  },
  {
    type: "procedure",
    path: "procedures/public.p.sql",
    script: "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';",
    changed: "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS 'SELECT 2';",
    change: "replace",
    probe: "SELECT prosrc FROM pg_proc WHERE proname = 'p'",
    says: ["SELECT 1", "SELECT 2"],
    renamed: {
      path: "procedures/public.q.sql",
      script: "CREATE PROCEDURE q() LANGUAGE sql AS 'SELECT 1';",
      probe: "SELECT 1 FROM pg_proc WHERE proname = 'q'",
    },
  },
  {
    type: "aggregate",
    path: "aggregates/public.total.sql",
    script: "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');",
    changed: "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '1');",
    change: "remake",
    probe:
      "SELECT agginitval FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid WHERE proname = 'total'",
    says: ["0", "1"],
    renamed: {
      path: "aggregates/public.amount.sql",
      script: "CREATE AGGREGATE amount(integer) (SFUNC = int4pl, STYPE = integer);",
      probe: "SELECT 1 FROM pg_proc WHERE proname = 'amount'",
    },
    dependent: view("(SELECT total(x) FROM generate_series(1, 2) x)"),
    dependentChange: "remake",
  },
  {
    type: "view",
    needs: T,
    path: "views/public.v.sql",
    script: "CREATE OR REPLACE VIEW v AS SELECT id FROM t;",
    changed: "CREATE OR REPLACE VIEW v AS SELECT id, note FROM t;",
    change: "replace",
    probe:
      "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = to_regclass('v') HAVING count(*) > 0",
    says: ["id", "id,note"],
    renamed: {
      path: "views/public.w.sql",
      script: "CREATE VIEW w AS SELECT id FROM t;",
      probe: "SELECT to_regclass('w')",
    },
    dependent: view("(SELECT max(id) FROM v)"),
    dependentChange: "stays",
  },
  {
    type: "materialized-view",
    needs: T,
    path: "materialized-views/public.m.sql",
    script: "CREATE MATERIALIZED VIEW m AS SELECT id FROM t;\nCREATE UNIQUE INDEX ON m (id);",
    changed: "CREATE MATERIALIZED VIEW m AS SELECT note AS id FROM t;\nCREATE UNIQUE INDEX ON m (id);",
    change: "remake",
    probe:
      "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass('m') AND attname = 'id'",
    says: ["integer", "text"],
    renamed: {
      path: "materialized-views/public.n.sql",
      script: "CREATE MATERIALIZED VIEW n AS SELECT id FROM t;",
      probe: "SELECT to_regclass('n')",
    },
    dependent: view("(SELECT max(id::text) FROM m)"),
    dependentChange: "remake",
  },
  {
    type: "index",
    needs: REFERRING,
    path: "indexes/public.t_note.sql",
    script: "CREATE UNIQUE INDEX t_note ON t (note);",
    changed: "CREATE UNIQUE INDEX t_note ON t (note) WITH (fillfactor = 50);",
    change: "remake",
    probe: "SELECT coalesce(reloptions::text, 'plain') FROM pg_class WHERE oid = to_regclass('t_note')",
    says: ["plain", "{fillfactor=50}"],
    renamed: {
      path: "indexes/public.t_note2.sql",
      script: "CREATE UNIQUE INDEX t_note2 ON t (note);",
      probe: "SELECT to_regclass('t_note2')",
    },
    dependent: FOREIGN_KEY,
    dependentChange: "remake",
    refusal: "OBJECT_SCRIPT_FAILED",
  },
  {
    type: "constraint",
    needs: REFERRING,
    path: "constraints/public.t.short.sql",
    script: "ALTER TABLE t ADD CONSTRAINT short UNIQUE (note);",
    changed: "ALTER TABLE t ADD CONSTRAINT short PRIMARY KEY (note);",
    change: "remake",
    probe: "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'short'",
    says: ["UNIQUE (note)", "PRIMARY KEY (note)"],
    renamed: {
      path: "constraints/public.t.brief.sql",
      script: "ALTER TABLE t ADD CONSTRAINT brief UNIQUE (note);",
      probe: "SELECT 1 FROM pg_constraint WHERE conname = 'brief'",
    },
    dependent: FOREIGN_KEY,
    dependentChange: "remake",
    refusal: "OBJECT_SCRIPT_FAILED",
  },
  {
    type: "trigger",
    needs: {
      ...T,
      "functions/public.touch.sql":
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;",
    },
    path: "triggers/public.t.touched.sql",
    script: "CREATE TRIGGER touched BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();",
    changed: "CREATE TRIGGER touched AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();",
    change: "remake",
    probe: "SELECT (tgtype & 2)::text FROM pg_trigger WHERE tgname = 'touched'",
    says: ["2", "0"],
    renamed: {
      path: "triggers/public.t.handled.sql",
      script: "CREATE TRIGGER handled BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();",
      probe: "SELECT 1 FROM pg_trigger WHERE tgname = 'handled'",
    },
  },
  {
    type: "rule",
    needs: T,
    path: "rules/public.t.no_delete.sql",
    script: "CREATE RULE no_delete AS ON DELETE TO t DO INSTEAD NOTHING;",
    changed: "CREATE RULE no_delete AS ON DELETE TO t WHERE old.id > 1 DO INSTEAD NOTHING;",
    change: "remake",
    probe: "SELECT (definition LIKE '%WHERE%')::text FROM pg_rules WHERE rulename = 'no_delete'",
    says: ["false", "true"],
    renamed: {
      path: "rules/public.t.keep.sql",
      script: "CREATE RULE keep AS ON DELETE TO t DO INSTEAD NOTHING;",
      probe: "SELECT 1 FROM pg_rules WHERE rulename = 'keep'",
    },
  },
  {
    type: "policy",
    needs: T,
    path: "policies/public.t.own.sql",
    script: "CREATE POLICY own ON t USING (id > 0);",
    changed: "CREATE POLICY own ON public.t USING (id > 1);",
    change: "remake",
    probe: "SELECT qual FROM pg_policies WHERE policyname = 'own'",
    says: ["(id > 0)", "(id > 1)"],
    renamed: {
      path: "policies/public.t.mine.sql",
      script: "CREATE POLICY mine ON t USING (id > 0);",
      probe: "SELECT 1 FROM pg_policies WHERE policyname = 'mine'",
    },
  },
  {
    type: "event-trigger",
    needs: {
      "functions/public.noted.sql":
        "CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;",
    },
    path: "event-triggers/watch.sql",
    script: "CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION noted();",
    changed: "CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION noted();",
    change: "remake",
    probe: "SELECT evtevent::text FROM pg_event_trigger WHERE evtname = 'watch'",
    says: ["ddl_command_end", "sql_drop"],
    renamed: {
      path: "event-triggers/guard.sql",
      script: "CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION noted();",
      probe: "SELECT 1 FROM pg_event_trigger WHERE evtname = 'guard'",
    },
  },
  {
    type: "role",
    needs: T,
    path: "roles/reader.sql",
    script: "CREATE ROLE {wo_role_prefix}reader; GRANT SELECT ON t TO {wo_role_prefix}reader;",
    changed: "CREATE ROLE {wo_role_prefix}reader LOGIN; GRANT INSERT ON t TO {wo_role_prefix}reader;",
    change: "remake",
    probe:
      "SELECT string_agg(privilege_type, ',') FROM information_schema.role_table_grants WHERE grantee LIKE '{wo_role_prefix}reader' HAVING count(*) > 0",
    says: ["SELECT", "INSERT"],
    renamed: {
      path: "roles/auditor.sql",
      script: "CREATE ROLE {wo_role_prefix}auditor;",
      probe: "SELECT 1 FROM pg_roles WHERE rolname = '{wo_role_prefix}auditor'",
    },
    dependent: {
      "roles/chief.sql":
        "CREATE ROLE {wo_role_prefix}chief; GRANT {wo_role_prefix}reader TO {wo_role_prefix}chief;",
    },
  },
];

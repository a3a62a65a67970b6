/** What is read off SQL beside the schema: what it needs of a server, and what of it is ignored. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ignoredNamesIn } from "#src/schema/ignored-names.js";
import { neededBy } from "#src/schema/needs.js";

const needs = suite("what SQL needs of a server");

for (const [sql, roles, extensions] of [
  ["GRANT SELECT ON t TO a, PUBLIC", ["a"], []],
  ["GRANT a TO b", ["a", "b"], []],
  ["CREATE POLICY p ON t TO a USING (true)", ["a"], []],
  ["ALTER TABLE t OWNER TO a", ["a"], []],
  ["ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b", ["a", "b"], []],
  ["CREATE ROLE a; GRANT SELECT ON t TO a, b", ["b"], []],
  ["CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION citext SCHEMA x", [], ["citext", "hstore"]],
  ["SELECT nonsense FROM", [], []],
] as const) {
  needs(sql, async () => {
    const found = await neededBy(sql);
    assert.equal([[...found.roles].sort(), [...found.extensions].sort()], [roles, extensions]);
  });
}

needs("of a dump, whose headings name owners", async () => {
  const dump = `
--
-- Name: t; Type: TABLE; Schema: public; Owner: somebody
--

CREATE TABLE public.t (id integer);


--
-- Name: nonsense; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW nonsense AS SELECT owner FROM;


--
-- Name: TABLE t; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.t TO reader;
`;
  assert.equal(await neededBy(dump), { roles: ["reader"], extensions: [] });
});

needs.run();

const ignored = suite("ignored things that a statement names");
const settings = { ignoreSchemas: ["cron"], ignoreTables: ["log_*", "shop.temp"] };

for (const [sql, names] of [
  ["DROP TABLE log_1, orders", ["log_1"]],
  ["ALTER TABLE shop.temp ADD COLUMN a int", ["shop.temp"]],
  ["ALTER TABLE other.temp ADD COLUMN a int", []],
  ["CREATE TABLE cron.job (id int)", ["cron.job"]],
  ["DROP SCHEMA cron, other", ["cron"]],
  ["CREATE SCHEMA cron", ["cron"]],
  ["INSERT INTO orders SELECT * FROM log_2", ["log_2"]],
  ["CREATE VIEW v AS SELECT 1", []],
] as const) {
  ignored(sql, async () => assert.equal(await ignoredNamesIn(sql, settings), names));
}

ignored("none, where nothing is", async () => {
  assert.equal(await ignoredNamesIn("DROP TABLE log_1", { ignoreSchemas: [], ignoreTables: [] }), []);
});

ignored.run();

/** Roles: made after everything else, made again only when their script changed, and granted again what was made again. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { actions, type Files, WoTree } from "./support.js";

const roles = suite("objects: roles");

const FILES: Files = {
  "tables/public.t.sql":
    "CREATE TABLE t (id integer PRIMARY KEY);\nALTER TABLE t ENABLE ROW LEVEL SECURITY;\n",
  "views/public.v.sql": "CREATE VIEW v AS SELECT id FROM t;\n",
  "views/public.w.sql": "CREATE VIEW w AS SELECT 1 AS one;\n",
  "policies/public.t.p.sql": "CREATE POLICY p ON t USING (true);\n",
  "roles/reader.sql":
    "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON t, v TO {wo_role_prefix}reader;\nALTER POLICY p ON t TO {wo_role_prefix}reader;\n",
  "roles/all.sql":
    "CREATE ROLE {wo_role_prefix}all;\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO {wo_role_prefix}all;\n",
};

async function migrated(files: Files = FILES): Promise<WoTree> {
  const tree = await WoTree.create(files);
  await tree.migrate();
  return tree;
}

const oids = (tree: WoTree) =>
  tree.value(
    `SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_roles WHERE rolname LIKE '${tree.prefix}%'`,
  );

roles("get their grants again on what was made again, and stay the roles they are", async () => {
  const tree = await migrated();
  const before = await oids(tree);
  const result = await tree.migrate({ "views/public.v.sql": "CREATE VIEW v AS SELECT id::text FROM t;\n" });
  assert.equal(actions(result), [
    "remake view.public.v",
    `grant role.${tree.prefix}all`,
    `grant role.${tree.prefix}reader`,
  ]);
  assert.is(await oids(tree), before);
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'v', 'SELECT')`), true);
  await tree.remove();
});

roles("that are granted all of a schema get what is new in it", async () => {
  const tree = await migrated();
  const result = await tree.migrate({ "views/public.x.sql": "CREATE VIEW x AS SELECT 1 AS one;\n" });
  assert.equal(actions(result), ["create view.public.x", `grant role.${tree.prefix}all`]);
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}all', 'x', 'SELECT')`), true);
  await tree.remove();
});

roles("a role that another was made a member of is made again with its members", async () => {
  const tree = await migrated({
    "roles/team.sql": "CREATE ROLE {wo_role_prefix}team;\n",
    "roles/anna.sql": "CREATE ROLE {wo_role_prefix}anna IN ROLE {wo_role_prefix}team;\n",
    "roles/all.sql": "CREATE ROLE {wo_role_prefix}all ROLE {wo_role_prefix}team;\n",
  });
  const isMember = (one: string, of: string) =>
    tree.value(`SELECT pg_has_role('${tree.prefix}${one}', '${tree.prefix}${of}', 'MEMBER')`);
  const changed = (text: string) => ({ "roles/team.sql": `CREATE ROLE {wo_role_prefix}team ${text};\n` });
  await tree.migrate(changed("NOINHERIT"));
  assert.is(await isMember("anna", "team"), true);
  assert.is(await isMember("team", "all"), true);
  await tree.migrate({ ...changed("INHERIT"), "roles/anna.sql": null });
  assert.is(await isMember("team", "all"), true);
  await tree.remove();
});

roles("a policy that is made again is for its role again", async () => {
  const tree = await migrated();
  await tree.migrate({ "policies/public.t.p.sql": "CREATE POLICY p ON t USING (id > 0);\n" });
  assert.is(await tree.value("SELECT roles::text FROM pg_policies"), `{${tree.prefix}reader}`);
  await tree.remove();
});

roles(
  "a changed script takes back what it says no longer, and leaves memberships given by hand",
  async () => {
    const tree = await migrated();
    const { prefix } = tree;
    const hand = `${prefix}hand`;
    await tree.db.query(`CREATE ROLE ${hand}; GRANT ${prefix}reader TO ${hand}`);
    const result = await tree.migrate({
      "roles/reader.sql":
        "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON w TO {wo_role_prefix}reader;\nALTER POLICY p ON t TO {wo_role_prefix}reader;\n",
    });
    assert.equal(actions(result), [`remake role.${prefix}reader`]);
    assert.is(await tree.value(`SELECT has_table_privilege('${prefix}reader', 'v', 'SELECT')`), false);
    assert.is(await tree.value(`SELECT has_table_privilege('${prefix}reader', 'w', 'SELECT')`), true);
    assert.is(await tree.value(`SELECT pg_has_role('${hand}', '${prefix}reader', 'MEMBER')`), true);
    assert.is(await tree.value("SELECT roles::text FROM pg_policies"), `{${prefix}reader}`);
    await tree.remove();
  },
);

roles("one that owns things is not dropped, and the message says what it owns", async () => {
  const tree = await migrated();
  await tree.db.query(`CREATE TABLE owned (); ALTER TABLE owned OWNER TO ${tree.prefix}reader`);
  for (const reader of [null, "CREATE ROLE {wo_role_prefix}reader LOGIN;\n"]) {
    const error = await thrownBy(BlockedError, tree.migrate({ "roles/reader.sql": reader }));
    assert.is(error.code, "ROLE_OWNS");
    assert.match(error.message, /table owned/);
    assert.match(error.hint ?? "", /REASSIGN OWNED BY/);
  }
  await tree.remove();
});

roles("one that another database grants to as well loses only what it has here", async () => {
  const tree = await migrated();
  const other = await freshDatabase(`CREATE TABLE o (); GRANT SELECT ON o TO ${tree.prefix}reader`);
  const changed = "CREATE ROLE {wo_role_prefix}reader;\nGRANT SELECT ON w TO {wo_role_prefix}reader;\n";
  const { notes } = await tree.migrate({ "roles/reader.sql": changed });
  assert.match(notes.join(), new RegExp(`is used in ${other.name} too`));
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'v', 'SELECT')`), false);
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'w', 'SELECT')`), true);
  await tree.migrate({ "roles/reader.sql": null, "roles/all.sql": null });
  assert.is(await tree.value(`SELECT 1 FROM pg_roles WHERE rolname = '${tree.prefix}reader'`), 1);
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'w', 'SELECT')`), false);
  assert.equal(
    (await tree.recorded()).filter((id) => String(id).startsWith("role.")),
    [],
  );
  await tree.remove();
});

roles("one is made by one database of a server, and taken as it is by the next", async () => {
  const first = await migrated();
  const second = await WoTree.create(FILES);
  const env = { ...second.env, WO_ROLE_PREFIX: first.prefix };
  const { notes } = await second.migrate({}, { env });
  assert.match(notes.join(), /reader is on the server already/);
  assert.is(await second.value(`SELECT has_table_privilege('${first.prefix}reader', 'v', 'SELECT')`), true);
  await Promise.all([first.remove(), second.remove()]);
});

roles("a policy made by hand for a role alone keeps the role from going", async () => {
  const tree = await migrated();
  await tree.db.query(`CREATE POLICY hand ON t TO ${tree.prefix}all`);
  const error = await thrownBy(BlockedError, tree.migrate({ "roles/all.sql": null }));
  assert.is(error.code, "ROLE_NEEDED");
  await tree.migrate({ "roles/all.sql": "CREATE ROLE {wo_role_prefix}all LOGIN;\n" });
  assert.is(
    await tree.value("SELECT roles::text FROM pg_policies WHERE policyname = 'hand'"),
    `{${tree.prefix}all}`,
  );
  await tree.remove();
});

roles("a prefix with capitals is folded as the server folds it", async () => {
  const tree = await WoTree.create(FILES);
  const env = { ...tree.env, WO_ROLE_PREFIX: tree.prefix.toUpperCase() };
  await tree.migrate({}, { env });
  assert.ok((await tree.recorded()).includes(`role.${tree.prefix}reader`));
  assert.is((await tree.migrate({}, { env })).applied, false);
  await tree.remove();
});

roles("are made by a role that is no superuser", async () => {
  const tree = await WoTree.create(FILES);
  const owner = `${tree.prefix}owner`;
  await tree.db.query(
    `CREATE ROLE ${owner} LOGIN CREATEROLE CREATEDB PASSWORD 'secret'; GRANT ALL ON SCHEMA public TO ${owner}; ALTER DATABASE ${quoteIdentifier(tree.db.name)} OWNER TO ${owner}`,
  );
  const url = new URL(tree.db.url);
  url.username = owner;
  url.password = "secret";
  const env = { ...tree.env, WO_CONNECTION_STRING: url.href };
  await tree.migrate({}, { env });
  const changed = {
    "roles/reader.sql":
      "CREATE ROLE {wo_role_prefix}reader LOGIN;\nGRANT SELECT ON v TO {wo_role_prefix}reader;\n",
  };
  await tree.migrate(changed, { env });
  assert.is(await tree.value(`SELECT has_table_privilege('${tree.prefix}reader', 'v', 'SELECT')`), true);
  await tree.migrate({ "roles/reader.sql": null }, { env });
  assert.is(await tree.value(`SELECT 1 FROM pg_roles WHERE rolname = '${tree.prefix}reader'`), undefined);
  await tree.remove();
});

roles.run();

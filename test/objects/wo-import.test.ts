/** `wo import` on servers: the tree makes the same schema again, and is written with care. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hash } from "#src/commands/hash.js";
import { woImport } from "#src/commands/wo/import.js";
import { woInit } from "#src/commands/wo/init.js";
import { woMigrate } from "#src/commands/wo/migrate.js";
import { BlockedError, ConfigError } from "#src/errors.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { load } from "../matrix/servers.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE, TestProject } from "../support/project.js";
import { urlOf } from "../support/server.js";
import { type RoundTrip, type RoundTripOptions, roundTrip } from "./round-trip.js";
import { actions, WoTree } from "./support.js";

const trips = suite<{ servers: EmbeddedServer[] }>("wo import, wo migrate: the same schema", { servers: [] });

trips.before(async (context) => {
  const settings = { wal_level: "logical" };
  // Roles are a server's: the second one has none of the first one's.
  context.servers = await Promise.all([
    startThrowAwayServer({ settings }),
    startThrowAwayServer({ settings }),
  ]);
});

trips.after(async ({ servers }) => {
  await Promise.all(servers.map((server) => server.stop()));
});

/** Loads a file, and takes it from there to a tree and back. */
async function tripOf(
  [from, to]: readonly EmbeddedServer[],
  path: string,
  options: RoundTripOptions = {},
): Promise<RoundTrip> {
  if (from === undefined || to === undefined) throw new Error("two servers are needed");
  const name = `s${Math.random().toString(36).slice(2, 10)}`;
  return roundTrip(
    await load(from, name, await readFile(join(PACKAGE, path), "utf8"), path),
    to.connection,
    options,
  );
}

/** What a round trip has to come to. */
function isSame({ migrated, planned, again, differences }: RoundTrip): void {
  assert.equal(differences, []);
  assert.ok(migrated.applied);
  assert.equal(actions(planned), []);
  assert.equal(planned.final, []);
  assert.is(again.applied, false);
}

trips("every type of object", async ({ servers }) => {
  isSame(await tripOf(servers, "test/matrix/schemas/rich.sql"));
});

trips("what takes care; a script that is changed, and changed back", async ({ servers }) => {
  const look = async (dir: string, url: string, env: Readonly<Record<string, string>>) => {
    const { checksum } = await hash(url);
    const view = join(dir, "views/views.z_first.sql");
    const text = await readFile(view, "utf8");
    await writeFile(view, text.replace("    name\n", "    name || '!' AS name\n"));
    const changed = await woMigrate({ env });
    assert.ok(actions(changed).includes("replace view.views.z_first"), actions(changed).join("\n"));
    assert.is.not((await hash(url)).checksum, checksum);
    await writeFile(view, text);
    await woMigrate({ env });
  };
  isSame(await tripOf(servers, "test/objects/import-cases.sql", { prefix: "wo_", look }));
});

trips("the database that was imported takes its own tree as it is", async ({ servers: [server] }) => {
  if (server === undefined) throw new Error("no server");
  const sql = await readFile(join(PACKAGE, "test/objects/import-cases.sql"), "utf8");
  const source = await load(server, "takes_its_own_tree", sql);
  const tree = await WoTree.create();
  const env = {
    ...tree.env,
    WO_CONNECTION_STRING: urlOf(source),
    WO_ADMIN_CONNECTION_STRING: urlOf(server.connection),
    WO_ROLE_PREFIX: "wo_",
  };
  const before = await hash(urlOf(source));
  await woImport({ env });
  const migrated = await woMigrate({ env });
  assert.ok(actions(migrated).includes("adopt table.views.base"));
  assert.not.match(actions(migrated).join("\n"), /^(?:create|drop)/m);
  assert.is((await hash(urlOf(source))).checksum, before.checksum);
  assert.is((await woMigrate({ env })).applied, false);
  await tree.remove();
});

trips("an archived version, which no server has", async ({ servers: [server] }) => {
  if (server === undefined) throw new Error("no server");
  const tree = await WoTree.create();
  const { WO_DIR: dir } = tree.env;
  const imported = await woImport({ cwd: PACKAGE, source: "shopdb@1.2.0", dir, env: {} });
  const archived = await hash("shopdb@1.2.0", { cwd: PACKAGE });
  assert.is(imported.checksum, archived.checksum);
  assert.equal(imported.warnings, []);
  await tree.migrate();
  assert.is((await hash(tree.db.url)).checksum, archived.checksum);
  await tree.remove();
});

trips.run();

const writing = suite("wo import: the tree on disk");

const SHOP = `
  CREATE TABLE orders (id serial PRIMARY KEY);
  CREATE VIEW open AS SELECT id FROM orders;
`;

/** A tree, made of a database with an order and a view. */
function inTree(work: (tree: WoTree) => Promise<void>, sql = SHOP) {
  return async () => {
    const tree = await WoTree.create({}, sql);
    try {
      await work(tree);
    } finally {
      await tree.remove();
    }
  };
}

writing(
  "an empty tree is filled, and what makes the database is added",
  inTree(async (tree) => {
    const { written, unchanged, warnings } = await woImport({ env: tree.env });
    const scripts = ["schemas/public.sql", "tables/public.orders.sql", "views/public.open.sql"];
    assert.equal(await tree.paths(), [
      "create/00-create-role.sql",
      "create/01-create-database.sql",
      "drop/00-drop-database.sql",
      "drop/01-drop-role.sql",
      ...scripts,
    ]);
    assert.equal([...written].sort(), await tree.paths());
    assert.is(unchanged, 0);
    assert.equal(warnings, []);
    const again = await woImport({ env: tree.env });
    assert.equal(again.written, []);
    assert.is(again.unchanged, scripts.length);
  }),
);

writing("the tree of wo init is taken as empty", async () => {
  const tree = await WoTree.create({}, `${SHOP} REVOKE USAGE ON SCHEMA public FROM PUBLIC;`);
  const env = { ...tree.env, WO_DIR: join(tree.folder, "new") };
  await woInit({ env });
  await writeFile(join(tree.folder, "new/create/00-create-role.sql"), "SELECT 1;\n");
  const { written } = await woImport({ env });
  assert.ok(written.includes("schemas/public.sql"));
  assert.not.ok(written.some((path) => path.startsWith("create/")));
  await tree.remove();
});

writing(
  "scripts that say something else are left alone, unless it is told to write over them",
  inTree(async (tree) => {
    await tree.write({ "views/public.open.sql": "-- mine\n", "views/public.other.sql": "-- mine too\n" });
    const refused = await thrownBy(BlockedError, woImport({ env: tree.env }));
    assert.is(refused.code, "TREE_NOT_EMPTY");
    assert.match(refused.message, /views\/public\.open\.sql\n {2}views\/public\.other\.sql$/);
    assert.equal(await tree.paths(), ["views/public.open.sql", "views/public.other.sql"]);
    const { written, unknown, warnings } = await woImport({ env: tree.env, overwrite: true });
    assert.ok(written.includes("views/public.open.sql"));
    assert.equal(unknown, ["views/public.other.sql"]);
    assert.match(warnings.join("\n"), /views\/public\.other\.sql stays in the tree/);
    assert.is(await readFile(join(tree.folder, "wo/views/public.other.sql"), "utf8"), "-- mine too\n");
  }),
);

writing(
  "without tables there is what deltas do not make",
  inTree(async (tree) => {
    const { written } = await woImport({ env: tree.env, withoutTables: true });
    assert.equal(written, ["views/public.open.sql"]);
  }),
);

writing(
  "roles come with what the server knows of them",
  inTree(async (tree) => {
    const { prefix, db } = tree;
    await db.query(`
      CREATE ROLE ${prefix}base NOINHERIT CREATEDB;
      CREATE ROLE ${prefix}reader LOGIN PASSWORD 'secret' CONNECTION LIMIT 3 IN ROLE ${prefix}base;
      CREATE ROLE of_${prefix} IN ROLE ${prefix}reader;
      ALTER ROLE ${prefix}reader SET search_path TO "Odd", public;
      ALTER ROLE ${prefix}reader SET statement_timeout TO '5s';
      COMMENT ON ROLE ${prefix}base IS 'It''s the base';
      GRANT SELECT ON orders TO ${prefix}reader;
    `);
    const { warnings, written } = await woImport({ env: tree.env });
    const read = (name: string) => readFile(join(tree.folder, "wo/roles", name), "utf8");
    assert.equal(
      written.filter((path) => path.startsWith("roles/")),
      ["roles/base.sql", "roles/reader.sql"],
    );
    assert.is(
      await read("base.sql"),
      "CREATE ROLE {wo_role_prefix}base NOINHERIT CREATEDB;\n\nCOMMENT ON ROLE {wo_role_prefix}base IS 'It''s the base';\n",
    );
    assert.is(
      await read("reader.sql"),
      `CREATE ROLE {wo_role_prefix}reader LOGIN CONNECTION LIMIT 3;

ALTER ROLE {wo_role_prefix}reader SET search_path TO "Odd", public;
ALTER ROLE {wo_role_prefix}reader SET statement_timeout TO '5s';

GRANT {wo_role_prefix}base TO {wo_role_prefix}reader;

GRANT SELECT ON TABLE public.orders TO {wo_role_prefix}reader;
`,
    );
    assert.match(warnings.join("\n"), new RegExp(`The role ${prefix}reader may log in`));
    assert.match(warnings.join("\n"), new RegExp(`The role of_${prefix} is a member of ${prefix}reader`));
    // What is on the server already is taken over.
    await woMigrate({ env: tree.env });
    assert.is((await woMigrate({ env: tree.env })).applied, false);
    await db.query(`DROP OWNED BY ${prefix}reader; DROP ROLE of_${prefix}, ${prefix}reader, ${prefix}base`);
  }),
);

writing(
  "variables are asked for where they are needed, and no more",
  inTree(async (tree) => {
    const { WO_DIR, WO_ROLE_PREFIX } = tree.env;
    const missing = await thrownBy(ConfigError, woImport({ env: { WO_DIR } }));
    assert.match(missing.message, /WO_CONNECTION_STRING/);
    const nowhere = await thrownBy(ConfigError, woImport({ source: tree.db.url, env: {} }));
    assert.is(nowhere.code, "WO_VARIABLE");
    assert.match(nowhere.message, /WO_DIR/);
    const { source } = await woImport({ source: tree.db.url, env: { WO_DIR, WO_ROLE_PREFIX } });
    assert.not.match(source, new RegExp(String(tree.db.connection.password)));
  }),
);

writing("the command prints how much it wrote, or one JSON document", async () => {
  const [tree, project] = await Promise.all([WoTree.create({}, SHOP), TestProject.create()]);
  const plain = await project.command("wo", ["import"], { env: tree.env });
  assert.is(plain.status, 0, plain.output);
  assert.match(plain.stdout, /^imported test_\w+ into .*: 7 scripts\n/);
  assert.match(plain.stdout, /\n {2}1 tables\/\n/);
  const again = await project.command("wo", ["import"], { env: tree.env });
  assert.match(again.stdout, /nothing to write/);
  const json = await project.command("wo", ["import", "--json", "--without", "tables", "--dir", "other"], {
    env: tree.env,
  });
  assert.equal(JSON.parse(json.stdout).written, ["views/public.open.sql"]);
  await Promise.all([tree.remove(), project.remove()]);
});

writing.run();

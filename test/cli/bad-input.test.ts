/**
 * Every kind of bad input, by the real command line: the exit status, what is wrong, where, what mends it, no stack
 * trace, and no file changed. `refused` looks at all of it.
 */
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startThrowAwayServer } from "#src/postgres/embedded.js";
import { freshDatabase, urlOf } from "../support/server.js";
import {
  archiveFirst,
  type Command,
  inProject,
  inShop,
  openShop,
  type Refusal,
  refused,
  sharedShop,
  succeeds,
  treeOf,
  withFile,
} from "./support.js";

const CONFIG = "wovtools/config.json";
const SECRETS = "wovtools/secrets/shopdb_local.json";
const HISTORY = "wovtools/db/shopdb.json";
const DELTAS = "wovtools/db/shopdb.deltas";
const PUSH: Command = ["wov-push-db", "--skip-git-checks"];

const files = suite("bad files");
const shop = sharedShop(files, { archived: true });

interface BadFile extends Refusal {
  readonly file: string;
  /** The text in place of the file's own, made from that. */
  readonly text: (good: string) => string;
}

const BAD_FILES: Record<string, BadFile> = {
  "a configuration that is no JSON": {
    file: CONFIG,
    text: () => '{\n  "databases": { "shopdb": {}, }\n}\n',
    status: 2,
    what: /not valid JSON.*no comma after the last element/,
    where: /wovtools\/config\.json:2:32/,
    hint: /Correct the file at that place/,
  },
  "a configuration with an unknown key": {
    file: CONFIG,
    text: () => '{\n  "database": { "shopdb": {} }\n}\n',
    status: 2,
    what: /^(error )?unknown key "database"; did you mean "databases"\?/,
    where: /wovtools\/config\.json:2:3/,
    hint: /Correct the file at that place/,
  },
  "a configuration with the path of a file for a database": {
    file: CONFIG,
    text: () => '{"databases": {"../shopdb": {}}}',
    status: 2,
    what: /the name "\.\.\/shopdb" may hold only letters, digits/,
    where: /wovtools\/config\.json:1:16/,
    hint: /Correct the file at that place/,
  },
  "secrets that are no JSON": {
    file: SECRETS,
    text: () => '{"shopdb": {"username": "dana" "password": "hush"}}',
    status: 2,
    what: /not valid JSON.*a comma is missing before it/,
    where: /wovtools\/secrets\/shopdb_local\.json:1:32/,
    hint: /Correct the file at that place/,
  },
  "secrets with an unknown key": {
    file: SECRETS,
    text: () => '{"shopdb": {"user": "dana"}}',
    status: 2,
    what: /unknown key "user"; did you mean "username"\?/,
    where: /wovtools\/secrets\/shopdb_local\.json:1:13/,
    hint: /Correct the file at that place/,
  },
  "a history that is no JSON": {
    file: HISTORY,
    text: (good) => good.trimEnd().slice(0, -1),
    status: 4,
    what: /not valid JSON.*is expected, not the end of the file/,
    where: /wovtools\/db\/shopdb\.json:\d+:\d+/,
    hint: /git checkout -- .*shopdb\.json/,
  },
  "a history with an unknown key": {
    file: HISTORY,
    text: (good) => good.replace('"checksum"', '"checksums"'),
    status: 4,
    what: /^(error )?versions\.1\.0\.0: unknown key "checksums"; did you mean "checksum"\?/,
    where: /wovtools\/db\/shopdb\.json:5:7/,
    hint: /git log -p -- .*shopdb\.json/,
  },
  "a history that a merge has left in conflict": {
    file: HISTORY,
    text: (good) => good.replace('  "versions"', '<<<<<<< HEAD\n  "versions"'),
    status: 4,
    what: /git's conflict markers/,
    where: /wovtools\/db\/shopdb\.json:2:1/,
    hint: /versions of both sides/,
  },
  "a history with another SHA-256 than its file": {
    file: HISTORY,
    text: (good) => good.replace(/("sha256": ")[0-9a-f]{4}/, "$10000"),
    status: 4,
    what: /The entry of version 1\.0\.0 was altered/,
    where: /wovtools\/db\/shopdb\.json, version 1\.0\.0/,
    hint: /git checkout -- .*shopdb\.json/,
  },
  "an archived file that was edited": {
    file: "wovtools/db/shopdb/schemas/1.0.0.schema",
    text: (good) => `${good}\n`,
    status: 4,
    what: /version 1\.0\.0 is not what was archived: its SHA-256 is another/,
    where: /schemas\/1\.0\.0\.schema/,
    hint: /git checkout -- .*1\.0\.0\.schema/,
  },
  "a project version that is none": {
    file: "package.json",
    text: (good) => good.replace("1.0.0", "nine"),
    status: 2,
    what: /"nine" is not a semantic version/,
    where: /package\.json/,
    hint: /MAJOR\.MINOR\.PATCH/,
  },
  "a package.json without a version": {
    file: "package.json",
    text: () => '{"name": "shop"}',
    status: 2,
    what: /package\.json has no version/,
    where: /package\.json/,
    hint: /npm pkg set version=1\.0\.0/,
  },
};

for (const [name, { file, text, ...refusal }] of Object.entries(BAD_FILES)) {
  files(`${name} is refused`, async () => {
    const { project, root } = await shop();
    const good = await readFile(join(root, file), "utf8");
    const bad = text(good);
    assert.is.not(bad, good);
    await withFile(await shop(), file, bad, () => refused(project, PUSH, refusal));
  });
}

files("a history that names a file which is not there is refused", async () => {
  const { project } = await shop();
  await withFile(await shop(), "wovtools/db/shopdb/schemas/1.0.0.schema", null, () =>
    refused(project, ["wov", "status"], {
      status: 4,
      what: /A file of version 1\.0\.0 is missing/,
      where: /schemas\/1\.0\.0\.schema/,
      hint: /git checkout -- .*1\.0\.0\.schema/,
    }),
  );
});

files("a broken configuration stops a push, which is told the way around", async () => {
  const { project } = await shop();
  const pushed = await withFile(await shop(), CONFIG, "{", () =>
    project.run("wov", ["hook", "pre-push"], { input: "" }),
  );
  assert.is(pushed.status, 2);
  assert.match(pushed.stderr, /config\.json:1:2/);
  assert.match(pushed.stderr, "git push --no-verify");
});

for (const file of ["wovtools/secrets/shopdb.json", SECRETS]) {
  files(`${file} that others can read is refused`, async () => {
    const { project, root } = await shop();
    await chmod(join(root, file), 0o640);
    await refused(project, PUSH, {
      status: 2,
      what: /Other users can get at the secrets file \(its mode is 0640\)/,
      where: new RegExp(file),
      hint: /chmod 600 /,
    });
    await chmod(join(root, file), 0o600);
  });
}

files("missing secrets are told with all places that were looked at", async () => {
  const { project, root } = await shop();
  await rename(join(root, "wovtools/secrets"), join(project.folder, "secrets"));
  await refused(project, PUSH, {
    status: 2,
    what: /Nothing says how to reach shopdb on the stage local/,
    where: /shopdb\.json.*shopdb_local\.json.*WOV_SHOPDB_LOCAL_URL.*WOV_SHOPDB_URL.*PGHOST/,
    hint: /wov init --database shopdb/,
  });
  await rename(join(project.folder, "secrets"), join(root, "wovtools/secrets"));
});

files("missing secrets in a linked work tree: the command that takes the main one's serves", async () => {
  const { project } = await shop();
  const linked = join(project.folder, "linked tree");
  await project.git("worktree", "add", "--quiet", "--detach", linked);
  const inLinked = { cwd: linked };
  const { status, stderr } = await project.command("wov-db", ["--schema-hash"], inLinked);
  assert.is(status, 2, stderr);
  const [copy = ""] = /cp -Rp .*/.exec(stderr) ?? [];
  await project.run("sh", ["-c", copy], inLinked);
  const hashed = await project.command("wov-db", ["--schema-hash"], inLinked);
  assert.is(hashed.status, 0, hashed.output);
  assert.is(hashed.stdout, (await project.command("wov-db", ["--schema-hash"])).stdout);
  await project.git("worktree", "remove", "--force", linked);
});

for (const [name, pver, refusal] of [
  ["no version", "banana", { status: 2, what: /"banana" is not/, hint: /1\.4\.0/ }],
  ["a revision", "1.0.0+2", { status: 2, what: /build metadata/, hint: /1\.4\.0/ }],
  [
    "lower than the newest archived",
    "0.9.0",
    {
      status: 1,
      what: /0\.9\.0 is lower than 1\.0\.0/,
      where: /shopdb\.json/,
      hint: /npm version --no-git-tag-version 1\.0\.0/,
    },
  ],
] satisfies [string, string, Refusal][]) {
  files(`WOV_PVER that is ${name} is refused`, async () => {
    const { project } = await shop();
    await withFile(await shop(), DELTAS, "COMMENT ON TABLE orders IS 'Sold.';\n", () =>
      refused(project, PUSH, refusal, { env: { WOV_PVER: pver } }),
    );
  });
}

files("a check under a version that is too low proposes to raise it", async () => {
  const { project } = await shop();
  const checked = await withFile(await shop(), DELTAS, "COMMENT ON TABLE orders IS 'Sold.';\n", () =>
    project.command("wov-push-db", ["--check", "--skip-git-checks"], { env: { WOV_PVER: "0.9.0" } }),
  );
  assert.is(checked.status, 1, checked.output);
  assert.match(checked.stdout, /0\.9\.0 is lower than the archived 1\.0\.0/);
  assert.match(checked.stdout, /npm version --no-git-tag-version 1\.0\.0\n\s+wov-push-db shopdb/);
});

const deltas = suite("bad deltas");
const deltasShop = sharedShop(deltas, { archived: true });

const ADD = "ALTER TABLE orders ADD COLUMN note text;\n";

interface BadDeltas {
  readonly content: string | Buffer;
  /** The line, column and message. */
  readonly says: RegExp;
  readonly hint: RegExp;
}

const BAD_DELTAS: Record<string, BadDeltas> = {
  "a syntax error": {
    content: `${ADD}\n  ALTER TABEL orders ADD COLUMN more text;\n`,
    says: /:3:9: syntax error at or near "TABEL"\n *ALTER TABEL orders/,
    hint: /Mend the statement/,
  },
  "a psql meta-command": {
    content: `${ADD}\\i more.sql\n`,
    says: /:2:1: \\i is a psql meta-command/,
    hint: /Only psql knows/,
  },
  "COPY FROM STDIN": {
    content: `${ADD}COPY orders FROM STDIN;\n1\t2\n\\.\n`,
    says: /:2:1: COPY … FROM STDIN/,
    hint: /Write the rows as INSERT/,
  },
  "BEGIN and COMMIT": {
    content: `BEGIN;\n${ADD}COMMIT;\n`,
    says: /2 problems[\s\S]*:1:1: BEGIN[\s\S]*:3:1: COMMIT/,
    hint: /the deploy opens and ends the transaction/,
  },
  "a header that old wovtools wrote": {
    content: `# shopdb 1.1.0\n${ADD}`,
    says: /:1:1: a line starts with #/,
    hint: /Old wovtools wrote such headers/,
  },
  "a byte-order mark": {
    content: `\ufeff${ADD}`,
    says: /:1:1: the file starts with a byte-order mark/,
    hint: /without a byte-order mark/,
  },
  CRLF: {
    content: ADD.replaceAll("\n", "\r\n"),
    says: /:1:41: a line ends with a carriage return \(CRLF\)/,
    hint: /LF line ends/,
  },
  "bytes that are not UTF-8": {
    content: Buffer.from(`${ADD}-- Größe\n`, "latin1"),
    says: /:2:6: byte \d+ of the file \(0xF6\) is not UTF-8/,
    hint: /Save the file as UTF-8/,
  },
  "more than 20 MiB": {
    content: Buffer.alloc(20 * 1024 * 1024 + 1, ADD),
    says: /the file has 20\.1 MiB, the limit is 20\.0 MiB/,
    hint: /Deltas change the schema/,
  },
};

for (const [name, { content, says, hint }] of Object.entries(BAD_DELTAS)) {
  deltas(`${name} is refused`, async () => {
    const { project } = await deltasShop();
    await withFile(await deltasShop(), DELTAS, content, async () => {
      await refused(project, PUSH, {
        status: 1,
        what: says,
        where: /^ *wovtools\/db\/shopdb\.deltas:\d+:\d+$/m,
        hint,
      });
    });
  });
}

for (const [name, content] of [
  ["nothing", ""],
  ["white space", " \n\t\n"],
  ["comments", "-- to come\n/* later */\n"],
] satisfies [string, string][]) {
  deltas(`a file with ${name} in it is no deltas`, async () => {
    const { project } = await deltasShop();
    await withFile(await deltasShop(), DELTAS, content, async () => {
      const before = await treeOf(project.folder);
      const pushed = succeeds(await project.command(...asRun(PUSH)));
      assert.match(pushed.stdout, "shopdb nothing to archive");
      succeeds(await project.wov("push-db", "--check", "--skip-git-checks"));
      assert.equal(await treeOf(project.folder), before);
    });
  });
}

deltas("a check tells what is wrong with deltas, and does not propose to archive them", async () => {
  const { project } = await deltasShop();
  const checked = await withFile(await deltasShop(), DELTAS, "ALTER TABEL orders;\n", () =>
    project.wov("push-db", "--check", "--skip-git-checks"),
  );
  assert.is(checked.status, 1, checked.output);
  assert.match(checked.stdout, /shopdb\.deltas:1:7: syntax error at or near "TABEL"/);
  assert.not.match(checked.stdout, "Archive ");
});

function asRun([program, ...args]: Command): [string, string[]] {
  return [program, args];
}

deltas(
  "comments do not explain drift, and the file to write into is named",
  inShop(
    async ({ project, db }) => {
      await db.query(ADD);
      await project.write(DELTAS, "-- to come\n");
      await refused(project, PUSH, {
        status: 1,
        what: /shopdb on local is not as version 1\.0\.0 has it\.\n *changed +table +public\.orders\n +column note added/,
        hint: /into wovtools\/db\/shopdb\.deltas/,
      });
    },
    { archived: true },
  ),
);

deltas(
  "20 MB of statements are read to the end, and the mistake in the last is found",
  inShop(
    async ({ project }) => {
      const filler = `COMMENT ON TABLE orders IS '${"x".repeat(99_900)}';\n`;
      const content = `${filler.repeat(200)}ALTER TABEL orders;\n`;
      assert.ok(content.length > 19_900_000);
      await project.write(DELTAS, content);
      await refused(project, PUSH, {
        status: 1,
        what: /:201:7: syntax error at or near "TABEL"/,
        hint: /Mend the statement/,
      });
    },
    { archived: true },
  ),
);

const connections = suite("bad connections");
const connected = sharedShop(connections);
const SNAPSHOT: Command = ["wov-push-db", "--snapshot", "shopdb", "initial"];

interface BadConnection extends Omit<Refusal, "status"> {
  readonly url: (good: URL) => void;
}

const BAD_CONNECTIONS: Record<string, BadConnection> = {
  "no server": {
    url: (url) => (url.port = "1"),
    what: /The server cannot be reached/,
    where: /127\.0\.0\.1:1\/test_/,
    hint: /wov-db --postgres-start/,
  },
  "a host that nobody knows": {
    url: (url) => (url.hostname = "no-such-host.invalid"),
    what: /The server cannot be reached/,
    where: /no-such-host\.invalid/,
    hint: /correct host and port/,
  },
  "a wrong password": {
    url: (url) => (url.password = "hush"),
    what: /refuses the login/,
    where: /127\.0\.0\.1:\d+\/test_/,
    hint: /Check username and password/,
  },
  "no such database": {
    url: (url) => (url.pathname = "/nowhere"),
    what: /no such database: database "nowhere"/,
    where: /\/nowhere$/m,
    hint: /--wdb-createinstance/,
  },
};

for (const [name, { url: change, ...refusal }] of Object.entries(BAD_CONNECTIONS)) {
  connections(`${name} ends an archiving, a hash and a check with 3`, async () => {
    const { project, db } = await connected();
    const url = new URL(db.url);
    change(url);
    for (const command of [SNAPSHOT, ["wov", "hash", "shopdb"]] satisfies Command[]) {
      await refused(project, [...command, "--url", url.href], { ...refusal, status: 3 });
    }
    const checked = await project.wov("push-db", "--check", "--url", url.href);
    assert.is(checked.status, 3, checked.output);
    assert.match(checked.stdout, refusal.what);
    const status = succeeds(await project.wov("status", "--url", url.href));
    assert.match(status.stdout, /unreachable: /);
    assert.not.match(checked.output + status.output, "hush");
  });
}

connections("a URL that cannot be read is refused and never repeated", async () => {
  const { project } = await connected();
  for (const url of ["mysql://dana:hush@localhost/shop", "postgres://dana:hush@local host:port/shop"]) {
    const { status, stderr } = await project.wov("hash", "shopdb", "--url", url);
    assert.is(status, 2, stderr);
    assert.match(stderr, /^error The connection URL/);
    assert.not.match(stderr, "hush");
  }
});

connections("a role lacks rights: each is named with the SQL that grants it", async () => {
  // On a server of its own, since the ledger is one for the whole server.
  const server = await startThrowAwayServer();
  const { project, db } = await openShop({ server: server.connection });
  try {
    await db.query(
      "CREATE ROLE dana LOGIN PASSWORD 'dana'; ALTER TABLE customers OWNER TO dana; ALTER TABLE orders OWNER TO dana; ALTER VIEW totals OWNER TO dana",
    );
    const own = { ...db.connection, user: "dana", password: "dana" };
    const noLedger: Refusal = {
      status: 3,
      what: /may not make the ledger: permission denied to create database/,
      where: /dana@127\.0\.0\.1/,
      hint: /CREATE DATABASE "wovtool" OWNER "dana";/,
    };
    for (const command of [
      SNAPSHOT,
      ["wov-db", "--wdb-init"],
      ["wov-db", "--wdb-createinstance"],
    ] satisfies Command[])
      await refused(project, [...command, "--url", urlOf(own)], noLedger);
    const missing = urlOf({ ...own, database: "not yet" });
    await refused(project, ["wov-db", "--wdb-createinstance", "--url", missing], {
      status: 3,
      what: /may not make the database: permission denied/,
      where: /dana@127\.0\.0\.1:\d+\/not yet/,
      hint: /CREATE DATABASE "not yet" OWNER "dana";/,
    });

    succeeds(await project.wov("db", "--wdb-init"));
    const noUse: Refusal = {
      ...noLedger,
      what: /may not use the ledger: permission denied for schema wovtool/,
      where: /\/wovtool$/m,
      hint: /GRANT USAGE ON SCHEMA "wovtool" TO "dana";\n *GRANT SELECT, INSERT, UPDATE/,
    };
    await refused(project, [...SNAPSHOT, "--url", urlOf(own)], noUse);
    const grant = async (sql: string) => succeeds(await project.wov("db", "-lwdb", "-c", sql));
    await grant(
      "GRANT USAGE ON SCHEMA wovtool TO dana; GRANT SELECT ON ALL TABLES IN SCHEMA wovtool TO dana",
    );
    await refused(project, [...SNAPSHOT, "--url", urlOf(own)], {
      ...noUse,
      what: /may not use the ledger: it may read it and not write/,
    });
    await grant("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA wovtool TO dana");
    succeeds(await project.command(...asRun([...SNAPSHOT, "--url", urlOf(own)])));

    await db.query(
      `CREATE ROLE guest LOGIN PASSWORD 'guest'; REVOKE CONNECT ON DATABASE ${db.name} FROM PUBLIC`,
    );
    const guest = urlOf({ ...own, user: "guest", password: "guest" });
    await refused(project, ["wov", "hash", guest], {
      status: 3,
      what: /may not connect: permission denied for database/,
      where: /guest@127\.0\.0\.1/,
      hint: /GRANT CONNECT ON DATABASE "test_\w+" TO "guest";/,
    });
    await db.query(`GRANT CONNECT ON DATABASE ${db.name} TO guest`);
    await refused(project, ["wov", "hash", guest], {
      status: 3,
      what: /pg_dump could not read the schema: query failed: ERROR: {2}permission denied for table/,
      where: /guest@127\.0\.0\.1/,
      hint: /connect as the owner of the tables/,
    });
  } finally {
    await project.remove();
    await server.stop();
  }
});

const names = suite("database names");
const named = sharedShop(names);

for (const [name, command] of [
  ["a/b", ["wov", "init", "--database", "a/b"]],
  ["..", ["wov-push-db", ".."]],
  ["../../etc/passwd", ["wov-db", "../../etc/passwd", "--info"]],
  ["it's", ["wov", "diff", "it's", "shopdb"]],
  ['say "x"', ["wov-push-db", "--snapshot", 'say "x"', "initial"]],
  ["two words", ["wov", "hash", "two words"]],
  [".hidden", ["wov", "status", ".hidden"]],
  ["-c", ["wov", "init", "--database=-c"]],
  ["", ["wov", "init", "--database", ""]],
] satisfies [string, Command][]) {
  names(`${JSON.stringify(name)} is no name of a database`, async () => {
    const { project } = await named();
    await refused(project, command, {
      status: 2,
      what: name === "" ? /is empty/ : /may hold only letters, digits, "_" and "-"/,
      hint: /for example shopdb/,
    });
  });
}

names("a word after -- is not passed over", async () => {
  const { project } = await named();
  assert.match(succeeds(await project.wov("db", "--info", "--", "shopdb")).stdout, "shopdb");
  await refused(project, ["wov-db", "--info", "--", "nowhere"], {
    status: 2,
    what: /The project has no database nowhere/,
    hint: /It has: shopdb\. Add one with:\s+wov init --database nowhere/,
  });
  await refused(project, ["wov-push-db", "--", "-c"], {
    status: 2,
    what: /"-c" begins with a dash; no name does/,
    hint: /\.\/-c/,
  });
});

names(
  "a name with a slash, dots, quotes and spaces on the server is no matter",
  inShop(async ({ project, root, db }) => {
    const name = `we're "odd" ../${db.name}`;
    const secrets = join(root, "wovtools/secrets/shopdb.json");
    const { host, port } = db.connection;
    await writeFile(secrets, JSON.stringify({ shopdb: { host, port, database: name, sslmode: "disable" } }));
    assert.match(
      succeeds(await project.wov("db", "--wdb-createinstance")).stdout,
      "made, no version archived yet",
    );
    succeeds(await project.wov("db", "-c", "CREATE TABLE t (id integer)"));
    await archiveFirst(project);
    assert.match(succeeds(await project.wov("db", "--wdb-ver")).stdout, /shopdb +1\.0\.0/);
    assert.match(succeeds(await project.wov("db", "--info")).stdout, name);
    assert.equal(
      Object.keys(await treeOf(join(root, "wovtools/db"))).sort(),
      ["", ".gitattributes", "shopdb", "shopdb.json", "shopdb/schemas", "shopdb/schemas/1.0.0.schema"].sort(),
    );
  }),
);

const repositories = suite("repositories that are not as expected");

repositories(
  "no git repository",
  inProject(async (project) => {
    await rm(join(project.root, ".git"), { recursive: true });
    const refusal: Refusal = {
      status: 2,
      what: /does not lie in a git repository/,
      where: /shop$/m,
      hint: /git init/,
    };
    await refused(project, ["wov", "init", "--database", "shopdb"], refusal);
    await project.write(CONFIG, '{"databases": {"shopdb": {}}}');
    await refused(project, ["wov", "status"], refusal);
    await refused(project, ["wov-push-db"], refusal);
  }),
);

repositories(
  "no project",
  inProject(async (project) => {
    for (const command of [["wov", "status"], ["wov-push-db"], ["wov-db", "--info"]] satisfies Command[]) {
      await refused(project, command, {
        status: 2,
        what: /no wovtools project here/,
        where: /wovtools\/config\.json/,
        hint: /wov init/,
      });
    }
  }),
);

repositories(
  "a bare repository",
  inProject(async (project) => {
    await project.git("init", "--quiet", "--bare", "../bare.git");
    await refused(
      project,
      ["wov", "init", "--database", "shopdb"],
      {
        status: 2,
        what: /no work tree: it is bare/,
        where: /bare\.git$/m,
        hint: /in a clone of it/,
      },
      { cwd: join(project.folder, "bare.git") },
    );
  }),
);

repositories(
  "no commit yet: everything works, and the archive's commit is the first",
  inProject(async (project) => {
    const db = await freshDatabase("CREATE TABLE t (id integer)");
    succeeds(await project.wov("init", "--database", "shopdb", "--from", db.url));
    succeeds(await project.wov("status"));
    await refused(project, SNAPSHOT, {
      status: 1,
      what: /uncommitted changes:\n *\.gitignore\n/,
      hint: /Commit or stash them/,
    });
    succeeds(await project.command(...asRun([...SNAPSHOT, "--skip-git-checks"])));
    assert.is((await project.git("log", "--format=%s")).trim(), "wovtools: archive shopdb 1.0.0");
  }),
);

repositories(
  "a detached HEAD: nothing is archived on no branch, looking is allowed",
  inShop(
    async ({ project }) => {
      await project.git("checkout", "--quiet", "--detach");
      await project.write(DELTAS, "COMMENT ON TABLE orders IS 'Sold.';\n");
      await refused(project, PUSH, {
        status: 1,
        what: /HEAD is on no branch/,
        where: /shop$/m,
        hint: /git switch --create BRANCH/,
      });
      assert.match(succeeds(await project.wov("status")).stdout, "no branch");
      assert.is((await project.wov("push-db", "--check")).status, 1);
    },
    { archived: true },
  ),
);

repositories(
  "a folder below the top: the project around it is found",
  inShop(
    async ({ project, root }) => {
      await mkdir(join(root, "src", "deep é"), { recursive: true });
      const below = await project.command("wov", ["push-db", "--check"], {
        cwd: join(root, "src", "deep é"),
      });
      assert.is(below.status, 0, below.output);
      assert.match(below.stdout, "ok shopdb on local at 1.0.0");
    },
    { archived: true },
  ),
);

files.run();
deltas.run();
connections.run();
names.run();
repositories.run();

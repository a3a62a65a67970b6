/** A password is nowhere but in wovtools/secrets: not in output, in a file, in git, or in a process list. */
import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseConnectionUrl } from "#src/postgres/connection-url.js";
import { archiveFirst, type Command, openShop, type Shop, succeeds } from "../cli/support.js";
import { type CommandRunOptions, type Ended, TestProject } from "../support/project.js";
import { freshDatabase, type TestDatabase, urlOf } from "../support/server.js";

const secrets = suite("no password");

/** Recognised however the rest is quoted or encoded. */
const token = () => `hush${randomBytes(8).toString("hex")}`;
const passwordOf = (word: string) => `'${word}" /@:?#%41\\`;

/** A role of its own, with a password that is awkward in URLs, SQL, JSON and shells alike. */
async function roleWith(db: TestDatabase, word: string): Promise<string> {
  const role = `role_${word}`.replace("hush", "");
  await db.query(
    `SET standard_conforming_strings TO on; CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${passwordOf(word).replaceAll("'", "''")}'`,
  );
  return urlOf({ ...db.connection, user: role, password: passwordOf(word) });
}

/** Looks at the command lines of all processes until it is stopped; Linux alone shows them as files. */
function watchProcesses(word: string): () => Promise<{ looks: number; seen: string[] }> {
  const seen = new Set<string>();
  // A process has another command line once it runs another program, at its start: each is read twice.
  const looksAt = new Map<string, number>();
  let looks = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        const before = looksAt.get(pid) ?? 0;
        if (before === 2) continue;
        looksAt.set(pid, before + 1);
        const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
        if (line.includes(word)) seen.add(line.replaceAll("\0", " "));
      }
      looks++;
      // A process of ours lives four times as long.
      await pause(50);
    }
  };
  const looking = process.platform === "linux" ? look() : Promise.resolve();
  return async () => {
    stopped = true;
    await looking;
    return { looks, seen: [...seen] };
  };
}

async function filesWith(word: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === "node_modules") continue;
    if (entry.isDirectory()) found.push(...(await filesWith(word, path)));
    else if (entry.isFile() && (await readFile(path)).includes(word)) found.push(path);
  }
  return found;
}

/** No file but the secrets, no object of git, holds the word. */
async function assertNoFileHas(word: string, project: TestProject): Promise<void> {
  const found = (await filesWith(word, project.folder)).map((path) => relative(project.root, path));
  assert.equal(
    found.filter((path) => !path.startsWith(join("wovtools", "secrets"))),
    [],
  );
  const objects = await project.run("git", ["cat-file", "--batch-all-objects", "--batch"]);
  assert.is(objects.status, 0);
  assert.match(objects.stdout, "wovtools: archive shopdb 1.0.0");
  assert.not.match(objects.stdout, word);
}

const quiet = (word: string, { output }: Ended, command: Command) =>
  assert.not.match(output, word, `${command.join(" ")} says it`);

const ADD = "ALTER TABLE orders ADD COLUMN note text;\n";

/** All that reads or changes a database, in an order in which each has something to do. */
async function story(
  shop: Shop,
  run: (...command: Command) => Promise<Ended>,
  url: string | undefined,
): Promise<void> {
  const { project } = shop;
  await run("wov", "status", "-v");
  await run("wov-db", "--wdb-init", "-v");
  assert.is((await run("wov-push-db", "--snapshot", "shopdb", "initial", "-v")).status, 0);
  await run("wov-db", "shopdb", "-c", ADD);
  assert.is((await run("wov-push-db", "--check", "-v", "--json")).status, 1);
  if (url === undefined) assert.is((await run("git", "push", "origin", "main")).status, 1);
  await project.write("wovtools/db/shopdb.deltas", ADD);
  assert.is((await run("wov-push-db", "-v")).status, 0);
  if (url === undefined) assert.is((await run("git", "push", "origin", "main")).status, 0);
  for (const option of ["--info", "--schema", "--schema-hash", "--schema-diff", "--wdb-ver", "--wdb-log"])
    assert.is((await run("wov-db", "shopdb", option, "--json", "-v")).status, 0);
  await run("wov", "diff", "shopdb@head", "shopdb", "-v");
  await run("wov-db", "shopdb", "-c", "SELECT nonsense", "-v");
  await run("wov-db", "shopdb", "--wdb-createinstance", "-v");
}

for (const channel of ["secrets", "variable", "--url"] as const) {
  secrets(`given by ${channel} is seen anywhere else`, async () => {
    const word = token();
    const shop = await openShop();
    const { project, root, db } = shop;
    try {
      await project.addRemote();
      const url = await roleWith(db, word);
      if (channel === "secrets") {
        await rm(join(root, "wovtools/secrets"), { recursive: true });
        await rm(join(root, "wovtools/config.json"));
        // An argument of the one command that writes it down.
        quiet(word, await project.wov("init", "--database", "shopdb", "--from", url, "-v"), ["wov", "init"]);
      }
      const env = channel === "variable" ? { WOV_SHOPDB_URL: url } : {};
      const stop = watchProcesses(word);
      await story(
        shop,
        async (program, ...args) => {
          const inWords = channel === "--url" && program !== "git";
          // Whoever writes it on a command line shows it there. In a process that was there before it stands on none.
          const ended = inWords
            ? await project.command(program, [...args, "--url", url])
            : await project.run(program, args, { env });
          quiet(word, ended, [program, ...args]);
          return ended;
        },
        channel === "--url" ? url : undefined,
      );
      const { looks, seen } = await stop();
      assert.ok(looks > 0 || process.platform !== "linux");
      assert.equal(seen, []);
      await assertNoFileHas(word, project);
    } finally {
      await project.remove();
    }
  });
}

secrets("is told by an error, whatever is wrong", async () => {
  const word = token();
  const shop = await openShop();
  const { project, root, db } = shop;
  const stage = join(root, "wovtools/secrets/shopdb_local.json");
  try {
    await archiveFirst(project);
    const good = await roleWith(db, word);
    const encoded = encodeURIComponent(passwordOf(word));
    const run = async (options: CommandRunOptions, ...command: Command) => {
      const [program, ...args] = command;
      const ended = await project.command(program, args, options);
      quiet(word, ended, command);
      assert.is.not(ended.status, 0, `${command.join(" ")}\n${ended.output}`);
    };
    const bad: string[] = [
      good.replace(/:\d+\//, ":1/"),
      good.replace(/:\d+\//, ":port/"),
      good.replace(/@127/, "@no such host"),
      good.replace(encoded, `${encoded}-wrong`),
      good.replace(db.name, "nowhere"),
      good.replace("sslmode=disable", "sslmode=sometimes"),
      good.replace("sslmode=disable", "sslmode=verify-full"),
      good.replace("postgres://", "mysql://"),
      good.replace(encoded, passwordOf(word)),
    ];
    // All of them connect in the same way: each is asked with a third of the URLs.
    const asking: readonly Command[] = [
      ["wov-db", "--schema-hash", "--json"],
      ["wov-push-db", "--check", "-v"],
      ["wov-deploy", "--plan", "-v"],
    ];
    for (const [index, url] of bad.entries()) {
      const env = { WOV_SHOPDB_URL: url };
      await run({}, "wov", "hash", url, "-v");
      const command = asking[index % asking.length];
      if (command !== undefined) await run({ env }, ...command);
    }
    const env = { WOV_SHOPDB_URL: bad[0] };
    quiet(word, await project.command("wov", ["status", "-v"], { env }), ["wov", "status"]);
    const password = JSON.stringify(passwordOf(word));
    for (const text of [
      `{"shopdb": {"username": "x", "password": ${password}`,
      `{"shopdb": {"username": "x", "pasword": ${password}}}`,
      `{"shopdb": {"username": "x", "password": [${password}]}}`,
      `{"shopdb": {"username": "x", "password": ${password}, "port": ${password}}}`,
      `{"shopdb": {"url": ${JSON.stringify(`pg://x:${word}@here/db`)}}}`,
      `{"shopdb": {"sslmode": ${password}}}`,
      `{"shopdb": ${password}}`,
    ]) {
      await writeFile(stage, text);
      await run({}, "wov-push-db", "--check", "-v");
    }
    await writeFile(stage, `{"shopdb": {"password": ${password}}}`);
    await chmod(stage, 0o644);
    await run({}, "wov-push-db", "--check", "-v");
    await assertNoFileHas(word, project);
  } finally {
    await project.remove();
  }
});

secrets("is an argument of a pg_dump of the system", async () => {
  const word = token();
  const shop = await openShop();
  const { project, root, db } = shop;
  try {
    await project.write(
      "pg dump.sh",
      `#!/bin/sh\nprintf '%s\\n' "$0" "$@" >>"${project.folder}/arguments"\n[ -n "$PGPASSWORD" ] || exit 9\necho '-- PostgreSQL database dump'\n`,
    );
    await chmod(join(root, "pg dump.sh"), 0o755);
    await project.write(
      "wovtools/config.json",
      JSON.stringify({ databases: { shopdb: { pgDump: "pg dump.sh" } } }),
    );
    const env = { WOV_SHOPDB_URL: await roleWith(db, word) };
    const hash = succeeds(await project.run("wov", ["hash", "shopdb", "-v"], { env }));
    quiet(word, hash, ["wov", "hash"]);
    const given = await readFile(join(project.folder, "arguments"), "utf8");
    assert.match(given, "--schema-only");
    assert.not.match(given, word);
    await project.write("pg dump.sh", "#!/bin/sh\necho 'pg_dump: error: no' >&2\nexit 1\n");
    const failed = await project.run("wov", ["hash", "shopdb", "-v"], { env });
    assert.is(failed.status, 3, failed.output);
    quiet(word, failed, ["wov", "hash"]);
  } finally {
    await project.remove();
  }
});

secrets("of the embedded server stays outside its secrets", async () => {
  const project = await TestProject.create();
  let dataDir: string | undefined;
  try {
    quiet("password", succeeds(await project.wov("init", "--database", "shopdb")), ["wov", "init"]);
    const file = await readFile(join(project.root, "wovtools/secrets/shopdb_local.json"), "utf8");
    const content: { shopdb: { password: string } } = JSON.parse(file);
    const word = content.shopdb.password;
    assert.ok(word.length >= 20);
    const stop = watchProcesses(word);
    const commands: Command[] = [
      ["wov-db", "--postgres-start", "--json", "-v"],
      ["wov-db", "--wdb-createinstance", "-v"],
      ["wov-db", "-c", "CREATE TABLE t (id integer)", "-v"],
      ["wov-push-db", "--snapshot", "shopdb", "initial", "--skip-git-checks", "-v"],
      ["wov-db", "--info"],
    ];
    for (const [program, ...args] of commands) {
      const ended = await project.run(program, args);
      quiet(word, succeeds(ended), [program, ...args]);
      if (args.includes("--postgres-start")) ({ dataDir } = JSON.parse(ended.stdout));
    }
    assert.equal((await stop()).seen, []);
    await assertNoFileHas(word, project);
    assert.ok(dataDir);
    assert.equal(await filesWith(word, dirname(dataDir)), []);
  } finally {
    await project.wov("db", "--postgres-stop");
    if (dataDir) await rm(dirname(dataDir), { recursive: true });
    await project.remove();
  }
});

secrets("is read from a URL otherwise than it was written", async () => {
  const word = token();
  const url = await roleWith(await freshDatabase(), word);
  assert.is(parseConnectionUrl(url).password, passwordOf(word));
});

secrets.run();

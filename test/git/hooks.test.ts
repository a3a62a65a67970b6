import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { applyHooks } from "#src/git/hooks/apply.js";
import { readHookFacts } from "#src/git/hooks/facts.js";
import { callsHooks, type HookPlan, planHooks } from "#src/git/hooks/plan.js";
import { openRepository } from "#src/git/repository.js";
import { type Folder, inFolder } from "./support.js";

const modules = fileURLToPath(new URL("../../node_modules/", import.meta.url));

/** Stands for wov: writes down how it was called, and ends as the file `status` says. */
const WOV = `#!/bin/sh
{ printf 'called:'; printf ' <%s>' "$@"; printf ' in <%s>\\n' "\${PWD##*/}"; cat; } >>"$RECORD"
if [ -f "$RECORD.status" ]; then echo "no, says wov" >&2; exit "$(cat "$RECORD.status")"; fi
`;

/** A project with wov installed and a bare repository to push to. */
function project(folder: Folder, home = ""): void {
  folder.init();
  folder.write(`${home}node_modules/.bin/wov`, WOV, 0o755);
  folder.write(".gitignore", "node_modules/\n");
  folder.git("init", "--quiet", "--bare", folder.at(".git", "remote ü.git"));
  folder.git("remote", "add", "origin", folder.at(".git", "remote ü.git"));
}

/** Puts the real husky or lefthook into the project, as npm would. */
function dependency(folder: Folder, name: string): void {
  folder.write(
    "package.json",
    `${JSON.stringify({ private: true, devDependencies: { [name]: "*" } }, null, 2)}\n`,
  );
  mkdirSync(folder.at("node_modules", ".bin"), { recursive: true });
  symlinkSync(`${modules}${name}`, folder.at("node_modules", name));
  symlinkSync(`${modules}.bin/${name}`, folder.at("node_modules", ".bin", name));
}

async function install(folder: Folder, home = ""): Promise<HookPlan> {
  const repository = await openRepository(folder.path);
  const plan = planHooks(await readHookFacts(repository, folder.at(`${home}wovtools`)));
  await applyHooks(repository, plan);
  return plan;
}

async function assertNothingLeft(folder: Folder, home = ""): Promise<void> {
  assert.ok(callsHooks(await readHookFacts(await openRepository(folder.path), folder.at(`${home}wovtools`))));
  const { writes, config, run, manual } = await install(folder, home);
  assert.equal({ writes, config, run, manual }, { writes: [], config: [], run: [], manual: [] });
}

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  /** What wov was called with since the last look, its standard input included. */
  readonly calls: string;
}

/** Runs git as a user does, without a terminal, with the real hooks. */
function run(folder: Folder, args: string[], env: Record<string, string> = {}): Outcome {
  const record = folder.at(".git", "record");
  rmSync(record, { force: true });
  const { status, stdout, stderr } = spawnSync("git", args, {
    cwd: folder.path,
    encoding: "utf8",
    env: { ...process.env, RECORD: record, CI: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return {
    status,
    output: stdout + stderr,
    calls: folder.has(".git/record") ? folder.read(".git/record") : "",
  };
}

const says = (folder: Folder, status: number | null) => {
  if (status === null) rmSync(folder.at(".git", "record.status"), { force: true });
  else folder.write(".git/record.status", String(status));
};

/** Commits, pushes, switches branches and merges; every hook has to reach wov, and push and commit to be stopped by it. */
function assertHooksRun(folder: Folder, home = "", inside = folder.path.split("/").at(-1)): void {
  const called = (text: string) => `called: ${text} in <${inside}>\n`;
  folder.git("add", "--all");
  says(folder, 1);
  const refused = run(folder, ["commit", "--quiet", "--message", "one"]);
  assert.is(refused.status, 1, refused.output);
  assert.match(refused.output, "no, says wov");
  says(folder, null);
  const committed = run(folder, ["commit", "--quiet", "--message", "one"]);
  assert.is(committed.status, 0, committed.output);
  assert.is(committed.calls, called("<hook> <pre-commit>"));

  const head = folder.git("rev-parse", "HEAD").trim();
  const line = `refs/heads/main ${head} refs/heads/main ${"0".repeat(40)}\n`;
  says(folder, 1);
  const blocked = run(folder, ["push", "origin", "main"]);
  assert.is(blocked.status, 1, blocked.output);
  assert.match(blocked.output, "no, says wov");
  assert.is(blocked.calls, called("<hook> <pre-push>") + line);
  assert.is(folder.git("ls-remote", "origin"), "");
  says(folder, null);
  const pushed = run(folder, ["push", "origin", "main"]);
  assert.is(pushed.status, 0, pushed.output);
  assert.is(pushed.calls, called("<hook> <pre-push>") + line);
  assert.match(folder.git("ls-remote", "origin"), head);

  // What these hooks have to say never turns a finished checkout or merge into a failure.
  says(folder, 2);
  const switched = run(folder, ["checkout", "--quiet", "-b", "side"]);
  assert.is(switched.status, 0, switched.output);
  assert.is(switched.calls, called(`<hook> <post-checkout> <${head}> <${head}> <1>`));
  assert.is(run(folder, ["checkout", "--", ".gitignore"]).calls, "");
  folder.write(`${home}changed`, "x");
  folder.commit();
  run(folder, ["checkout", "--quiet", "main"]);
  const merged = run(folder, ["merge", "--quiet", "side"]);
  assert.is(merged.status, 0, merged.output);
  assert.is(merged.calls, called("<hook> <post-merge> <0>"));
  says(folder, null);
}

const plain = suite("hooks by core.hooksPath");

plain(
  "run at every real git command, and a second init changes nothing",
  inFolder(async (folder) => {
    project(folder);
    const plan = await install(folder);
    assert.is(plan.manager, "git");
    assert.is(folder.git("config", "--local", "core.hooksPath").trim(), "wovtools/hooks");
    assert.is(statSync(folder.at("wovtools/hooks/pre-push")).mode & 0o777, 0o755);
    await assertNothingLeft(folder);
    assertHooksRun(folder);
    chmodSync(folder.at("wovtools/hooks/pre-push"), 0o644);
    assert.equal(
      (await install(folder)).writes.map(({ path }) => path),
      ["wovtools/hooks/pre-push"],
    );
  }),
);

plain(
  "run in a clone whose git checks files out with the line ends of Windows",
  inFolder(async (folder) => {
    project(folder);
    await install(folder);
    folder.commit();
    folder.git("config", "core.autocrlf", "true");
    folder.git("rm", "--quiet", "-r", "wovtools/hooks");
    folder.git("checkout", "--quiet", "HEAD", "--", "wovtools/hooks");
    await assertNothingLeft(folder);
    assert.is(folder.git("status", "--porcelain"), "");
    folder.write("more", "x");
    assertHooksRun(folder);
  }),
);

plain(
  "run in a project below the top of the repository, and in a linked work tree",
  inFolder(async (folder) => {
    project(folder, "packages/db ä/");
    await install(folder, "packages/db ä/");
    await assertNothingLeft(folder, "packages/db ä/");
    assertHooksRun(folder, "packages/db ä/", "db ä");
    folder.git("worktree", "add", "--quiet", folder.at(".git", "tree"), "-b", "other");
    const linked = run(folder, [
      "-C",
      folder.at(".git", "tree"),
      "commit",
      "--allow-empty",
      "--message",
      "two",
    ]);
    assert.is(linked.status, 0, linked.output);
    assert.match(linked.output, "wovtools is not installed in this clone");
  }),
);

plain(
  "keep the hooks that a clone has, with arguments and input, and stop where they stop",
  inFolder(async (folder) => {
    project(folder);
    const keep = (name: string) =>
      folder.write(
        `.git/hooks/${name}`,
        `#!/bin/sh\n{ echo "mine: ${name} $#"; [ ${name} != pre-push ] || cat; } >>"$RECORD"\nexit "\${MINE:-0}"\n`,
        0o755,
      );
    for (const name of ["pre-commit", "pre-push", "commit-msg", "post-checkout"]) keep(name);
    folder.write(".git/hooks/pre-rebase", "not executable, so git would not run it", 0o644);
    await install(folder);
    await assertNothingLeft(folder);
    assert.not.ok(folder.has("wovtools/hooks/pre-rebase"));
    folder.git("add", "--all");
    const here = folder.path.split("/").at(-1);
    const committed = run(folder, ["commit", "--quiet", "--message", "one"]);
    assert.is(
      committed.calls,
      `mine: pre-commit 0\ncalled: <hook> <pre-commit> in <${here}>\nmine: commit-msg 1\n`,
    );
    const head = folder.git("rev-parse", "HEAD").trim();
    const line = `refs/heads/main ${head} refs/heads/main ${"0".repeat(40)}\n`;
    const stopped = run(folder, ["push", "origin", "main"], { MINE: "7" });
    assert.is(stopped.status, 1);
    assert.is(stopped.calls, `mine: pre-push 2\n${line}`);
    assert.is(run(folder, ["commit", "--allow-empty", "--message", "no"], { MINE: "7" }).status, 1);
    const skipped = run(folder, ["push", "--dry-run", "origin", "main"], { WOV_SKIP_HOOKS: "1" });
    assert.is(skipped.calls, `mine: pre-push 2\n${line}`);
    const pushed = run(folder, ["push", "origin", "main"]);
    assert.is(pushed.status, 0, pushed.output);
    assert.is(pushed.calls, `mine: pre-push 2\n${line}called: <hook> <pre-push> in <${here}>\n${line}`);
    keep("post-commit");
    assert.equal(
      (await install(folder)).writes.map(({ path }) => path),
      ["wovtools/hooks/post-commit"],
    );
    assert.match(run(folder, ["commit", "--allow-empty", "--message", "two"]).calls, "mine: post-commit 0\n");
  }),
);

plain(
  "keep a hooks folder that lies outside of the repository",
  inFolder(async (folder) => {
    project(folder);
    folder.write(".git/elsewhere/hooks/commit-msg", '#!/bin/sh\necho "outside" >>"$RECORD"\n', 0o755);
    folder.git("config", "core.hooksPath", folder.at(".git", "elsewhere", "hooks"));
    await install(folder);
    await assertNothingLeft(folder);
    folder.git("add", "--all");
    assert.match(run(folder, ["commit", "--quiet", "--message", "one"]).calls, /called: .*\noutside\n$/);
    assert.match(run(folder, ["push", "origin", "main"]).calls, "called: <hook> <pre-push>");
  }),
);

plain(
  "say what is missing: a push is blocked, everything else goes on",
  inFolder(async (folder) => {
    project(folder);
    await install(folder);
    rmSync(folder.at("node_modules"), { recursive: true });
    const without = { PATH: "/usr/bin:/bin" };
    folder.git("add", "--all");
    const committed = run(folder, ["commit", "--quiet", "--message", "one"], without);
    assert.is(committed.status, 0);
    assert.match(committed.output, "wovtools is not installed in this clone");
    const blocked = run(folder, ["push", "origin", "main"], without);
    assert.is(blocked.status, 1);
    assert.match(blocked.output, "npm install");
    assert.match(blocked.output, "WOV_SKIP_HOOKS=1 git push");
    assert.is(run(folder, ["push", "origin", "main"], { ...without, WOV_SKIP_HOOKS: "0" }).status, 1);
    assert.is(
      run(folder, ["push", "--dry-run", "origin", "main"], { ...without, WOV_SKIP_HOOKS: "1" }).status,
      0,
    );
    assert.is(run(folder, ["push", "--dry-run", "--no-verify", "origin", "main"], without).status, 0);
    folder.write("elsewhere/wov", WOV, 0o755);
    const found = run(folder, ["push", "origin", "main"], {
      PATH: `${folder.at("elsewhere")}:${process.env.PATH}`,
    });
    assert.is(found.status, 0, found.output);
    assert.match(found.calls, "called: <hook> <pre-push>");
  }),
);

plain(
  "say so when the program that runs git has no node",
  inFolder(async (folder) => {
    project(folder);
    await install(folder);
    folder.commit();
    // A PATH with git and sh, and nothing else of what is beside them.
    for (const name of ["git", "sh", "cat", "basename", "dirname"]) {
      const [path = ""] = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.split(
        "\n",
      );
      mkdirSync(folder.at(".git", "bin"), { recursive: true });
      symlinkSync(path, folder.at(".git", "bin", name));
    }
    const blocked = run(folder, ["push", "origin", "main"], { PATH: folder.at(".git", "bin") });
    assert.is(blocked.status, 1);
    assert.match(blocked.output, "node is not on the PATH");
  }),
);

const managed = suite("hooks by a hook manager");

for (const [manager, setUp] of [
  ["git", ["git", "config", "core.hooksPath", "wovtools/hooks"]],
  ["husky", ["node_modules/.bin/husky"]],
  ["lefthook", ["node_modules/.bin/lefthook", "install"]],
] as const) {
  managed(
    `${manager}: whether a clone has the hooks is known`,
    inFolder(async (folder) => {
      project(folder);
      if (manager !== "git") dependency(folder, manager);
      await install(folder);
      folder.commit();
      const clone = folder.at(".git", "clone");
      folder.git("clone", "--quiet", folder.path, clone);
      const called = async () =>
        callsHooks(await readHookFacts(await openRepository(clone), join(clone, "wovtools")));
      assert.not.ok(await called(), "nobody has set anything up");
      symlinkSync(folder.at("node_modules"), join(clone, "node_modules"));
      const [program, ...args] = setUp;
      const ended = spawnSync(program, args, { cwd: clone, env: { ...process.env, CI: "" } });
      assert.is(ended.status, 0, String(ended.stderr));
      assert.ok(await called());
      const script = join(clone, "wovtools", "hooks", "pre-push");
      appendFileSync(script, "# an older one\n");
      assert.ok(await called(), "a script that is to be renewed is called");
      rmSync(script);
      assert.not.ok(await called(), "a script that is not there is not");
    }),
  );
}

managed(
  "husky, set up already: a call at the top of its hooks, whose input stays whole",
  inFolder(async (folder) => {
    project(folder);
    dependency(folder, "husky");
    spawnSync(folder.at("node_modules/.bin/husky"), [], { cwd: folder.path });
    assert.is(folder.git("config", "core.hooksPath").trim(), ".husky/_");
    folder.write(".husky/pre-push", 'echo "theirs: $#" >>theirs\ncat >>theirs\n');
    const plan = await install(folder);
    assert.is(plan.manager, "husky");
    assert.equal(plan.run, []);
    assert.match(folder.read(".husky/pre-push"), /\necho "theirs: \$#" >>theirs\ncat >>theirs\n$/);
    await assertNothingLeft(folder);
    folder.write(".gitignore", "node_modules/\ntheirs\n");
    assertHooksRun(folder);
    const theirs = folder.read("theirs").split("\n");
    assert.is(theirs.length, 3, "only the push that was not blocked reached it");
    assert.is(theirs[0], "theirs: 2");
    assert.match(theirs[1] ?? "", /^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main 0{40}$/);
  }),
);

managed(
  "husky, named in package.json only: it is set up as well",
  inFolder(async (folder) => {
    project(folder);
    dependency(folder, "husky");
    assert.is((await install(folder)).manager, "husky");
    await assertNothingLeft(folder);
    assertHooksRun(folder);
    rmSync(folder.at("node_modules/.bin/husky"));
    folder.git("config", "--unset", "core.hooksPath");
    assert.equal((await install(folder)).manual, ["Run: npx husky"]);
  }),
);

const LEFTHOOK_CONFIGS: Record<string, [file: string, text: string]> = {
  "YAML with commands": [
    "lefthook.yml",
    "# ours\npre-push:\n  commands:\n    mine:\n      use_stdin: true\n      run: cat >mine",
  ],
  "YAML with jobs and extends": [
    ".lefthook.yaml",
    "extends:\n    - other.yml\npre-push:\n  jobs:\n    - run: cat >mine\n      use_stdin: true\n",
  ],
  TOML: ["lefthook.toml", '[pre-push.commands.mine]\nuse_stdin = true\nrun = "cat >mine"\n'],
  JSON: [
    "lefthook.json",
    '{\n    "pre-push": { "commands": { "mine": { "use_stdin": true, "run": "cat >mine" } } }\n}\n',
  ],
};
for (const [form, [file, text]] of Object.entries(LEFTHOOK_CONFIGS)) {
  managed(
    `lefthook, ${form}: it extends a file of ours, and its own commands still run`,
    inFolder(async (folder) => {
      project(folder);
      dependency(folder, "lefthook");
      folder.write("other.yml", "colors: false\n");
      folder.write(file, text);
      folder.write(".gitignore", "node_modules/\nmine\n");
      assert.is((await install(folder)).manager, "lefthook");
      if (form.startsWith("YAML")) for (const line of text.split("\n")) assert.match(folder.read(file), line);
      await assertNothingLeft(folder);
      assertHooksRun(folder);
      assert.match(folder.read("mine"), /^refs\/heads\/main /);
    }),
  );
}

managed(
  "lefthook without a configuration, and with one that no line can be added to",
  inFolder(async (folder) => {
    project(folder);
    dependency(folder, "lefthook");
    await install(folder);
    assert.is(folder.read("lefthook.yml"), 'extends:\n  - "wovtools/lefthook.yml"\n');
    await assertNothingLeft(folder);
    assertHooksRun(folder);
    for (const text of ["{pre-push: {}}\n", "extends: [other.yml]\n", "a: 1\n---\nb: 2\n"]) {
      folder.write("lefthook.yml", text);
      const plan = planHooks(await readHookFacts(await openRepository(folder.path), folder.at("wovtools")));
      assert.equal(plan.manual, ['Add wovtools/lefthook.yml to the list "extends" in lefthook.yml.']);
      assert.equal(plan.writes, []);
    }
  }),
);

managed(
  "a hooks folder of the project: a call in each hook that is a shell script",
  inFolder(async (folder) => {
    project(folder);
    folder.git("config", "core.hooksPath", ".githooks");
    folder.write(".githooks/pre-commit", "#!/usr/bin/env bash\necho theirs\nexit 0\n", 0o755);
    folder.write(".githooks/post-merge", "#!/usr/bin/env python3\nprint(1)\n", 0o755);
    folder.write(".githooks/post-checkout", "\x7fELF\0\0", 0o755);
    const plan = await install(folder);
    assert.is(plan.manager, "folder");
    assert.equal(
      plan.manual.map((sentence) => sentence.split(".").slice(0, 2).join(".")),
      [".githooks/post-merge is no shell script", ".githooks/post-checkout is no shell script"],
    );
    assert.is(folder.read(".githooks/post-merge"), "#!/usr/bin/env python3\nprint(1)\n");
    assert.match(
      folder.read(".githooks/pre-commit"),
      /^#!\/usr\/bin\/env bash\nsh 'wovtools\/hooks\/pre-commit'/,
    );
    assert.is(folder.read(".githooks/post-checkout"), "\x7fELF\0\0");
    for (const name of ["post-merge", "post-checkout"]) rmSync(folder.at(".githooks", name));
    await install(folder);
    await assertNothingLeft(folder);
    assertHooksRun(folder);
  }),
);

plain.run();
managed.run();

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { commitPaths } from "#src/git/commit.js";
import { GitFailure, git, gitAnswer } from "#src/git/git.js";
import { push } from "#src/git/push.js";
import { openRepository } from "#src/git/repository.js";
import { errorOf, type Folder, inFolder } from "./support.js";

const running = suite("running git");

/** A test's body under variables that a user may have set. */
async function under(variables: Record<string, string>, body: () => Promise<void>): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

running(
  "leaves the user's own settings in force",
  inFolder(async (folder) => {
    folder.init();
    const variables = {
      EDITOR: "ed",
      GIT_ASKPASS: "/opt/ask pass",
      GIT_CONFIG_COUNT: "3",
      GIT_CONFIG_KEY_0: "core.pager",
      GIT_CONFIG_VALUE_0: "most",
      GIT_CONFIG_KEY_1: "alias.seen",
      GIT_CONFIG_VALUE_1: "!printenv",
      GIT_CONFIG_KEY_2: "credential.helper",
      GIT_CONFIG_VALUE_2: "cache",
      GIT_EDITOR: "my editor --wait",
      GIT_PAGER: "less -R",
      GIT_SSH_COMMAND: "ssh -i key",
      GIT_TRACE2: "0",
      PAGER: "more",
      SSH_ASKPASS: "ssh-ask",
      VISUAL: "vi",
      WOV_GREETING: "grüß dich",
    };
    await under(variables, async () => {
      const seen = (await git(folder.path, ["seen"])).split("\n");
      for (const [name, value] of Object.entries(variables))
        assert.ok(seen.includes(`${name}=${value}`), name);
      assert.is(await git(folder.path, ["var", "GIT_EDITOR"]), "my editor --wait\n");
      assert.is(await gitAnswer(folder.path, ["config", "--get", "core.pager"]), "most");
    });
  }),
);

running(
  "waits for nothing when a command has ended that prints nothing",
  inFolder(async (folder) => {
    folder.init();
    const waits: unknown[] = [];
    const real = globalThis.setTimeout;
    const noted = (...args: Parameters<typeof real>) => {
      waits.push(args[1]);
      return real(...args);
    };
    globalThis.setTimeout = Object.assign(noted, real);
    try {
      assert.is(await git(folder.path, ["read-tree", "--empty"]), "");
    } finally {
      globalThis.setTimeout = real;
    }
    assert.equal(waits, []);
  }),
);

running(
  "pushes through the user's ssh command",
  inFolder(async (folder) => {
    folder.init();
    folder.git("init", "--quiet", "--bare", "origin.git");
    // Stands for ssh: runs here what it is to run on the host.
    folder.write("ssh", '#!/bin/sh\necho "$1" >host\nshift\nexec sh -c "$*"\n', 0o755);
    folder.git("remote", "add", "origin", `ssh://git.example${encodeURI(folder.at("origin.git"))}`);
    const head = folder.commit();
    await under({ GIT_SSH_COMMAND: `'${folder.at("ssh")}'`, GIT_SSH_VARIANT: "simple" }, async () => {
      assert.is(await push(await openRepository(folder.path)), true);
    });
    assert.is(folder.read("host"), "git.example\n");
    assert.is(folder.git("-C", "origin.git", "rev-parse", "main").trim(), head);
  }),
);

const hookSays = (folder: Folder, script: string) =>
  folder.write(".git/hooks/pre-commit", `#!/bin/sh\n${script}\n`, 0o755);

running(
  "leaves hooks as they are: they may abbreviate options",
  inFolder(async (folder) => {
    folder.init().write("file", "1");
    hookSays(folder, "git status --porc >seen");
    const repository = await openRepository(folder.path);
    const result = await commitPaths(repository, { write: ["file"], remove: [], message: "one" });
    assert.is(result.committed, true);
    assert.match(folder.read("seen"), "A  file");
  }),
);

running(
  "gives what it is told on standard input, and an end where it is told nothing",
  inFolder(async (folder) => {
    folder.init();
    const read = ["-c", "alias.read=!cat", "read"];
    assert.is(await git(folder.path, read), "");
    const long = "ä line\n".repeat(200_000);
    assert.is(await git(folder.path, read, { input: long }), long);
  }),
);

running(
  "tells the exit status, and what was printed to both outputs",
  inFolder(async (folder) => {
    folder.init();
    const failing = ["-c", "alias.fail=!echo out; echo err >&2; exit 7", "fail"];
    const error = await errorOf(git(folder.path, failing));
    assert.instance(error, GitFailure);
    if (!(error instanceof GitFailure)) return;
    assert.is(error.gitStatus, 7);
    assert.is(error.code, "GIT_FAILED");
    assert.is(error.output, "err\nout");
    assert.is(await gitAnswer(folder.path, failing, 7), undefined);
    const silent = await errorOf(git(folder.path, ["-c", "alias.fail=!exit 3", "fail"]));
    assert.is(silent instanceof GitFailure ? silent.gitStatus : undefined, 3);
    // Warnings beside success are no failure.
    const warned = ["-c", "alias.warn=!echo careful >&2; echo done", "warn"];
    assert.is(await git(folder.path, warned), "done\n");
  }),
);

running.run();

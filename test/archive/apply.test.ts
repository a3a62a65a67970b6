import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ARCHIVING_STEPS, applyArchiving, resumeArchiving } from "#src/archive/apply.js";
import { readJournal } from "#src/archive/journal.js";
import { type ArchivingPlan, planArchiving } from "#src/archive/plan.js";
import { readArchive, readDeltas } from "#src/archive/read.js";
import { BlockedError } from "#src/errors.js";
import { failureOf } from "../config/support.js";
import { moduleBeside } from "../support/child.js";
import {
  archivePending,
  effectsOf,
  ledgerOf,
  newRepository,
  PENDING,
  placeOf,
  runGit,
  type TestRepository,
} from "./repository.js";
import { request } from "./support.js";

function start(repository: TestRepository, ...args: string[]): ChildProcess {
  const child = moduleBeside(import.meta.url, "archiving-child");
  return spawn(process.execPath, [...child, repository.root, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Runs an archiving in its own process, and gives what it printed or the signal that ended it. */
async function run(repository: TestRepository, ...args: string[]): Promise<string> {
  const process = start(repository, ...args);
  let output = "";
  process.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [, signal]: unknown[] = await once(process, "close");
  return signal === null ? output.trim() : String(signal);
}

function inHead(repository: TestRepository, file: string): string | null {
  const path = `wovtools/db/${file}`;
  const listed = runGit(repository.root, "ls-tree", "HEAD", "--", path);
  return listed === "" ? null : runGit(repository.root, "show", `HEAD:${path}`);
}

async function onDisk(file: string): Promise<string | null> {
  const there = (await readdir(dirname(file))).includes(basename(file));
  return there ? await readFile(file, "utf8") : null;
}

/** The one end that an archiving has, disturbed or not. */
async function assertArchivedOnce(repository: TestRepository, where: string): Promise<void> {
  const { root, paths, journal, ledger } = repository;
  const archive = await readArchive(paths);
  assert.equal([...archive.versions.keys()], ["1.0.0", "1.1.0"], where);
  assert.equal(archive.strays, [], where);
  assert.is((await readDeltas(archive, "1.1.0"))?.toString(), PENDING, where);
  assert.is(inHead(repository, "shopdb/1.1.0.deltas"), PENDING, where);
  assert.is(inHead(repository, "shopdb.deltas"), null, where);
  assert.is(await onDisk(paths.pendingDeltas), null, where);
  assert.is(runGit(root, "status", "--porcelain", "--ignored"), "", where);
  assert.equal(
    runGit(root, "log", "--format=%s", "origin/main").trim().split("\n"),
    ["archive shopdb 1.1.0", "first"],
    where,
  );
  assert.is(ledgerOf(ledger), `1.1.0 ${archive.versions.get("1.1.0")?.id}\n`, where);
  const left = await readdir(dirname(journal));
  assert.equal(left, ["ledger"], where);
}

let late: ArchivingPlan | undefined;
const applying = suite("archiving");

applying("does everything, step by step", async () => {
  for (const tracked of [true, false]) {
    const repository = await newRepository({ tracked });
    const steps: string[] = [];
    const result = await archivePending(repository, (step) => void steps.push(step));
    assert.ok(result?.outcome === "archived");
    assert.is(result.pending, "removed");
    assert.is(result.commit, runGit(repository.root, "rev-parse", "HEAD").trim());
    assert.equal(steps, [...ARCHIVING_STEPS]);
    await assertArchivedOnce(repository, `tracked: ${tracked}`);
    assert.equal(await readdir(dirname(repository.journal)), ["ledger"]);
    assert.is(await archivePending(repository), null);
  }
});

applying("commits nothing else that is staged", async () => {
  const repository = await newRepository({ tracked: true });
  await writeFile(join(repository.root, "code.txt"), "mine\n");
  runGit(repository.root, "add", "code.txt");
  await archivePending(repository);
  assert.is(runGit(repository.root, "status", "--porcelain"), "A  code.txt\n");
});

applying("keeps pending deltas that somebody wrote to meanwhile", async () => {
  for (const at of ["history-in-place", "committed"] as const) {
    const repository = await newRepository({ tracked: true });
    const result = await archivePending(repository, async (step) => {
      if (step === at) await appendFile(repository.paths.pendingDeltas, "ALTER TABLE a ADD e int;\n");
    });
    assert.is(result?.outcome === "archived" && result.pending, "kept");
    assert.is(await onDisk(repository.paths.pendingDeltas), `${PENDING}ALTER TABLE a ADD e int;\n`);
    assert.is(inHead(repository, "shopdb/1.1.0.deltas"), PENDING);
    assert.is(await readJournal(repository.journal), null);
  }
});

applying("never overwrites a file that lies in the archive", async () => {
  const repository = await newRepository({ tracked: true });
  const file = repository.paths.archivedDeltas("1.1.0");
  await writeFile(file, "SELECT 1;\n");
  const failure = await failureOf(() => archivePending(repository));
  assert.is(failure.code, "ARCHIVED_FILE_EXISTS");
  assert.is(failure.where, file);
  assert.is(await onDisk(file), "SELECT 1;\n");
  assert.is(await onDisk(repository.paths.pendingDeltas), PENDING);
  assert.is(await readJournal(repository.journal), null);
});

applying("refuses a plan that is older than the archive", async () => {
  const repository = await newRepository({ tracked: true });
  const archive = await readArchive(repository.paths);
  const plan = planArchiving(request({ archive, pver: "1.1.0", pending: Buffer.from(PENDING) }));
  await archivePending(repository);
  const failure = await failureOf(() => applyArchiving(plan, placeOf(repository), effectsOf(repository)));
  assert.is(failure.code, "ARCHIVE_CHANGED");
  await assertArchivedOnce(repository, "a second time");
});

applying("refuses a plan whose deltas were archived, or written to, since they were read", async () => {
  const repository = await newRepository({ tracked: true });
  const { paths } = repository;
  const pending = Buffer.from(PENDING);
  const archived = await archivePending(repository, async (step) => {
    if (step !== "history-in-place") return;
    const plan = planArchiving(request({ archive: await readArchive(paths), pver: "1.1.0", pending }));
    assert.is(plan.version, "1.1.0+2");
    const failure = await failureOf(() => applyArchiving(plan, placeOf(repository), effectsOf(repository)));
    assert.is(failure.code, "ARCHIVING_LOCKED");
    late = plan;
  });
  assert.is(archived?.outcome, "archived");
  assert.ok(late);
  for (const content of [null, `${PENDING}-- more\n`]) {
    if (content !== null) await writeFile(paths.pendingDeltas, content);
    const plan = late;
    const failure = await failureOf(() => applyArchiving(plan, placeOf(repository), effectsOf(repository)));
    assert.is(failure.code, "ARCHIVE_CHANGED");
  }
});

applying.run();

const interrupted = suite("an interrupted archiving");

interrupted(
  "killed after any step, is finished by the next run, and the deltas are never nowhere",
  async () => {
    for (const [index, step] of ARCHIVING_STEPS.entries()) {
      const repository = await newRepository({ tracked: index % 2 === 0 });
      assert.is(await run(repository, step, "die"), "SIGKILL", step);
      const pending = await onDisk(repository.paths.pendingDeltas);
      assert.is(pending ?? inHead(repository, "shopdb/1.1.0.deltas"), PENDING, step);
      await archivePending(repository);
      await assertArchivedOnce(repository, step);
    }
  },
);

interrupted("killed at one step after the other, gets to its end", async () => {
  const repository = await newRepository({ tracked: true });
  for (const step of ARCHIVING_STEPS) assert.is(await run(repository, step, "die"), "SIGKILL", step);
  await archivePending(repository);
  await assertArchivedOnce(repository, "at the end");
});

interrupted("by a failing commit, ledger or push, goes on from there", async () => {
  for (const broken of ["commit", "record", "push"] as const) {
    const repository = await newRepository({ tracked: true });
    const { paths, journal } = repository;
    const effects = effectsOf(repository);
    const failing = {
      ...effects,
      [broken]: async () => {
        throw new BlockedError("NOT_TODAY", `There is no ${broken} today.`);
      },
    };
    const archive = await readArchive(paths);
    const plan = planArchiving(request({ archive, pver: "1.1.0", pending: Buffer.from(PENDING) }));
    const failure = await failureOf(() => applyArchiving(plan, placeOf(repository), failing));
    assert.is(failure.code, "NOT_TODAY");
    assert.is((await readJournal(journal))?.version, "1.1.0");
    assert.is(await onDisk(paths.pendingDeltas), broken === "commit" ? PENDING : null);
    const again = await failureOf(() => applyArchiving(plan, placeOf(repository), effects));
    assert.is(again.code, "ARCHIVING_UNFINISHED");
    await archivePending(repository);
    await assertArchivedOnce(repository, broken);
  }
});

interrupted(
  "by a commit that is refused, leaves the archive as it was, whatever a hook made of it",
  async () => {
    for (const resumed of [false, true]) {
      const repository = await newRepository({ tracked: true });
      const { paths, journal } = repository;
      const before = await onDisk(paths.history);
      const effects = effectsOf(repository);
      const refusing = {
        ...effects,
        commit: async () => {
          await appendFile(paths.archivedDeltas("1.1.0"), "\n-- formatted\n");
          throw new BlockedError("COMMIT_REFUSED", "Not like this.");
        },
      };
      const plan = planArchiving(
        request({ archive: await readArchive(paths), pver: "1.1.0", pending: Buffer.from(PENDING) }),
      );
      if (resumed) assert.is(await run(repository, "history-in-place", "die"), "SIGKILL");
      const place = placeOf(repository);
      const archiving = () =>
        resumed ? resumeArchiving(place, refusing) : applyArchiving(plan, place, refusing);
      assert.is((await failureOf(archiving)).code, "COMMIT_REFUSED");
      assert.is(await onDisk(paths.history), before);
      assert.equal((await readArchive(paths)).strays, []);
      assert.is(await onDisk(paths.pendingDeltas), PENDING);
      assert.is(await readJournal(journal), null);
      assert.is(runGit(repository.root, "status", "--porcelain"), "");
      await archivePending(repository);
      await assertArchivedOnce(repository, `resumed: ${resumed}`);
    }
  },
);

interrupted("is given up where the history is another by now, and its files are taken back", async () => {
  const repository = await newRepository({ tracked: false });
  const { paths, journal } = repository;
  assert.is(await run(repository, "schema-in-place", "die"), "SIGKILL");
  await writeFile(paths.history, (await readFile(paths.history, "utf8")).replace("12:00", "13:00"));
  const result = await resumeArchiving(placeOf(repository), effectsOf(repository));
  assert.is(result?.outcome, "abandoned");
  assert.equal((await readArchive(paths)).strays, []);
  assert.is(await onDisk(paths.pendingDeltas), PENDING);
  assert.is(await readJournal(journal), null);
  assert.is((await archivePending(repository))?.outcome, "archived");
});

interrupted("leaves a journal that is checked when it is read", async () => {
  const repository = await newRepository({ tracked: true });
  await mkdir(dirname(repository.journal), { recursive: true });
  await writeFile(repository.journal, '{"wovtoolsjournal": "2"}');
  const failure = await failureOf(() => archivePending(repository));
  assert.is(failure.code, "JOURNAL_INVALID");
  assert.is(failure.exitStatus, 4);
  assert.is(await onDisk(repository.paths.pendingDeltas), PENDING);
});

interrupted.run();

const locking = suite("two archivings at once");

locking("the second is refused while the first lives, and takes over when it is killed", async () => {
  const repository = await newRepository({ tracked: true });
  const first = start(repository, "deltas-in-place", "hold");
  assert.ok(first.stdout);
  await once(first.stdout, "data");
  const failure = await failureOf(() => archivePending(repository));
  assert.is(failure.code, "ARCHIVING_LOCKED");
  assert.is(failure.exitStatus, 1);
  assert.match(failure.message, new RegExp(`process ${first.pid}`));
  const ended = once(first, "close");
  first.kill("SIGKILL");
  await ended;
  await archivePending(repository);
  await assertArchivedOnce(repository, "after the kill");
});

locking("of several started together, one archives", async () => {
  const repository = await newRepository({ tracked: true });
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => run(repository)));
  assert.is(outcomes.filter((outcome) => outcome === "archived").length, 1, outcomes.join());
  assert.ok(
    outcomes.every((outcome) =>
      ["archived", "nothing", "ARCHIVING_LOCKED", "ARCHIVING_UNFINISHED", "ARCHIVE_CHANGED"].includes(
        outcome,
      ),
    ),
    outcomes.join(),
  );
  await assertArchivedOnce(repository, "in the end");
});

locking("a process number that was given to another process holds no lock", async () => {
  const repository = await newRepository({ tracked: true });
  const lock = `${repository.journal}.lock`;
  await mkdir(dirname(lock), { recursive: true });
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), started: "1" }));
  await archivePending(repository);
  await assertArchivedOnce(repository, "a reused number");
});

locking("a lock of another machine, or of nobody known, is left to the user", async () => {
  for (const content of [JSON.stringify({ pid: 1, host: "elsewhere", started: null }), "?"]) {
    const repository = await newRepository({ tracked: true });
    const lock = `${repository.journal}.lock`;
    await mkdir(dirname(lock), { recursive: true });
    await writeFile(lock, content);
    const failure = await failureOf(() => archivePending(repository));
    assert.is(failure.code, "ARCHIVING_LOCKED");
    assert.match(failure.hint ?? "", /remove the lock file/);
    assert.is(await onDisk(lock), content);
  }
});

locking.run();

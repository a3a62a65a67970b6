/** What is refused, why, and that the commands in the message mend it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError, check, pushDb } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { ADD_MAIL, ADD_NOTE, commandsIn, endedWith, inShop, jsonOf, PENDING, Shop } from "./support.js";

const refusals = suite("what is refused, with nothing written");

/** Runs an archiving that must be refused, as a library and as a program. */
async function refused(shop: Shop, code: string, args: string[] = []): Promise<BlockedError> {
  const head = await shop.project.git("rev-parse", "HEAD");
  const [before, pending] = [await shop.status(), await shop.read(PENDING)];
  const skipGitChecks = args.includes("--skip-git-checks");
  const error = await thrownBy(BlockedError, pushDb({ cwd: shop.root, skipGitChecks }));
  assert.is(error.code, code);
  const told = await jsonOf(shop, "error", ["wov-push-db", ...args], { status: 1 });
  assert.equal(told, {
    error: {
      code,
      message: error.message,
      ...(error.where !== undefined && { where: error.where }),
      ...(error.hint !== undefined && { hint: error.hint }),
    },
    exitStatus: 1,
  });
  assert.is(await shop.project.git("rev-parse", "HEAD"), head);
  assert.equal(await shop.status(), before);
  assert.is(await shop.read(PENDING), pending);
  return error;
}

refusals(
  "drift without deltas, its objects and columns named",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    await shop.db.query(`
      ALTER TABLE orders ADD COLUMN note text, DROP COLUMN customer;
      CREATE VIEW everybody AS SELECT name FROM customers;
      ALTER TABLE customers ALTER COLUMN name DROP NOT NULL;
    `);
    const { message, hint } = await refused(shop, "NOT_ARCHIVED");
    assert.match(message, "shopdb on local is not as version 1.0.0 has it.");
    assert.match(message, /added +view +public\.everybody/);
    assert.match(message, /changed +table +public\.orders(\n {11}.*)*\n {11}column note added/);
    assert.match(message, /changed +table +public\.orders(\n {11}.*)*\n {11}column customer dropped/);
    assert.match(message, /changed +table +public\.customers\n {11}column name/);
    assert.match(hint ?? "", "wovtools/db/shopdb.deltas");
    assert.equal(commandsIn(hint ?? ""), [
      "wov-db shopdb --wdb-deltas",
      "wov-db shopdb --wdb-edit",
      "wov-push-db shopdb",
    ]);
  }),
);

refusals(
  "a project version lower than the newest archived one",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    await shop.setVersion("1.0.5");
    await shop.change(ADD_MAIL);
    const { message, hint } = await refused(shop, "PVER_LOWER");
    assert.match(message, "1.0.5 is lower than 1.1.0");
    const [raise = ""] = commandsIn(hint ?? "");
    const [program = "", ...args] = raise.split(" ");
    endedWith(0, await shop.project.run(program, args));
    await shop.project.git("commit", "--quiet", "--no-verify", "--all", "--message", "Raise it");
    await pushDb({ cwd: shop.root });
    assert.equal((await shop.versions()).at(-1), "1.1.0+2 < 1.1.0");
  }),
);

refusals(
  "a database that is ahead of the project version: what to do is said, and does it",
  inShop(async (shop) => {
    await shop.archive("1.1.0", ADD_NOTE);
    await shop.setVersion("1.0.0");
    const { message, hint } = await refused(shop, "NOT_ARCHIVED");
    assert.match(message, "shopdb on local is at 1.1.0");
    assert.match(message, "1.0.0");
    const [raise = ""] = commandsIn(hint ?? "");
    const [program = "", ...args] = raise.split(" ");
    endedWith(0, await shop.project.run(program, args));
    await shop.project.git("commit", "--quiet", "--no-verify", "--all", "--message", "Raise it");
    assert.not.ok((await check({ cwd: shop.root })).blocked);
  }),
);

refusals(
  "deltas without a version that they could follow",
  inShop(async (shop) => {
    await shop.change(ADD_NOTE);
    const { hint } = await refused(shop, "NO_ROOT");
    assert.equal(commandsIn(hint ?? ""), ["wov-push-db --snapshot shopdb initial"]);
  }, Shop.create),
);

refusals(
  "deltas that cannot be applied, with line and column",
  inShop(async (shop) => {
    await shop.db.query(ADD_NOTE);
    await shop.project.write(
      PENDING,
      "-- Notes.\nALTER TABLE orders ADD COLUM note text;;\nALTER TABEL orders;\n",
    );
    const { where } = await refused(shop, "NOT_ARCHIVED");
    assert.match(where ?? "", /^wovtools\/db\/shopdb\.deltas:\d+:\d+$/);
  }),
);

refusals(
  "an archiving on no branch, whose commit would be lost",
  inShop(async (shop) => {
    await shop.change(ADD_NOTE);
    await shop.project.git("switch", "--quiet", "--detach");
    const { hint } = await refused(shop, "DETACHED_HEAD");
    assert.match(hint ?? "", "git switch");
    // Looking is not archiving: continuous integration checks where no branch is checked out.
    await shop.project.git("clean", "--quiet", "--force", "--", "wovtools");
    await shop.db.query("ALTER TABLE orders DROP COLUMN note");
    endedWith(0, await shop.project.command("wov-push-db", ["--check"]));
  }),
);

refusals(
  "an unclean work tree; skipped, nothing but the archiving is committed and nothing is lost",
  inShop(async (shop) => {
    const { project } = shop;
    await project.write("src/a.ts", "export const a = 1;\n");
    await project.write("src/b.ts", "export const b = 1;\n");
    await project.commitAll("Code");
    await shop.setVersion("1.1.0");
    await shop.change(ADD_NOTE);
    await project.write("src/a.ts", "export const a = 2;\n");
    await project.git("add", "src/a.ts");
    await project.write("src/a.ts", "export const a = 3;\n");
    await project.write("src/b.ts", "export const b = 2;\n");
    await project.write("src/new.ts", "export const c = 1;\n");
    await project.write("src/added.ts", "export const d = 1;\n");
    await project.git("add", "src/added.ts");
    const { message, hint } = await refused(shop, "NOT_ARCHIVED");
    for (const file of ["src/a.ts", "src/b.ts", "src/new.ts", "src/added.ts"]) assert.match(message, file);
    assert.match(hint ?? "", "--skip-git-checks");
    const [unstaged, staged] = [await project.git("diff"), await project.git("diff", "--cached")];
    const ended = await project.command("wov-push-db", ["shopdb", "--skip-git-checks"]);
    endedWith(0, ended);
    assert.equal(await shop.committed(), [
      "M wovtools/db/shopdb.json",
      "A wovtools/db/shopdb/1.1.0.deltas",
      "A wovtools/db/shopdb/schemas/1.1.0.schema",
    ]);
    assert.is(await project.git("diff"), unstaged);
    assert.is(await project.git("diff", "--cached"), staged);
    assert.equal(await shop.status(), ["MM src/a.ts", "A  src/added.ts", " M src/b.ts", "?? src/new.ts"]);
    assert.is(await shop.read("src/new.ts"), "export const c = 1;\n");
  }),
);

refusals.run();

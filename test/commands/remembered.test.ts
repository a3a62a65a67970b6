/** What a check remembers of a schema: nothing is dumped again while nothing has changed, and nothing is missed. */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sha256 } from "#src/files.js";
import { check } from "#src/index.js";
import { ADD_NOTE, inShop, type Shop } from "./support.js";

const remembered = suite("a schema that is remembered");

const fileOf = (shop: Shop) => join(shop.root, ".git", "wovtools", "schema-shopdb-local");
const isBlocked = async (shop: Shop) => (await check({ cwd: shop.root })).blocked;

remembered(
  "serves while the catalogs are as they were, and is read again after a change",
  inShop(async (shop) => {
    assert.not(await isBlocked(shop));
    const kept = await readFile(fileOf(shop), "utf8");
    assert.is((await stat(fileOf(shop))).mode & 0o777, 0o600);

    // Whoever put another schema there would be believed: so it is what is read.
    const [head = "", ...rest] = kept.split("\n");
    const other = `${rest.join("\n")}\nCREATE TABLE public.other (id integer);\n`;
    await writeFile(fileOf(shop), `${head.slice(0, -64)}${sha256(other)}\n${other}`);
    assert.ok(await isBlocked(shop));
    await writeFile(fileOf(shop), kept);
    assert.not(await isBlocked(shop));

    await shop.db.query(ADD_NOTE);
    assert.ok(await isBlocked(shop));
    assert.match(await readFile(fileOf(shop), "utf8"), "note text");
    assert.ok(await isBlocked(shop));
    await shop.db.query("ALTER TABLE orders DROP COLUMN note");
    assert.not(await isBlocked(shop));
  }),
);

remembered(
  "costs nothing where it is lost, cut short, or may not be written",
  inShop(async (shop) => {
    assert.not(await isBlocked(shop));
    const kept = await readFile(fileOf(shop), "utf8");
    for (const content of [null, "", "nonsense", kept.slice(0, -100)]) {
      if (content === null) await rm(fileOf(shop));
      else await writeFile(fileOf(shop), content);
      assert.not(await isBlocked(shop));
      assert.is(await readFile(fileOf(shop), "utf8"), kept);
    }
  }),
);

remembered.run();

/** Every kind of object: made, changed, dropped, its file renamed; with and without something that depends on it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { KINDS } from "#src/objects/kinds.js";
import { thrownBy } from "../support/errors.js";
import { KIND_CASES, type KindCase } from "./kinds-cases.js";
import { actions, WoTree } from "./support.js";

const kinds = suite("objects: each kind");

kinds("has its case", () => {
  assert.equal(KIND_CASES.map(({ type }) => type).sort(), KINDS.map(({ type }) => type).sort());
});

/** A tree with one object of a kind, and what is asked of it all the time. */
class KindTree {
  private constructor(
    private readonly one: KindCase,
    readonly tree: WoTree,
    readonly id: string,
  ) {}

  static async create(one: KindCase, withDependent: boolean): Promise<KindTree> {
    const { type, path, script, needs = {}, dependent = {} } = one;
    const tree = await WoTree.create({ ...needs, [path]: script, ...(withDependent ? dependent : {}) });
    const name = path.slice(path.indexOf("/") + 1).replace(/\.sql$/, "");
    return new KindTree(one, tree, `${type}.${type === "role" ? tree.prefix : ""}${name}`);
  }

  /** What the object is; undefined where it is not there. */
  probe(sql = this.one.probe): Promise<unknown> {
    return this.tree.value(sql.replaceAll("{wo_role_prefix}", this.tree.prefix));
  }

  async isSettled(): Promise<void> {
    const { applied, steps } = await this.tree.migrate();
    assert.is(applied, false, steps.map(({ id }) => id).join());
  }
}

/** The object's own name in a path, e.g. `f` in `functions/public.f.sql`. */
function nameIn(path: string): string {
  return /(\w+)\.sql$/.exec(path)?.[1] ?? "";
}

for (const one of KIND_CASES) {
  const { type, path, script, changed, change, migration, says, renamed } = one;

  kinds(`${type}: is made, changed, called otherwise, and goes`, async () => {
    const kind = await KindTree.create(one, false);
    const { tree, id } = kind;
    const result = await tree.migrate();
    assert.ok(actions(result).includes(`create ${id}`), actions(result).join());
    assert.is(await kind.probe(), says[0]);
    assert.ok((await tree.recorded()).includes(id));
    await kind.isSettled();

    if (migration !== undefined) await tree.db.query(migration);
    assert.equal(actions(await tree.plan({ [path]: changed })), [`${change} ${id}`]);
    assert.equal(actions(await tree.migrate()), [`${change} ${id}`]);
    assert.is(await kind.probe(), says[1]);
    await kind.isSettled();

    const files = { [path]: null, [renamed.path]: renamed.script };
    if (one.keeps === true) {
      assert.is((await thrownBy(BlockedError, tree.migrate(files))).code, "TABLE_GONE");
      assert.is(await kind.probe(), says[1]);
      // As it is meant: a migration gives the object its new name, and the new script is that of what is there.
      const rename = `ALTER ${type} ${nameIn(path)} RENAME TO ${nameIn(renamed.path)};`;
      await tree.migrate({ "migrations/1.sql": rename });
    } else {
      await tree.migrate(files);
    }
    assert.is(await kind.probe(), undefined);
    assert.not((await tree.recorded()).includes(id));
    assert.ok(await kind.probe(renamed.probe));
    await kind.isSettled();

    const last = tree.migrate({ [renamed.path]: null });
    if (one.keeps === true) assert.is((await thrownBy(BlockedError, last)).code, "TABLE_GONE");
    else assert.ok(actions(await last).some((action) => action.startsWith(`drop ${type}.`)));
    assert.is(Boolean(await kind.probe(renamed.probe)), one.keeps === true);
    await tree.remove();
  });

  const { dependent, dependentChange, keeps } = one;
  if (dependent === undefined) continue;

  kinds(`${type}: is changed under what depends on it, which keeps it from going`, async () => {
    const kind = await KindTree.create(one, true);
    const { tree } = kind;
    await tree.migrate();
    if (migration !== undefined) await tree.db.query(migration);
    const result = await tree.migrate({ [path]: changed });
    const remakes = actions(result).filter((action) => action.includes("dependent"));
    assert.is(remakes.length, dependentChange === "remake" ? 1 : 0, actions(result).join());
    assert.is(await kind.probe(), says[1]);
    await kind.isSettled();

    if (type === "role") return tree.remove();
    const error = await thrownBy(BlockedError, tree.migrate({ [path]: null }));
    assert.is(error.code, keeps === true ? "TABLE_GONE" : (one.refusal ?? "OBJECT_NEEDED"));
    assert.is(await kind.probe(), says[1]);
    if (keeps === true) return tree.remove();
    assert.match(error.message, /dependent/);
    await tree.migrate(Object.fromEntries(Object.keys(dependent).map((file) => [file, null])));
    assert.is(await kind.probe(), undefined);
    await tree.write({ [path]: script });
    await tree.migrate();
    assert.is(await kind.probe(), says[0]);
    await tree.remove();
  });

  // No other extension has what the dependent needs.
  if (type === "extension") continue;

  kinds(`${type}: is called otherwise, and what depends on it with it`, async () => {
    const kind = await KindTree.create(one, true);
    const { tree } = kind;
    await tree.migrate();
    const [from, to] = [nameIn(path), nameIn(renamed.path)];
    const follows = (text: string) => text.replaceAll(new RegExp(`(?<=\\b|prefix})${from}\\b`, "g"), to);
    for (const [file, text] of Object.entries(dependent))
      await tree.write({ [file]: null, [follows(file)]: follows(text ?? "") });
    await tree.write({ [path]: null, [renamed.path]: renamed.script });
    if (keeps === true) await tree.write({ "migrations/1.sql": `ALTER ${type} ${from} RENAME TO ${to};` });
    await tree.migrate();
    assert.is(await kind.probe(), undefined);
    assert.ok(await kind.probe(renamed.probe));
    assert.is((await tree.recorded()).filter((id) => /dependent|chief/.test(String(id))).length, 1);
    await kind.isSettled();
    await tree.remove();
  });
}

kinds.run();

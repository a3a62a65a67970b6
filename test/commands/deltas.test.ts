/** Deltas that are written: the commands, on a shop in a repository. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BlockedError } from "#src/errors.js";
import { deltas, editDeltas, pushDb, writePending } from "#src/index.js";
import { thrownBy } from "../support/errors.js";
import { freshDatabase } from "../support/server.js";
import { ON_A_TERMINAL } from "../support/terminal.js";
import { endedWith, inShop, PENDING, SHOP } from "./support.js";

const writing = suite("wov-db --wdb-deltas");

writing(
  "writes what was done to the database, so that it is archived",
  inShop(async (shop) => {
    await shop.setVersion("1.1.0");
    await shop.db.query("ALTER TABLE orders ADD note text; CREATE INDEX orders_note ON orders (note)");
    const written = await writePending({ cwd: shop.root });
    assert.is(written.outcome, "proven");
    assert.is(written.from, "1.0.0");
    assert.is(
      await shop.read(PENDING),
      `ALTER TABLE public.orders ADD COLUMN note text;

-- Nobody writes to public.orders while it is read from end to end.
-- Safer on a table in use, as --online writes it: CREATE INDEX CONCURRENTLY.
CREATE INDEX orders_note ON public.orders USING btree (note);
`,
    );
    await pushDb({ cwd: shop.root });
    assert.equal(await shop.versions(), ["1.0.0 < null", "1.1.0 < 1.0.0"]);
  }),
);

writing(
  "writes behind what stands in the file already",
  inShop(async (shop) => {
    const mine = "-- Mine.\nALTER TABLE orders ADD COLUMN note text;\n";
    await shop.change(mine);
    await shop.db.query("ALTER TABLE orders DROP COLUMN customer");
    const written = await writePending({ cwd: shop.root });
    assert.is(written.outcome, "proven");
    assert.is(written.before, 1);
    assert.is(
      await shop.read(PENDING),
      `${mine}\nALTER TABLE public.orders DROP CONSTRAINT orders_customer_fkey;\n\n-- DESTROYS DATA: column public.orders.customer\nALTER TABLE public.orders DROP COLUMN customer;\n`,
    );
  }),
);

writing(
  "writes nothing where nothing is missing",
  inShop(async (shop) => {
    assert.is((await writePending({ cwd: shop.root })).outcome, "nothing");
    assert.is(await shop.read(PENDING), null);
  }),
);

writing(
  "refuses a pending statement that does not run",
  inShop(async (shop) => {
    await shop.db.query("ALTER TABLE orders ADD COLUMN note text");
    await shop.project.write(PENDING, "ALTER TABLE orders DROP COLUMN nobody;\n");
    const refused = await thrownBy(BlockedError, writePending({ cwd: shop.root }));
    assert.is(refused.code, "PENDING_REFUSED");
    assert.match(refused.message, /column "nobody"/);
  }),
);

writing(
  "opens the editor with what is missing at the end",
  inShop(async (shop) => {
    await shop.db.query("ALTER TABLE orders ADD COLUMN note text");
    const edited = await editDeltas({ cwd: shop.root, env: { ...process.env, EDITOR: "true" } });
    assert.is(edited.suggested, 1);
    assert.is(edited.statements, 1);
    assert.is(await shop.read(PENDING), "ALTER TABLE public.orders ADD COLUMN note text;\n");
  }),
);

writing.run();

const sources = suite("wov deltas");

sources("leads from any schema to any other", async () => {
  const [old, now] = [await freshDatabase(SHOP), await freshDatabase(SHOP)];
  await now.query("ALTER TABLE customers ADD CONSTRAINT named CHECK (name <> '')");
  await now.query("GRANT SELECT ON customers TO pg_monitor");
  const there = await deltas(old.url, now.url);
  assert.is(there.outcome, "proven");
  assert.match(there.sql, /ADD CONSTRAINT named CHECK/);
  assert.match(there.sql, "GRANT SELECT ON TABLE public.customers TO pg_monitor;");
  assert.not.match(there.sql, "REVOKE");
  const back = await deltas(now.url, old.url);
  assert.equal(back.statements.map(({ sql }) => sql.replaceAll('"', "")).sort(), [
    "ALTER TABLE public.customers DROP CONSTRAINT named",
    "REVOKE ALL ON TABLE public.customers FROM pg_monitor",
  ]);
});

sources(
  "writes to a file and exits with 0 where it is proven",
  inShop(async (shop) => {
    await shop.db.query("ALTER TABLE orders ADD COLUMN note text");
    const ended = endedWith(0, await shop.project.wov("deltas", "shopdb@head", "shopdb", "--out", "up.sql"));
    assert.match(ended.stdout, /up\.sql: 1 statement/);
    assert.is(await shop.read("up.sql"), "ALTER TABLE public.orders ADD COLUMN note text;\n");
  }),
);

const RENAMED = "ALTER TABLE customers RENAME COLUMN name TO title";

sources("asks once what may be a rename, and writes what it is told", async () => {
  const [old, now] = [await freshDatabase(SHOP), await freshDatabase(`${SHOP}${RENAMED}`)];
  const asked: string[] = [];
  const answering =
    (answer: boolean) =>
    async ({ from, to }: { from: string; to: string }) => {
      asked.push(`${from} → ${to}`);
      return answer;
    };
  const renamed = await deltas(old.url, now.url, { askRename: answering(true) });
  assert.is(renamed.sql, "ALTER TABLE public.customers RENAME COLUMN name TO title;\n");
  const dropped = await deltas(old.url, now.url, { askRename: answering(false) });
  assert.match(dropped.sql, "-- DESTROYS DATA: column public.customers.name");
  const question = "public.customers.name → public.customers.title";
  assert.equal(asked, [question, question]);
});

sources(
  "asks on a terminal, and nobody in a pipe",
  inShop(async (shop) => {
    await shop.db.query(RENAMED);
    const write = (env: Readonly<Record<string, string>>, input: string) =>
      shop.project.run("wov", ["deltas", "shopdb@head", "shopdb"], { env, input });
    const asked = endedWith(0, await write({ NODE_OPTIONS: `--import=${ON_A_TERMINAL}` }, "y\n"));
    assert.match(asked.stderr, "Was the column public.customers.name renamed to public.customers.title?");
    assert.match(asked.stdout, "RENAME COLUMN name TO title");
    const unanswered = endedWith(0, await write({ NODE_OPTIONS: `--import=${ON_A_TERMINAL}` }, ""));
    assert.match(unanswered.stdout, "-- DESTROYS DATA: column public.customers.name");
    const piped = endedWith(0, await write({}, "y\n"));
    assert.match(piped.stdout, "-- DESTROYS DATA: column public.customers.name");
    assert.match(piped.stderr, /Where it was renamed: --renames always/);
  }),
);

sources.run();

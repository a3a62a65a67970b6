/**
 * Deploys a path of 300 versions from an empty database, through every delta and by the archived schema alone, from
 * the middle, and from one version behind. Each time the schema, the rows and the ledger have to be those of the
 * database on which the versions were developed.
 */
import * as assert from "uvu/assert";
import { deploy } from "#src/index.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import { archiveOf, deltasOf, developArchive, type SchemaVersion } from "./archive.js";
import { checksumOf, ledgerOf, rowsOf } from "./state.js";
import { keyOf, pathOf, ROOT_SQL } from "./versions.js";

const COUNT = Number(process.argv[2] ?? 300);

const path = pathOf(COUNT, { concurrently: true });
const withData = path.map(({ key, statements, data }) => ({ key, statements: [...statements, ...data] }));

let started = performance.now();
function say(line: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  started = performance.now();
}

const { root, versions, dev } = await developArchive(ROOT_SQL, withData, (key) => {
  if (key.endsWith("0.0")) say(`developed and archived up to ${key}`);
});
say(`${versions.length} versions archived`);

const head = keyOf(COUNT);
const checksums = new Map(versions.map(({ key, schema }) => [key, schema.checksum]));
const rows = await rowsOf(dev);

/** The same schemas by deltas that leave every row alone. */
const withoutData = await archiveOf(
  versions.map(({ schema }, index): SchemaVersion => {
    const own = path[index - 1];
    const key = keyOf(index);
    return { key, deltas: own === undefined ? null : deltasOf(own.statements), schema };
  }),
);

interface Wanted {
  readonly db: TestDatabase;
  readonly cwd?: string;
  readonly pver?: string;
  readonly rehearse?: boolean;
}

async function bring({ db, cwd = root, pver = head, rehearse = false }: Wanted) {
  const { databases } = await deploy({ cwd, url: db.url, pver, rehearse });
  const [only] = databases;
  if (only === undefined) throw new Error("a deploy has an outcome");
  assert.is(only.outcome, "applied");
  assert.is(only.rehearsed, rehearse);
  assert.is(await checksumOf(db), checksums.get(pver), `the schema of ${pver}`);
  return only;
}

async function checkHead(db: TestDatabase): Promise<void> {
  assert.equal(await rowsOf(db), rows, "the rows");
  assert.equal(await ledgerOf(db), { entries: COUNT + 1, versions: COUNT + 1 });
}

const indexes = path.filter(({ statements }) =>
  statements.some((sql) => sql.includes("CONCURRENTLY")),
).length;

const empty = await freshDatabase();
const through = await bring({ db: empty });
assert.is(through.versions.length, COUNT + 1);
assert.is(through.transactions, 1, "in an empty database no index needs one of its own");
await checkHead(empty);
say(`from empty, through the deltas: ${through.seconds} s in one transaction`);

const rehearsedOne = await freshDatabase();
const rehearsed = await bring({ db: rehearsedOne, rehearse: true });
await checkHead(rehearsedOne);
say(`from empty, through the deltas, rehearsed: ${rehearsed.seconds} s`);

for (const from of [keyOf(COUNT >> 1), keyOf(COUNT - 1)]) {
  const db = await freshDatabase();
  await bring({ db, pver: from });
  const rest = await bring({ db });
  assert.is(rest.from, from);
  await checkHead(db);
  say(
    `from ${from}: ${rest.seconds} s, ${rest.versions.length} versions in ${rest.transactions} transactions`,
  );
}

const shortcut = await freshDatabase();
const loaded = await bring({ db: shortcut, cwd: withoutData.root });
assert.is(loaded.versions.length, COUNT + 1);
assert.is(loaded.transactions, 1);
assert.equal(await ledgerOf(shortcut), { entries: COUNT + 1, versions: COUNT + 1 });
say(`from empty, by the archived schema: ${loaded.seconds} s`);

const long = await freshDatabase();
await bring({ db: long, cwd: withoutData.root, pver: "0.0.0" });
const deltas = await bring({ db: long, cwd: withoutData.root });
assert.is(deltas.transactions, indexes + 1);
assert.equal(await rowsOf(long), await rowsOf(shortcut), "rows of neither");
say(`the same through the deltas: ${deltas.seconds} s`);

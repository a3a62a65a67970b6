/**
 * Puts a history of migrations in plain SQL through an archive, one version for each file, and deploys it.
 *
 * npx tsx test/long/history.ts FOLDER [SUFFIX] [quick]
 *
 * The files are taken in the order of their names; SUFFIX, `.sql` unless given, says which. A file that the archive
 * refuses, or the server, is left out and said; the rest has to come out as it did on the way. `quick` reads the
 * schema only of the versions at which a deploy stops.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { checkDeltas } from "#src/deltas/check.js";
import { WovError } from "#src/errors.js";
import { deploy } from "#src/index.js";
import { freshDatabase } from "../support/server.js";
import { developArchive, type NewVersion, onOneConnection } from "./archive.js";
import { checksumOf, ledgerOf, rowsOf } from "./state.js";
import { keyOf } from "./versions.js";

const [folder = ".", suffix = ".sql", quick] = process.argv.slice(2);

const names = (await readdir(folder)).filter((name) => name.endsWith(suffix));
names.sort(new Intl.Collator("en", { numeric: true }).compare);

const trial = await freshDatabase();
const path: NewVersion[] = [];
let refused = 0;
for (const name of names) {
  const text = await readFile(join(folder, name), "utf8");
  const { statements, problems } = await checkDeltas(Buffer.from(text), name);
  const reason = problems.length > 0 ? `the archive: ${problems[0]?.message}` : await serverSays(statements);
  if (reason !== null) {
    refused += 1;
    console.log(`left out ${name}: ${reason}`);
  } else if (statements.length > 0) {
    const key = keyOf(path.length + 1);
    path.push({ key, statements: asRun(statements), deltas: text });
  }
}
console.log(`${names.length} files: ${path.length} versions, ${refused} refused`);

/** In one transaction where that goes: some statements, as LOCK TABLE, can be run in no other way. */
function asRun(statements: readonly { readonly text: string }[]): string[] {
  const texts = statements.map(({ text }) => text);
  const whole = !texts.some((sql) => /\bconcurrently\b|\badd value\b/i.test(sql));
  return whole ? ["BEGIN", ...texts, "COMMIT"] : texts;
}

/** @returns why the server refuses them; null where it took them */
async function serverSays(statements: readonly { readonly text: string }[]): Promise<string | null> {
  try {
    await onOneConnection(trial, asRun(statements));
    return null;
  } catch (error) {
    return `the server: ${error instanceof Error ? error.message : String(error)}`;
  }
}

const { root, versions, dev } = await developArchive(
  "",
  path.map((version, index) => ({
    ...version,
    passedBy: quick === "quick" && index + 1 !== path.length >> 1 && index + 1 !== path.length,
  })),
);
const head = versions.at(-1);
const rows = await rowsOf(dev);
const countsOf = (tables: Awaited<ReturnType<typeof rowsOf>>) =>
  Object.entries(tables).map(([table, sums]) => [table, sums.count]);

for (const start of [null, "0.0.0", keyOf(path.length >> 1)]) {
  const db = await freshDatabase();
  if (start !== null) await deploy({ cwd: root, url: db.url, pver: start, rehearse: false });
  try {
    const { databases } = await deploy({ cwd: root, url: db.url, rehearse: true });
    assert.is(await checksumOf(db), head?.schema.checksum);
    const own = await rowsOf(db);
    assert.equal(countsOf(own), countsOf(rows));
    const others = Object.keys(rows).filter(
      (table) => JSON.stringify(own[table]) !== JSON.stringify(rows[table]),
    );
    if (others.length > 0) console.log(`other values, as random keys and the time are: ${others.join(", ")}`);
    const [only] = databases;
    const { entries } = await ledgerOf(db);
    console.log(
      `from ${start ?? "empty"}: ${only?.versions.length} versions in ${only?.transactions} transactions, rehearsed, ${only?.seconds} s; the ledger has ${entries}`,
    );
  } catch (error) {
    if (!(error instanceof WovError)) throw error;
    console.log(
      `from ${start ?? "empty"}: ${error.code} ${error.message}\n${error.where ?? ""}\n${error.hint ?? ""}`,
    );
    process.exitCode = 1;
  }
}

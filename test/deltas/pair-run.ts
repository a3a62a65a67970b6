/** Running pairs: the deltas are written both ways, and what is said to be proven is tried on the old database itself. */

import { compareSchemas } from "#src/commands/compare.js";
import { type DeltasWritten, writeAndProve } from "#src/commands/deltas.js";
import { readLiveSchema, type SchemaText } from "#src/commands/live-schema.js";
import { checkDeltas } from "#src/deltas/check.js";
import { withoutPlaces } from "#src/deltas/write/places.js";
import { withClient } from "#src/postgres/connection.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { freshDatabase, type TestDatabase } from "../support/server.js";
import type { Pair } from "./pairs/pair.js";

const DATABASE = { pgDump: "bundled", schema: DEFAULT_SETTINGS } as const;

/** What one way of a pair came to. */
export interface WayResult {
  readonly pair: string;
  readonly way: "there" | "back";
  readonly outcome: DeltasWritten["outcome"];
  /** What is wrong with it; empty for a pair that is as it should be. */
  readonly mistakes: readonly string[];
  readonly sql: string;
}

/** Roles that pairs name; made once for a server. */
export const PAIR_ROLES = `DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pair_reader') THEN CREATE ROLE pair_reader; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'pair_writer') THEN CREATE ROLE pair_writer; END IF;
END $$`;

const inSchema = (schema: string, sql: string) => `SET search_path = ${schema}, public; ${sql}`;

/** A pair, and the schema that its names are in. */
interface Placed {
  readonly pair: Pair;
  readonly schema: string;
}

/** Runs a pair there and back, in databases of its own. */
export function runPair(pair: Pair): Promise<WayResult[]> {
  return run(pair, [{ pair, schema: "pair" }]);
}

/** Runs pairs as if they were one, each in a schema of its own, which takes not much longer than one does. */
export function runTogether(name: string, pairs: readonly Pair[]): Promise<WayResult[]> {
  const renames = pairs.some((pair) => pair.renames === "always") ? ({ renames: "always" } as const) : {};
  const together: Pair = {
    name,
    old: "",
    change: "",
    ...renames,
    says: pairs.flatMap(({ says = [] }) => says),
    openBack: pairs.some(({ openBack }) => openBack === null) ? null : [],
  };
  return run(
    together,
    pairs.map((pair, index) => ({ pair, schema: `pair_${index}` })),
  );
}

async function run(whole: Pair, placed: readonly Placed[]): Promise<WayResult[]> {
  const schemas = placed.map(({ schema }) => `CREATE SCHEMA ${schema};`).join("");
  const [old, now] = await Promise.all([freshDatabase(schemas), freshDatabase(schemas)]);
  const make = (database: TestDatabase, sqlOf: (pair: Pair) => string | undefined) =>
    withClient(database.connection, async (client) => {
      for (const { pair, schema } of placed) await client.query(inSchema(schema, sqlOf(pair) ?? ""));
    });
  await make(old, (pair) => pair.old);
  await make(now, (pair) => pair.old);
  await make(now, (pair) => pair.change);
  const [from, to] = await Promise.all([read(old), read(now)]);
  // The way back is written before the old database is changed.
  const back = whole.openBack === null ? [] : [await runWay(whole, "back", { from: to, to: from, on: now })];
  await make(old, (pair) => pair.rows);
  const there = await runWay(whole, "there", { from, to, on: old });
  if (there.outcome !== "proven") return [there, ...back];
  const lost: string[] = [];
  for (const each of placed) lost.push(...(await wrongRows(each, old)));
  return [{ ...there, mistakes: [...there.mistakes, ...lost] }, ...back];
}

function read(database: TestDatabase): Promise<SchemaText> {
  return readLiveSchema(database.connection, DATABASE);
}

interface Way {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** The database that the deltas are applied to. */
  readonly on: TestDatabase;
}

async function runWay(pair: Pair, way: WayResult["way"], { from, to, on }: Way): Promise<WayResult> {
  const { renames = "never", online = false } = pair;
  const near = on.connection;
  const request = { from, to, near, rows: near, pending: "", database: DATABASE };
  const written = await writeAndProve(request, { renames, online });
  const mistakes = [...wrongOpen(pair, way, written), ...wrongText(pair, way, written)];
  if ((written.outcome === "nothing") !== (pair.differs === false))
    mistakes.push(`outcome: ${written.outcome}`);
  if (written.outcome === "proven") mistakes.push(...(await wrongSchema(written.sql, to, on)));
  return { pair: pair.name, way, outcome: written.outcome, mistakes, sql: written.sql };
}

function wrongOpen(pair: Pair, way: WayResult["way"], { outcome, open, reasons }: DeltasWritten): string[] {
  const expected = (way === "there" ? pair.open : pair.openBack) ?? [];
  const found = open.map(({ type, name }) => `${type} ${name}`);
  const unexpected = open.filter(({ type, name }) => !expected.includes(`${type} ${name}`));
  const mistakes = unexpected.map(
    ({ type, name, change, details, why }) =>
      `open: ${type} ${name} ${change}: ${details.join("; ")} (${why})`,
  );
  mistakes.push(...expected.filter((id) => !found.includes(id)).map((id) => `not open: ${id}`));
  if (outcome === "unproven") mistakes.push(...reasons.map((reason) => `not proven: ${reason}`));
  return mistakes;
}

function wrongText(
  { says = [], saysNot = [] }: Pair,
  way: WayResult["way"],
  { sql }: DeltasWritten,
): string[] {
  if (way === "back") return [];
  return [
    ...says.filter((pattern) => !pattern.test(sql)).map((pattern) => `does not say ${pattern}`),
    ...saysNot.filter((pattern) => pattern.test(sql)).map((pattern) => `says ${pattern}`),
  ];
}

/** Applies the deltas for real, each statement on its own, with the rows that are there. */
async function wrongSchema(sql: string, to: SchemaText, on: TestDatabase): Promise<string[]> {
  const { statements } = await checkDeltas(Buffer.from(withoutPlaces(sql)), "deltas");
  const refusal = await withClient(on.connection, async (client) => {
    for (const { text } of statements) {
      try {
        await client.query(text);
      } catch (error) {
        return `refused: ${error} in ${text}`;
      }
    }
    return null;
  });
  if (refusal !== null) return [refusal];
  const compared = await compareSchemas(await read(on), to, {
    near: on.connection,
    progress: () => undefined,
  });
  const { added, changed, dropped } = compared.diff;
  if (!compared.differs) return [];
  return [...added, ...changed.map(({ after }) => after), ...dropped].map(
    ({ id }) => `PROVEN WRONGLY: ${id}`,
  );
}

async function wrongRows({ pair: { kept = [] }, schema }: Placed, on: TestDatabase): Promise<string[]> {
  const mistakes: string[] = [];
  for (const [query, rows] of kept) {
    const found = await withClient(on.connection, async (client) => {
      await client.query(inSchema(schema, ""));
      return (await client.query({ text: query, rowMode: "array" })).rows;
    });
    if (JSON.stringify(found) !== JSON.stringify(rows))
      mistakes.push(`${query} gives ${JSON.stringify(found)}`);
  }
  return mistakes;
}

/** Proving deltas that are wrong: each has to be refused, with what is wrong named. */
import { compareSchemas } from "#src/commands/compare.js";
import { isProvenNearby } from "#src/commands/deltas/nearby.js";
import { readLiveSchema, type SchemaText } from "#src/commands/live-schema.js";
import { type Proof, prove, type ShadowServers } from "#src/commands/proof.js";
import { withClient } from "#src/postgres/connection.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
import { loadParser } from "#src/schema/parser.js";
import { freshDatabase, type TestDatabase } from "../../support/server.js";
import type { Pair } from "../pairs/pair.js";
import { type Mutation, mutationsOf, statementsOf } from "./mutate.js";

const DATABASE = { pgDump: "bundled", schema: DEFAULT_SETTINGS } as const;

export interface MutationResult extends Pick<Mutation, "how" | "statement" | "was"> {
  readonly pair: string;
  /** `same` where the schema is the same all the same. */
  readonly outcome: "refused" | "same" | "missed";
  /** What the proof said. */
  readonly told: string;
  /** Whether the part that the deltas are about was enough to prove them. */
  readonly isProvenNearby: boolean;
}

/** What the mutations of a pair came to. */
export interface PairResult {
  /** Whether the right deltas are proven on the part that they are about. */
  readonly isProvenNearby: boolean;
  readonly mutations: readonly MutationResult[];
}

/** Beside them a pair is the smaller part of a schema. */
const SURROUNDINGS = Array.from(
  { length: 40 },
  (_, number) => `CREATE TABLE beside_${number} (beside_id integer PRIMARY KEY, beside_text text);`,
).join("\n");

interface Subject {
  readonly pair: Pair;
  readonly from: SchemaText;
  readonly to: SchemaText;
  readonly near: TestDatabase;
  readonly servers: ShadowServers;
}

/**
 * Proves what a pair's change is, then every mutation of it.
 *
 * @returns null where the change itself is not proven: it says nothing, or only of a schema of its own
 */
export async function runMutations(pair: Pair, servers: ShadowServers): Promise<PairResult | null> {
  const [old, now] = [await freshDatabase(SURROUNDINGS), await freshDatabase(SURROUNDINGS)];
  try {
    await old.query(pair.old);
    await now.query(pair.old);
    await now.query(pair.change);
    const [from, to] = [await read(old), await read(now)];
    const subject = { pair, from, to, near: old, servers };
    const statements = await statementsOf(pair.change);
    if (from.sha256 === to.sha256) return null;
    const request = requestFor(subject, statements.map((sql) => `${sql};\n`).join(""));
    const right = await prove(servers, request);
    if (right.verdict !== "proven") return null;
    const isNearby = await isProvenNearby(servers, request, await loadParser(), 0);
    const [{ name: table } = { name: "pg_class" }] = await old.query(
      "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT LIKE 'beside%' ORDER BY 1",
    );
    const mutations: MutationResult[] = [];
    for (const mutation of await mutationsOf(statements, String(table)))
      mutations.push(await runOne(subject, mutation));
    return { isProvenNearby: isNearby, mutations };
  } finally {
    for (const { connection, name } of [old, now])
      await withClient({ ...connection, database: "postgres" }, (client) =>
        client.query(`DROP DATABASE ${quoteIdentifier(name)} WITH (FORCE)`),
      );
  }
}

function read({ connection }: TestDatabase): Promise<SchemaText> {
  return readLiveSchema(connection, DATABASE);
}

function requestFor({ from, to, near }: Subject, deltas: string) {
  const file = { file: "the deltas", content: Buffer.from(deltas) };
  return { from, to, near: near.connection, database: DATABASE, progress: () => undefined, deltas: file };
}

async function runOne(subject: Subject, mutation: Mutation): Promise<MutationResult> {
  const { how, statement, was } = mutation;
  const request = requestFor(subject, mutation.deltas);
  const proof = await prove(subject.servers, request);
  const isNearby = await isProvenNearby(subject.servers, request, await loadParser(), 0);
  const common = { pair: subject.pair.name, how, statement, was, isProvenNearby: isNearby };
  if (isNearby && proof.verdict !== "proven")
    return { ...common, outcome: "missed", told: "proven on the part that it is about" };
  if (proof.verdict === "uncovered") return { ...common, outcome: "missed", told: proof.reasons.join("; ") };
  if (proof.verdict === "proven") {
    const isSame = await makesNoDifference(subject, mutation);
    return { ...common, outcome: isSame ? "same" : "missed", told: "proven" };
  }
  const told = textOfProof(proof);
  const words = new Set(wordsOf(told));
  const isNamed = namesIn(`${was} ${statement}`).some((name) => words.has(name));
  return { ...common, outcome: isNamed ? "refused" : "missed", told };
}

function textOfProof({ failure, missed, surplus }: Extract<Proof, { verdict: "refuted" }>): string {
  if (failure !== null) return `${failure.message} (${failure.statement})`;
  return [...missed, ...surplus]
    .map(({ change, type, name, details }) => `${type} ${name} ${change}: ${details.join(", ")}`)
    .join("; ");
}

const KEYWORDS = new Set(
  "add alter table column type create drop index view function schema set not null default public constraint check unique primary key foreign references using select insert update delete from where on to as integer text numeric bigint trigger policy sequence domain grant revoke comment materialized".split(
    " ",
  ),
);

/** The names in a statement that may be an object's. */
function namesIn(sql: string): string[] {
  const named = [...new Set(wordsOf(sql))].filter((word) => !KEYWORDS.has(word));
  return /\bSCHEMA public\b/.test(sql) ? [...named, "public"] : named;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z_][a-z0-9_]*/g) ?? [];
}

/** Does what the deltas say to a database for real. */
async function makesNoDifference({ pair, to }: Subject, { deltas }: Mutation): Promise<boolean> {
  const real = await freshDatabase(SURROUNDINGS + pair.old);
  try {
    for (const sql of await statementsOf(deltas)) await real.query(sql);
    const options = { near: real.connection, progress: () => undefined };
    return !(await compareSchemas(await read(real), to, options)).differs;
  } finally {
    await withClient({ ...real.connection, database: "postgres" }, (client) =>
      client.query(`DROP DATABASE ${quoteIdentifier(real.name)} WITH (FORCE)`),
    );
  }
}

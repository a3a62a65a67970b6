/** Proving deltas that are wrong: each has to be refused, with what is wrong named. */
import { compareSchemas } from "#src/commands/compare.js";
import { readLiveSchema, type SchemaText } from "#src/commands/live-schema.js";
import { type Proof, prove, type ShadowServers } from "#src/commands/proof.js";
import { withClient } from "#src/postgres/connection.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { DEFAULT_SETTINGS } from "#src/schema/index.js";
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
}

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
export async function runMutations(pair: Pair, servers: ShadowServers): Promise<MutationResult[] | null> {
  const [old, now] = [await freshDatabase(), await freshDatabase()];
  try {
    await old.query(pair.old);
    await now.query(pair.old);
    await now.query(pair.change);
    const [from, to] = [await read(old), await read(now)];
    const subject = { pair, from, to, near: old, servers };
    const statements = await statementsOf(pair.change);
    if (from.sha256 === to.sha256) return null;
    const right = await prove(servers, requestFor(subject, statements.map((sql) => `${sql};\n`).join("")));
    if (right.verdict !== "proven") return null;
    const [{ name: table } = { name: "pg_class" }] = await old.query(
      "SELECT c.oid::regclass::text AS name FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
    );
    const results: MutationResult[] = [];
    for (const mutation of await mutationsOf(statements, String(table)))
      results.push(await runOne(subject, mutation));
    return results;
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
  const proof = await prove(subject.servers, requestFor(subject, mutation.deltas));
  const common = { pair: subject.pair.name, how, statement, was };
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
  const real = await freshDatabase(pair.old);
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

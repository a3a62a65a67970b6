/** Writing deltas: what leads from one schema to another, as statements that were seen to work. */
import type { OpenDifference, WrittenStatement } from "../../deltas/write/written.js";
import { BlockedError } from "../../errors.js";
import type { ShadowServer } from "../../postgres/shadow.js";
import { diffSchemas, type Schema, type SchemaDiff } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { excerpt } from "../../stage/failures.js";
import type { SchemaText } from "../live-schema.js";
import { Bench, type Refusal } from "./bench.js";
import { planDifference, type RenameCandidate, readFacts } from "./library.js";

export interface WriteRequest {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Statements that are written already: what is written goes behind them. */
  readonly pending: readonly { readonly sql: string }[];
  readonly server: ShadowServer;
  readonly parser: Parser;
  /** Which of the possible renames are meant. */
  readonly chooseRenames: (candidates: readonly RenameCandidate[]) => Promise<readonly RenameCandidate[]>;
  readonly progress: (doing: string) => void;
}

/** What was written. */
export interface Written {
  readonly statements: readonly WrittenStatement[];
  /** Differences that no statement was found for. */
  readonly open: readonly OpenDifference[];
  /** Possible renames that were not taken. */
  readonly renames: readonly RenameCandidate[];
}

/**
 * Writes what leads from one schema to another behind the pending statements.
 *
 * @throws BlockedError `SHADOW_REFUSED` where the server cannot load one of the schemas, or refuses a pending statement
 */
export async function writeDeltas(request: WriteRequest): Promise<Written> {
  const { from, to, pending, server, parser, progress } = request;
  progress("loading both schemas into shadows");
  const sources = { from, to, pending: pending.map(({ sql }) => sql).join(";\n") };
  const bench = await Bench.open(server, sources, parser);
  try {
    return await new Writer(bench, request).write();
  } finally {
    await bench.close();
  }
}

class Writer {
  readonly #statements: WrittenStatement[] = [];
  #refused: Refusal<{ readonly sql: string }>[] = [];

  constructor(
    private readonly bench: Bench,
    private readonly request: WriteRequest,
  ) {}

  async write(): Promise<Written> {
    const { pending, progress } = this.request;
    await this.#runPending(pending);
    progress("asking what differs");
    const renames = await this.#askLibrary();
    progress("looking what is left");
    const left = await this.#left();
    return { statements: this.#statements, open: openIn(left), renames };
  }

  /** What a deploy would refuse is refused here. */
  async #runPending(pending: WriteRequest["pending"]): Promise<void> {
    const { refused } = await this.bench.runInOrder(pending);
    const [first] = refused;
    if (first === undefined) return;
    throw new BlockedError("PENDING_REFUSED", `A pending statement does not run: ${first.reason}.`, {
      where: excerpt(first.statement.sql),
      hint: "Mend it, or take it away: what it was to do is written anew.",
    });
  }

  async #askLibrary(): Promise<readonly RenameCandidate[]> {
    const { settings } = this.request.from;
    const [before, after] = await Promise.all([readFacts(this.bench.work), readFacts(this.bench.target)]);
    const { statements, renames } = await planDifference(before, after, settings);
    await this.#try(statements.map(({ sql }) => ({ sql, notes: [] })));
    return renames;
  }

  async #try(statements: readonly WrittenStatement[]): Promise<void> {
    const { ran, refused } = await this.bench.run(statements);
    this.#statements.push(...ran);
    this.#refused.push(...refused);
  }

  /** What the statements so far leave different. */
  async #left(): Promise<SchemaDiff> {
    const now = await (await this.bench.read(this.bench.work)).canonical();
    const byText = diffSchemas(now, await this.request.to.canonical());
    if (isNothing(byText)) return byText;
    // The server prints some expressions otherwise once it has loaded them.
    const printed: Schema = await (await this.bench.read(this.bench.target)).canonical();
    return diffSchemas(now, printed);
  }
}

function isNothing({ added, changed, dropped }: SchemaDiff): boolean {
  return added.length + changed.length + dropped.length === 0;
}

function openIn({ added, changed, dropped }: SchemaDiff): OpenDifference[] {
  return [
    ...dropped.map(({ id }) => ({ id, change: "dropped" as const, details: [], why: null })),
    ...changed.map(({ after, details }) => ({
      id: after.id,
      change: "changed" as const,
      details,
      why: null,
    })),
    ...added.map(({ id }) => ({ id, change: "added" as const, details: [], why: null })),
  ];
}

/** Where deltas are tried while they are written: the old schema and the new one, each in a shadow of one server. */
import { DatabaseError as ServerError } from "pg";
import { segmentsOf } from "../../deltas/facts/segments.js";
import { type Client, type ConnectionSettings, withClient } from "../../postgres/connection.js";
import type { ShadowLoad, ShadowServer } from "../../postgres/shadow.js";
import { Workshop } from "../../postgres/workshop.js";
import { neededBy } from "../../schema/needs.js";
import type { Parser } from "../../schema/parser.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";

/** A statement that the server refuses. */
export interface Refusal<S> {
  readonly statement: S;
  /** The server's message. */
  readonly reason: string;
}

/** How statements went that were tried one after another. */
export interface TrialRun<S> {
  /** In the order in which they ran. */
  readonly ran: readonly S[];
  readonly refused: readonly Refusal<S>[];
}

/** What is put on the bench. */
export interface BenchSources {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Statements that are written already. */
  readonly pending: string;
}

/** A bench, set up for two schemas. */
export class Bench {
  private constructor(
    private readonly workshop: Workshop,
    private readonly parser: Parser,
    private readonly sources: BenchSources,
    private readonly beginning: ShadowLoad,
    /** Begins as the old schema; what is tried is done to it. */
    public work: ConnectionSettings,
    /** The new schema. */
    readonly target: ConnectionSettings,
  ) {}

  /**
   * Loads both schemas.
   *
   * @throws BlockedError `SHADOW_REFUSED` where the server refuses one, e.g. for want of an extension
   */
  static async open(server: ShadowServer, sources: BenchSources, parser: Parser): Promise<Bench> {
    const workshop = await Workshop.open(server);
    try {
      const [work, target] = [await workshop.empty(), await workshop.empty()];
      const loads = await loadsOf(server, sources);
      // Roles belong to the server, so that whoever loads first makes all of them.
      await workshop.makeRoles(loads.roles);
      await Promise.all([workshop.load(work, loads.from), workshop.load(target, loads.to)]);
      return new Bench(workshop, parser, sources, loads.from, work, target);
    } catch (error) {
      await workshop.close();
      throw error;
    }
  }

  /** Takes a new shadow with the old schema in place of what was worked on. */
  async startAnew(): Promise<void> {
    await this.workshop.drop(this.work);
    this.work = await this.workshop.empty();
    await this.workshop.load(this.work, this.beginning);
  }

  /** The schema of what was worked on, or of the target. */
  read(shadow: ConnectionSettings): Promise<SchemaText> {
    return readLiveSchema(shadow, { pgDump: "bundled", schema: this.sources.from.settings });
  }

  copyOf(shadow: ConnectionSettings): Promise<ConnectionSettings> {
    return this.workshop.copyOf(shadow);
  }

  /** Runs statements on what is worked on, in transactions as a deploy cuts them, past those that are refused. */
  runInOrder<S extends { readonly sql: string }>(statements: readonly S[]): Promise<TrialRun<S>> {
    return withClient(this.work, (client) => this.#runOnce(client, statements));
  }

  /** As `runInOrder`; what is refused is tried again behind the others, as long as that helps. */
  async run<S extends { readonly sql: string }>(statements: readonly S[]): Promise<TrialRun<S>> {
    return withClient(this.work, async (client) => {
      const ran: S[] = [];
      let waiting: readonly S[] = statements;
      for (;;) {
        const round = await this.#runOnce(client, waiting);
        ran.push(...round.ran);
        if (round.refused.length === 0 || round.ran.length === 0) return { ran, refused: round.refused };
        waiting = round.refused.map(({ statement }) => statement);
      }
    });
  }

  async #runOnce<S extends { readonly sql: string }>(
    client: Client,
    statements: readonly S[],
  ): Promise<TrialRun<S>> {
    const ran: S[] = [];
    const refused: Refusal<S>[] = [];
    const texts = statements.map((statement) => ({ text: statement.sql, statement }));
    for (const { transaction, statements: together } of segmentsOf(texts, this.parser)) {
      if (transaction) await client.query("BEGIN");
      for (const { text, statement } of together) {
        const reason = await attempt(client, text, transaction);
        if (reason === null) ran.push(statement);
        else refused.push({ statement, reason });
      }
      if (transaction) await client.query("COMMIT");
    }
    return { ran, refused };
  }

  /** Drops the shadows. */
  close(): Promise<void> {
    return this.workshop.close();
  }
}

/** @returns the server's message where it refuses the statement, which then has done nothing */
async function attempt(client: Client, sql: string, inTransaction: boolean): Promise<string | null> {
  try {
    if (inTransaction) await client.query("SAVEPOINT before");
    await client.query(sql);
    if (inTransaction) await client.query("RELEASE SAVEPOINT before");
    return null;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (inTransaction) await client.query("ROLLBACK TO SAVEPOINT before");
    return error.message;
  }
}

async function loadsOf(
  { isThrowAway }: ShadowServer,
  { from, to, pending }: BenchSources,
): Promise<{ readonly roles: readonly string[]; readonly from: ShadowLoad; readonly to: ShadowLoad }> {
  const needs = isThrowAway ? await Promise.all([from.text, to.text, pending].map(neededBy)) : [];
  return {
    roles: needs.flatMap(({ roles }) => roles),
    from: { sql: from.text, name: "the old schema" },
    to: { sql: to.text, name: "the new schema" },
  };
}

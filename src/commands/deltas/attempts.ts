/** Making attempts on a shadow: each is undone where it is refused. */
import { DatabaseError as ServerError } from "pg";
import { statementFacts } from "../../deltas/facts.js";
import type { Attempt, Way, WrittenStatement } from "../../deltas/write/written.js";
import type { Client } from "../../postgres/connection.js";
import type { Parser } from "../../schema/parser.js";
import type { Refusal, TrialRun } from "./trial-shadows.js";

/** Makes attempts one after another, in one transaction as far as that goes; those that are refused do nothing. */
export async function makeAttempts(
  client: Client,
  attempts: readonly Attempt[],
  parser: Parser,
): Promise<TrialRun> {
  const ran: WrittenStatement[] = [];
  const refused: Refusal[] = [];
  const trial = new Trial(client, parser);
  await trial.begin();
  for (const attempt of attempts) {
    const reasons: string[] = [];
    for (const way of attempt.ways) {
      const reason = await trial.take(way);
      if (reason === null) {
        ran.push(...way);
        break;
      }
      reasons.push(reason);
    }
    if (reasons.length === attempt.ways.length) refused.push({ attempt, reason: reasons[0] ?? "" });
  }
  await trial.end();
  return { ran, refused };
}

/** New values of an enum cannot be used in the transaction that adds them. */
const UNSAFE_NEW_ENUM_VALUE = "55P04";

class Trial {
  constructor(
    private readonly client: Client,
    private readonly parser: Parser,
  ) {}

  async begin(): Promise<void> {
    await this.client.query("BEGIN");
  }

  async end(): Promise<void> {
    await this.client.query("COMMIT");
  }

  /** @returns the server's message where it refuses the way, which then has done nothing */
  async take(way: Way): Promise<string | null> {
    const mistake = this.#mistakeIn(way);
    if (mistake !== null) return mistake;
    if (way.some((statement) => this.#isOutside(statement))) return this.#takeOutside(way);
    const refusal = await this.#takeInside(way);
    if (refusal?.code !== UNSAFE_NEW_ENUM_VALUE) return refusal?.message ?? null;
    await this.end();
    await this.begin();
    return (await this.#takeInside(way))?.message ?? null;
  }

  /** A statement that does not parse would be refused by the server, and by whoever archives it. */
  #mistakeIn(way: Way): string | null {
    try {
      for (const { sql } of way) this.parser.parse(sql);
      return null;
    } catch (error) {
      if (error instanceof Error) return error.message;
      throw error;
    }
  }

  #isOutside({ sql }: WrittenStatement): boolean {
    return statementFacts({ text: sql }, this.parser).outsideTransaction;
  }

  /** What some of its statements have done before one is refused stays done. */
  async #takeOutside(way: Way): Promise<string | null> {
    await this.end();
    let refusal: ServerError | null = null;
    for (const { sql } of way) refusal ??= await this.#query(sql);
    await this.begin();
    return refusal?.message ?? null;
  }

  async #takeInside(way: Way): Promise<ServerError | null> {
    await this.client.query("SAVEPOINT way");
    for (const { sql } of way) {
      const refusal = await this.#query(sql);
      if (refusal === null) continue;
      await this.client.query("ROLLBACK TO SAVEPOINT way; RELEASE SAVEPOINT way");
      return refusal;
    }
    await this.client.query("RELEASE SAVEPOINT way");
    return null;
  }

  async #query(sql: string): Promise<ServerError | null> {
    try {
      await this.client.query(sql);
      return null;
    } catch (error) {
      if (error instanceof ServerError) return error;
      throw error;
    }
  }
}

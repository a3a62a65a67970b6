/** One connection that answers pg_dump, and has the next answers ready before pg_dump asks. */
import { type Answer, textOf, textsIn } from "./answers.js";
import { type Conversation, question } from "./conversation.js";
import {
  ASKED_IN_A_ROW,
  ASKED_LAST_OF_ALL_TABLES,
  PREPARES_FUNCTIONS,
  QUESTIONS_OF_OBJECTS,
} from "./dump-questions.js";

/**
 * Gives pg_dump the answers of its own connection. A question and its answer take as long on their way as the server
 * takes in between, and pg_dump asks one thing at a time. So the server is asked as soon as it is known what pg_dump
 * will ask: what it asks every server, as it comes to that, and of each view and each function, of which it asks by
 * itself after it has sorted all that there is. An answer is taken for exactly its question; nothing that is asked
 * changes more than pg_dump's own session.
 */
export class AskingAhead {
  /** Questions that pg_dump has not asked yet, and their answers. */
  readonly #ahead = new Map<string, Promise<Answer | null>>();
  #ofFunctions: readonly string[] = [];
  #listing: Promise<void> | undefined;

  /** @param tell is told at the end whether this pg_dump has other words for what every dump asks */
  constructor(
    private readonly connection: Conversation,
    private readonly tell: (what: string) => void,
  ) {}

  /** @param request one question. @returns the answer; null when the connection is lost */
  async ask(request: Uint8Array): Promise<Answer | null> {
    const sql = textOf(request);
    const known = this.#ahead.get(sql);
    if (known !== undefined) {
      this.#ahead.delete(sql);
      return known;
    }
    const answer = this.connection.ask(request);
    for (const { first, others } of ASKED_IN_A_ROW) if (first.test(sql)) this.#askAhead(others);
    if (ASKED_LAST_OF_ALL_TABLES.test(sql)) this.#listing = this.#askOfObjects();
    else if (PREPARES_FUNCTIONS.test(sql)) this.#askAhead(this.#ofFunctions);
    return answer;
  }

  /** Waits for answers that nobody has asked for: they are not for whoever has the connection next. */
  async finish(): Promise<void> {
    await this.#listing;
    const usual = ASKED_IN_A_ROW.flatMap(({ others }) => others);
    const unasked = usual.filter((sql) => this.#ahead.has(sql)).length;
    if (unasked > 0) this.tell(`pg_dump has not asked ${unasked} of the usual questions`);
    await Promise.all(this.#ahead.values());
  }

  async #askOfObjects(): Promise<void> {
    const listed = await this.connection.ask(question(QUESTIONS_OF_OBJECTS));
    const questions = listed === null ? [] : textsIn(listed);
    this.#ofFunctions = questions.filter(isOfFunction);
    this.#askAhead(questions.filter((sql) => !isOfFunction(sql)));
  }

  #askAhead(questions: readonly string[]): void {
    for (const sql of questions) this.#ahead.set(sql, this.connection.ask(question(sql)));
  }
}

/** It executes what pg_dump has not prepared before it comes to the first function. */
function isOfFunction(sql: string): boolean {
  return sql.startsWith("EXECUTE ");
}

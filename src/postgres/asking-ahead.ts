/** One connection that answers pg_dump, and has the next answers ready while pg_dump has other things to do. */
import { type Answer, textOf, textsIn } from "./answers.js";
import { type Conversation, question } from "./conversation.js";
import { ASKED_LAST_OF_ALL_TABLES, PREPARES_FUNCTIONS, QUESTIONS_OF_OBJECTS } from "./dump-questions.js";

/**
 * Gives pg_dump the answers of its own connection. Of each view and each function it asks by itself, after it has
 * sorted all that there is; a question and its answer take as long on their way as the server takes in between. So
 * the server is asked of all of them as soon as they are known, and sends the answers while pg_dump sorts. An answer
 * is taken for exactly its question; nothing that is asked changes anything.
 */
export class AskingAhead {
  /** Questions that pg_dump has not asked yet, and their answers. */
  readonly #ahead = new Map<string, Promise<Answer | null>>();
  #ofFunctions: readonly string[] = [];
  #listing: Promise<void> | undefined;

  constructor(private readonly connection: Conversation) {}

  /** @param request one question. @returns the answer; null when the connection is lost */
  async ask(request: Uint8Array): Promise<Answer | null> {
    const sql = textOf(request);
    const known = this.#ahead.get(sql);
    if (known !== undefined) {
      this.#ahead.delete(sql);
      return known;
    }
    const answer = this.connection.ask(request);
    if (ASKED_LAST_OF_ALL_TABLES.test(sql)) this.#listing = this.#askOfObjects();
    else if (PREPARES_FUNCTIONS.test(sql)) this.#askAhead(this.#ofFunctions);
    return answer;
  }

  /** Waits for answers that nobody has asked for: they are not for whoever has the connection next. */
  async finish(): Promise<void> {
    await this.#listing;
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

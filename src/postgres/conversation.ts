import { type Answer, AnswerCollector, message } from "./answers.js";
import type { Client } from "./connection.js";

/** The message of a question in SQL. */
export function question(sql: string): Buffer {
  return message("Q", `${sql}\0`);
}

/**
 * Speaks over a connection that `pg` has made, past pg's own parser: whole messages in, whole answers out, in the
 * order of the questions.
 */
export class Conversation {
  readonly #stream: Client["connection"]["stream"];
  readonly #ofPg: readonly unknown[];
  readonly #waiting: ((answer: Answer | null) => void)[] = [];
  readonly #collector = new AnswerCollector();
  #isLost = false;

  constructor(readonly client: Client) {
    this.#stream = client.connection.stream;
    this.#ofPg = this.#stream.rawListeners("data");
    this.#stream.removeAllListeners("data");
    this.#stream.on("data", (chunk: Buffer) => this.#hear(chunk));
    this.#stream.once("error", this.#lose);
    this.#stream.once("close", this.#lose);
  }

  /** How many questions have no answer yet. */
  get unanswered(): number {
    return this.#waiting.length;
  }

  /** @returns the answer; null when the connection is lost before it is whole */
  ask(request: Uint8Array): Promise<Answer | null> {
    if (this.#isLost) return Promise.resolve(null);
    const answer = new Promise<Answer | null>((resolve) => this.#waiting.push(resolve));
    this.#stream.write(request);
    return answer;
  }

  /** Says what the server does not answer. */
  tell(request: Uint8Array): void {
    this.#stream.write(request);
  }

  /** Gives the connection back to `pg`, with what was said in its session. */
  release(): void {
    this.#stream.removeAllListeners("data");
    for (const listener of this.#ofPg)
      if (typeof listener === "function")
        this.#stream.on("data", (...args: unknown[]) => Reflect.apply(listener, this.#stream, args));
    this.#stream.off("error", this.#lose);
    this.#stream.off("close", this.#lose);
  }

  /** Ends the connection. The server drops at once what it has not answered yet. */
  async end(): Promise<void> {
    if (this.unanswered > 0) this.#stream.destroy();
    await this.client.end();
  }

  #hear(chunk: Buffer): void {
    for (const answer of this.#collector.add(chunk)) this.#waiting.shift()?.(answer);
  }

  readonly #lose = (): void => {
    this.#isLost = true;
    for (const resolve of this.#waiting.splice(0)) resolve(null);
  };
}

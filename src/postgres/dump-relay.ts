/** Who answers pg_dump: its own connection, and others beside it for what takes long. */
import { type Answer, joinAnswers, rowsWith, textOf, textsIn } from "./answers.js";
import { Companion, type SharedState, shareState } from "./companions.js";
import { type Conversation, question } from "./conversation.js";
import {
  ASKED_FIRST_OF_TABLES,
  ASKED_IN_ANY_CASE,
  ASKED_LAST_OF_ALL_TABLES,
  askedNextOfTables,
  askedOfTables,
  ONLY_READS,
  partsOf,
  QUESTIONS_OF_VIEWS,
  READS_ONE_STATE,
  type TableQuestion,
} from "./dump-questions.js";

/** The connections beside pg_dump's own. */
export interface Company {
  /** Connections that are being made, to the same database by the same settings; null where there is none to be had. */
  readonly connections: readonly Promise<Conversation | null>[];
  /** Is told what comes of them. */
  readonly tell: (what: string) => void;
}

/**
 * Gives pg_dump the answers that its own connection would give, from several connections at once. All of them read
 * from one snapshot, with the same settings. A long question about many tables is asked in parts; what pg_dump will
 * ask in any case is asked before it does. Whatever the others have no answer to, pg_dump's own connection is asked.
 */
export class Relay {
  readonly #said: Uint8Array[] = [];
  /** Once pg_dump sees one state of the database, others can see it as well, while it does no more than read. */
  #state: "begins" | "only reads" | "does more" = "begins";
  #companions: Companion[] = [];
  /** What it asks in any case and has asked: with the others not there yet, it may have come first. */
  readonly #asked = new Set<string>();
  /** Questions that pg_dump has not asked yet, and their answers. */
  readonly #ahead = new Map<string, Promise<Answer | null>>();
  /** The same for what it may ask of some of these tables, or all. */
  readonly #aheadOfTables = new Map<
    string,
    { readonly tables: ReadonlySet<string>; readonly answer: Promise<Answer | null> }
  >();

  /** @param major version of the server */
  constructor(
    private readonly main: Conversation,
    private readonly company: Company,
    private readonly major: number,
  ) {}

  /** @param request one question. @returns the answer; null when pg_dump's own connection is lost */
  async ask(request: Uint8Array): Promise<Answer | null> {
    const sql = textOf(request);
    if (this.#state !== "begins") return this.#askTogether(sql, request);
    this.#said.push(request);
    const answer = await this.main.ask(request);
    if (READS_ONE_STATE.test(sql)) await this.#share();
    return answer;
  }

  /** Tells, at the end, that this pg_dump has other words for what every dump asks. */
  async finish(): Promise<void> {
    const unasked = ASKED_IN_ANY_CASE.filter((sql) => this.#ahead.has(sql)).length + this.#aheadOfTables.size;
    if (unasked > 0) this.company.tell(`pg_dump has not asked ${unasked} of the usual questions`);
  }

  async #share(): Promise<void> {
    this.#state = "only reads";
    const state = await shareState(this.main);
    if (state === null) {
      this.company.tell("the server shares no snapshot, so the schema is read over one connection");
      await this.#beginAnew();
      return;
    }
    const joined = this.company.connections.map((connection) => this.#join(connection, state));
    void Promise.all(joined).then(() => {
      for (const sql of ASKED_IN_ANY_CASE) if (!this.#asked.has(sql)) this.#askAhead(sql);
    });
  }

  async #join(connection: Promise<Conversation | null>, state: SharedState): Promise<void> {
    const conversation = await connection;
    if (conversation === null) return;
    const companion = await Companion.of(conversation, this.#said, state);
    if (companion === null) this.company.tell("another connection does not see the same, and is not used");
    else if (this.#state === "only reads") {
      this.#companions.push(companion);
      this.company.tell(`the schema is read over ${this.#companions.length + 1} connections`);
    }
  }

  /** Has pg_dump's transaction again, in which it has asked nothing yet. */
  async #beginAnew(): Promise<void> {
    await this.main.ask(question("ROLLBACK"));
    for (const request of this.#said.slice(-2)) await this.main.ask(request);
  }

  async #askTogether(sql: string, request: Uint8Array): Promise<Answer | null> {
    if (!ONLY_READS.test(sql)) this.#state = "does more";
    if (this.#state === "does more") this.#companions = [];
    if (ASKED_IN_ANY_CASE.includes(sql)) this.#asked.add(sql);
    if (this.#companions.length === 0) return this.main.ask(request);
    if (ASKED_LAST_OF_ALL_TABLES.test(sql)) void this.#askOfViews();
    const known = this.#ahead.get(sql);
    this.#ahead.delete(sql);
    return (await known) ?? (await this.#askOfTables(sql)) ?? this.main.ask(request);
  }

  /** @returns null where it is no question about tables, and where the companions do not answer it */
  async #askOfTables(sql: string): Promise<Answer | null> {
    const asked = askedOfTables(sql);
    if (asked === null) return null;
    const { tables } = asked;
    const known = this.#aheadOfTables.get(keyOf(asked));
    this.#aheadOfTables.delete(keyOf(asked));
    if (known !== undefined && tables.every((table) => known.tables.has(table))) {
      const ofMore = await known.answer;
      const answer = ofMore && rowsWith(ofMore, asked.column, new Set(tables));
      if (answer !== null) return answer;
    }
    if (!ASKED_FIRST_OF_TABLES.test(sql)) return this.#askInParts(asked, tables);
    // The others have enough to do with what is asked next.
    this.#askNextOfTables(tables);
    return null;
  }

  #askNextOfTables(tables: readonly string[]): void {
    for (const next of askedNextOfTables(this.major))
      this.#aheadOfTables.set(keyOf(next), {
        tables: new Set(tables),
        answer: this.#askInParts(next, tables),
      });
  }

  /** The parts are the companions': their sessions are set up for parts. */
  async #askInParts(asked: TableQuestion, tables: readonly string[]): Promise<Answer | null> {
    const parts = partsOf(asked, tables, this.#companions.length);
    if (parts.length < 2) return null;
    const answers = await Promise.all(parts.map((part, index) => this.#companions[index]?.ask(part)));
    const given = answers.filter((answer) => answer != null);
    return given.length < parts.length ? null : joinAnswers(given);
  }

  #askAhead(sql: string): void {
    const [first, ...others] = this.#companions;
    if (first === undefined) return;
    const idlest = others.reduce((idle, other) => (other.unanswered < idle.unanswered ? other : idle), first);
    this.#ahead.set(sql, idlest.ask(sql));
  }

  async #askOfViews(): Promise<void> {
    const listed = await this.#companions[0]?.ask(QUESTIONS_OF_VIEWS);
    for (const sql of listed ? textsIn(listed) : []) this.#askAhead(sql);
  }
}

function keyOf({ before, after }: TableQuestion): string {
  return `${before} ${after}`;
}

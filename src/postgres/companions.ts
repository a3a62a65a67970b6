/** Further connections that answer pg_dump's questions beside its own, from the same snapshot. */
import { type Answer, textsIn } from "./answers.js";
import { type Conversation, question } from "./conversation.js";

/** Lets others see what a transaction sees; refused inside a savepoint, and by some that speak the same protocol. */
const EXPORT_SNAPSHOT = "SELECT pg_catalog.pg_export_snapshot()";

/** Two sessions with the same answer are on one server, as the same role, with the same settings. */
const WHO_AND_HOW = `SELECT pg_catalog.concat_ws(' ', pg_catalog.pg_postmaster_start_time(), session_user, current_user, pg_catalog.md5(
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws('=', name, setting), ',' ORDER BY name) FROM pg_catalog.pg_settings)))`;

/**
 * Whoever waits to change a table waits for pg_dump, which holds its lock; a companion that waited behind them would
 * wait for ever. So it does not wait long, and keeps no lock when it has answered.
 *
 * In catalogs that nobody has analysed yet, the planner takes a part of a long list for so few tables that it goes
 * through an index once for each of them, and may choose the wrong one: four seconds for what takes a tenth of one.
 */
const BE_QUICK = "SET lock_timeout = '100ms'; SET enable_nestloop = off; SAVEPOINT before_question";
const FORGET_LOCKS = question("ROLLBACK TO SAVEPOINT before_question");

/** What a companion needs to see what pg_dump sees. */
export interface SharedState {
  readonly snapshot: string;
  readonly whoAndHow: string;
}

/**
 * Opens to others what a transaction sees that has asked nothing yet.
 *
 * @returns null where the server does not let that be done; the transaction has failed then
 */
export async function shareState(main: Conversation): Promise<SharedState | null> {
  const [exported, described] = await Promise.all([
    main.ask(question(EXPORT_SNAPSHOT)),
    main.ask(question(WHO_AND_HOW)),
  ]);
  const [snapshot] = exported === null ? [] : textsIn(exported);
  const [whoAndHow] = described === null ? [] : textsIn(described);
  return snapshot === undefined || whoAndHow === undefined ? null : { snapshot, whoAndHow };
}

/** A connection that sees what pg_dump's own does. */
export class Companion {
  private constructor(private readonly conversation: Conversation) {}

  /**
   * Says on another connection what pg_dump has said, and takes up its snapshot.
   *
   * @param said all that pg_dump has said, up to the beginning of its transaction
   * @returns null where the connection has not come to see the same in the same way
   */
  static async of(
    conversation: Conversation,
    said: readonly Uint8Array[],
    state: SharedState,
  ): Promise<Companion | null> {
    const takeUp = [
      ...said,
      question(`SET TRANSACTION SNAPSHOT ${conversation.client.escapeLiteral(state.snapshot)}`),
      question(WHO_AND_HOW),
      question(BE_QUICK),
    ];
    const answers = await Promise.all(takeUp.map((request) => conversation.ask(request)));
    if (answers.some((answer) => answer === null || answer.sqlState !== null)) return null;
    const described = answers.at(-2);
    const [whoAndHow] = described == null ? [] : textsIn(described);
    return whoAndHow === state.whoAndHow ? new Companion(conversation) : null;
  }

  get unanswered(): number {
    return this.conversation.unanswered;
  }

  /** @returns null where this connection has no answer; pg_dump's own may have one */
  async ask(sql: string): Promise<Answer | null> {
    const [answer] = await Promise.all([
      this.conversation.ask(question(sql)),
      this.conversation.ask(FORGET_LOCKS),
    ]);
    return answer?.sqlState === null ? answer : null;
  }
}

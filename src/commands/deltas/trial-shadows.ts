/** Where deltas are tried while they are written: the old schema and the new one, each in a shadow of one server. */
import type { Attempt, WrittenStatement } from "../../deltas/write/written.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";
import type { ShadowLoad } from "../../postgres/shadow.js";
import type { ShadowServer } from "../../postgres/shadow-servers.js";
import { Workshop } from "../../postgres/workshop.js";
import { neededBy } from "../../schema/needs.js";
import type { Parser } from "../../schema/parser.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import { makeAttempts } from "./attempts.js";

/** Something that the server refuses in every way that was tried. */
export interface Refusal {
  readonly attempt: Attempt;
  /** The server's message about the first way. */
  readonly reason: string;
}

/** How attempts went that were made one after another. */
export interface TrialRun {
  /** In the order in which they ran. */
  readonly ran: readonly WrittenStatement[];
  readonly refused: readonly Refusal[];
}

/** What the shadows are made for. */
export interface TrialSources {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Statements that are written already. */
  readonly pending: string;
}

/** The shadows of one writing. */
export class TrialShadows {
  private constructor(
    private readonly workshop: Workshop,
    private readonly parser: Parser,
    private readonly sources: TrialSources,
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
  static async open(server: ShadowServer, sources: TrialSources, parser: Parser): Promise<TrialShadows> {
    const workshop = await Workshop.open(server);
    try {
      const [loads, work, target] = await Promise.all([
        loadsOf(server, sources),
        workshop.empty(),
        workshop.empty(),
      ]);
      // Roles belong to the server, so that whoever loads first makes all of them.
      await workshop.makeRoles(loads.roles);
      await Promise.all([workshop.load(work, loads.from), workshop.load(target, loads.to)]);
      return new TrialShadows(workshop, parser, sources, loads.from, work, target);
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

  /** The schema that attempts would lead to, made on a copy of what is worked on; refused ones are passed over. */
  async readAfter(attempts: readonly Attempt[]): Promise<SchemaText> {
    const copy = await this.workshop.copyOf(this.work);
    try {
      await withClient(copy, (client) => makeAttempts(client, attempts, this.parser));
      return await this.read(copy);
    } finally {
      await this.workshop.drop(copy);
    }
  }

  /** Makes attempts on what is worked on, past those that are refused. */
  runInOrder(attempts: readonly Attempt[]): Promise<TrialRun> {
    return withClient(this.work, (client) => makeAttempts(client, attempts, this.parser));
  }

  /** As `runInOrder`; what is refused is tried again behind the others, as long as that helps. */
  async run(attempts: readonly Attempt[]): Promise<TrialRun> {
    return withClient(this.work, async (client) => {
      const ran: WrittenStatement[] = [];
      let waiting = attempts;
      for (;;) {
        const round = await makeAttempts(client, waiting, this.parser);
        ran.push(...round.ran);
        if (round.refused.length === 0 || round.ran.length === 0) return { ran, refused: round.refused };
        waiting = round.refused.map(({ attempt }) => attempt);
      }
    });
  }

  /** Drops the shadows. */
  close(): Promise<void> {
    return this.workshop.close();
  }
}

async function loadsOf(
  { isThrowAway }: ShadowServer,
  { from, to, pending }: TrialSources,
): Promise<{ readonly roles: readonly string[]; readonly from: ShadowLoad; readonly to: ShadowLoad }> {
  const needs = isThrowAway ? await Promise.all([from.text, to.text, pending].map(neededBy)) : [];
  return {
    roles: needs.flatMap(({ roles }) => roles),
    from: { sql: from.text, name: "the old schema" },
    to: { sql: to.text, name: "the new schema" },
  };
}

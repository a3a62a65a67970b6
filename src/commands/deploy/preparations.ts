/** What a deploy needs besides the archives. */
import { Ahead } from "../../ahead.js";
import type { Project } from "../../config/project.js";
import { ConfigError } from "../../errors.js";
import { openRepository } from "../../git/repository.js";
import { startDumpWorkerAhead } from "../../postgres/bundled-dump.js";
import type { Client } from "../../postgres/connection.js";
import { openStageSession, type StageSession } from "../../stage/connect.js";
import { logInToLedger } from "../../stage/ledger.js";
import type { DeployOptions } from "../deploy.js";
import type { Target } from "../targets.js";
import type { DeployTerms } from "./order.js";
import { type DeployTargets, deployTargets } from "./targets.js";

/**
 * While the archives are proven, servers answer who is there, git answers, and pg_dump is loaded. Nothing is asked of
 * a database before that, nor in case an archive is damaged.
 */
export class Preparations {
  /** The commit that the archives are taken from; null where the project lies in no repository. */
  readonly commit: Ahead<string | null>;
  readonly #targets: Ahead<DeployTargets>;
  /** The session of the only database that there is to deploy; null where there are several. */
  readonly #session: Ahead<StageSession | null>;
  /** A session with its ledger. */
  readonly #ledger: Ahead<Client | null>;

  constructor(
    project: Project,
    options: DeployOptions,
    private readonly terms: DeployTerms,
  ) {
    this.commit = new Ahead(() => commitOf(project));
    this.#targets = new Ahead(() => deployTargets(project, options));
    this.#session = new Ahead(async () => {
      const only = await this.#onlyTarget();
      return only === null ? null : this.#open(only);
    });
    this.#ledger = new Ahead(async () => {
      const only = await this.#onlyTarget();
      return only === null ? null : logInToLedger(only.settings);
    });
  }

  /** @param withDump whether the bundled pg_dump is going to read a schema */
  begin(withDump: boolean): void {
    this.#session.begin();
    if (this.terms.mode === "apply") {
      this.#ledger.begin();
      this.commit.begin();
    }
    if (withDump) startDumpWorkerAhead();
  }

  /** @throws as `deployTargets` */
  targets(): Promise<DeployTargets> {
    return this.#targets.outcome();
  }

  /** The session of a target. Whoever calls ends its client. @throws as `openStageSession` */
  async sessionOf(target: Target): Promise<StageSession> {
    return (await this.#session.outcome()) ?? this.#open(target);
  }

  /** Logs in to a target's ledger. Whoever calls ends the client. @throws as `logInToLedger` */
  async ledgerOf({ settings }: Target): Promise<Client> {
    return (await this.#ledger.outcome()) ?? logInToLedger(settings);
  }

  /** Ends what nobody has asked for. */
  end(): void {
    this.#session.discard(async (session) => session?.client.end());
    this.#ledger.discard(async (client) => client?.end());
  }

  async #onlyTarget(): Promise<Target | null> {
    const { targets, lost } = await this.targets();
    const [only] = targets;
    return only !== undefined && targets.length + lost.length === 1 ? only : null;
  }

  #open({ settings }: Target): Promise<StageSession> {
    return openStageSession(settings, this.terms.limits, this.terms.by);
  }
}

/** A deploy needs the archive's files and no repository around them. */
async function commitOf({ root }: Project): Promise<string | null> {
  try {
    return (await openRepository(root)).head;
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

/** What a deploy is told. */
import type { Ahead } from "../../ahead.js";
import type { Archive } from "../../archive/read.js";
import type { ProjectDatabase } from "../../config/project.js";
import type { Client, ConnectionSettings } from "../../postgres/connection.js";
import type { Limits, StageSession } from "../../stage/connect.js";
import type { KnownExpected } from "../objects/expected.js";
import type { ObjectScripts } from "../objects/scripts.js";
import type { Rehearsal } from "./rehearse.js";

/** How to deploy; the same for all databases of one command. */
export interface DeployTerms {
  /** `plan`: only say what would be done; `dry-run`: rehearse it too. */
  readonly mode: "apply" | "plan" | "dry-run";
  /** The version to go to; the archive's only head unless given. */
  readonly pver: string | undefined;
  /** The id that the plan has to have. */
  readonly planId: string | undefined;
  /** `auto`: where a shadow can be had. */
  readonly rehearse: "auto" | "always" | "never";
  readonly baseline: string | undefined;
  readonly acceptDrift: boolean;
  readonly limits: Limits;
  /** How often a transaction is tried that cannot get a lock. */
  readonly attempts: number;
  /** How long to wait for another deploy of the same database, in milliseconds. */
  readonly patience: number;
  /** Who deploys. */
  readonly by: string;
}

/**
 * Rehearsals of this command by plan and schema: databases that are alike, as the tenants of a fleet are, need one
 * for all of them.
 */
export type Rehearsals = Map<string, Promise<Rehearsal>>;

/** One database to deploy. */
export interface DeployOrder {
  readonly terms: DeployTerms;
  readonly database: ProjectDatabase;
  readonly archive: Archive;
  /** The project's root. */
  readonly root: string;
  /** The commit that the archive is taken from; null where the project lies in no repository. */
  readonly commit: Ahead<string | null>;
  readonly stage: string;
  readonly settings: ConnectionSettings;
  /** Opens the session that the deploy works in, unless that was done ahead. Whoever calls ends its client. */
  readonly openSession: () => Promise<StageSession>;
  /** Logs in to the ledger, unless that was done ahead. Whoever calls ends the client. */
  readonly logInToLedger: () => Promise<Client>;
  /** Whether the stage's name alone leads to the database: not where a URL or a pattern has led to it. */
  readonly isOfStage: boolean;
  readonly progress: (doing: string) => void;
  readonly rehearsals: Rehearsals;
  /** The object scripts of the working tree; null where there are none. */
  readonly scripts: ObjectScripts | null;
  /** What versions with scripts applied to them have to be, of this command. */
  readonly expected: KnownExpected;
}

import type { Version } from "../../archive/versions.js";
import { BlockedError, WovError } from "../../errors.js";
import { sha256 } from "../../files.js";
import { describeConnection } from "../../postgres/connection.js";
import { isAsMade } from "../../postgres/empty.js";
import { type ApplyProgress, applyPlan } from "../../stage/apply.js";
import { openStageSession, type StageSession } from "../../stage/connect.js";
import { type DeployLedger, openDeployLedger, type Position } from "../../stage/deploy-ledger.js";
import { deployFailure } from "../../stage/failures.js";
import { createLedger, openLedger } from "../../stage/ledger.js";
import { lockDatabase } from "../../stage/lock.js";
import { type DeployPlan, makePlan } from "../../stage/plan.js";
import { recover } from "../../stage/recover.js";
import { readLiveSchema, type SchemaText, schemaText } from "../live-schema.js";
import { ObjectsAround } from "../objects/around.js";
import { type ObjectsOutlook, shownOutcome, shownSteps } from "../objects/outlook.js";
import type { DatabaseDeploy, WoStep } from "../results.js";
import { type DeployObjects, decideObjects, scriptsGivenTo } from "./objects.js";
import type { DeployOrder } from "./order.js";
import { decidePath, targetVersion } from "./path.js";
import { type ReadVersion, readVersions } from "./planned.js";
import { type Rehearsal, rehearse } from "./rehearse.js";
import { shownVersions } from "./shown.js";
import { Standing } from "./standing.js";

/**
 * Brings one database to a version.
 *
 * @throws BlockedError, DatabaseError, ConfigError, ArchiveError, StoppedError
 */
export async function deployOne(order: DeployOrder): Promise<DatabaseDeploy> {
  const started = performance.now();
  const { terms, settings } = order;
  // Decided before anything is connected to: a name that the archive does not have needs no server.
  const target = targetVersion(order.archive.versions, terms.pver, order.database.name);
  const what = `${order.database.name} on ${order.stage}`;
  try {
    const session = await openStageSession(settings, terms.limits, terms.by);
    try {
      const deploy = new OneDeploy(order, session, target, what);
      const outcome = terms.mode === "apply" ? await deploy.run() : await deploy.plan();
      return { ...outcome, seconds: Math.round(performance.now() - started) / 1000 };
    } finally {
      await session.client.end();
    }
  } catch (error) {
    throw deployFailure(error, { what, partway: false, attempts: terms.attempts });
  }
}

/** What was decided. */
interface Decision {
  readonly live: SchemaText;
  readonly versions: readonly ReadVersion[];
  readonly from: Version | null;
  /** null where there is nothing to do. */
  readonly plan: DeployPlan | null;
  /** The ids of objects that differed before, and were accepted as they are. */
  readonly drift: ReadonlySet<string>;
  readonly objects: DeployObjects;
}

class OneDeploy {
  readonly #notes: string[] = [];
  readonly #standing: Standing;
  /** As the server calls it. */
  readonly #onServer: string;

  constructor(
    private readonly order: DeployOrder,
    private readonly session: StageSession,
    private readonly target: Version,
    /** Where the database is, in words. */
    private readonly what: string,
  ) {
    const { database, settings } = order;
    this.#onServer = settings.database ?? database.name;
    this.#standing = new Standing(order, what, () => scriptsGivenTo(session.client, order));
  }

  /** Decides, and with `dry-run` rehearses. The stage is only read. */
  async plan(): Promise<DatabaseDeploy> {
    const decision = await this.#decide(await this.#readPosition());
    const { plan } = decision;
    if (plan === null) return this.#outcome("nothing", decision, false);
    const rehearsal = this.order.terms.mode === "dry-run" ? await this.#rehearse(plan, decision) : null;
    const { archive } = this.order;
    const statements = await shownVersions(archive, decision.versions, this.session.serverVersion);
    const { outlook } = decision.objects;
    const objects = outlook === null ? [] : shownSteps(outlook);
    return { ...this.#outcome("planned", decision, rehearsal?.had === true), statements, objects };
  }

  async #readPosition(): Promise<Position | null> {
    const ledger = await openLedger(this.order.settings);
    if (ledger === null) return null;
    const { format } = ledger;
    const version = await ledger.versionOf(this.#onServer);
    await ledger.close();
    if (version === null || format < 2) return version === null ? null : { ...version, partial: null };
    const deploys = await openDeployLedger(this.order.settings);
    try {
      return await deploys.positionOf(this.#onServer);
    } finally {
      await deploys.close();
    }
  }

  async run(): Promise<DatabaseDeploy> {
    const { settings, progress, terms } = this.order;
    await createLedger(settings);
    await lockDatabase(this.session.client, terms.patience, (holder) =>
      progress(`${this.what}: waiting for ${holder}`),
    );
    const ledger = await openDeployLedger(settings);
    try {
      return await this.#runWith(ledger);
    } finally {
      await ledger.close();
    }
  }

  async #runWith(ledger: DeployLedger): Promise<DatabaseDeploy> {
    const { terms } = this.order;
    if (terms.baseline !== undefined) await this.#recordBaseline(terms.baseline, ledger);
    const { intents, steps } = await recover(this.session, ledger, this.#onServer, (meant) =>
      ledger.positionOf(this.#onServer).then((at) => this.#standing.fateByChecksum(meant, at)),
    );
    const recovered = intents + steps > 0;
    const decision = await this.#decide(await ledger.positionOf(this.#onServer));
    const { plan } = decision;
    if (plan === null) return { ...this.#outcome("nothing", decision, false), recovered };
    const rehearsal = await this.#rehearse(plan, decision);
    const objects = await this.#apply(plan, decision, rehearsal, ledger);
    return { ...this.#outcome("applied", decision, rehearsal.had), recovered, objects };
  }

  async #decide(recorded: Position | null): Promise<Decision> {
    const { database, stage, archive, settings, progress, terms, root } = this.order;
    progress(`reading the schema of ${this.what}`);
    const baseline = terms.mode === "apply" ? undefined : terms.baseline;
    const known = baseline === undefined ? null : await readLiveSchema(settings, database);
    const position =
      baseline === undefined || known === null ? recorded : await this.#standing.baseline(baseline, known);
    const pathFrom = (isEmpty: boolean) =>
      decidePath({
        database: database.name,
        stage,
        versions: archive.versions,
        target: this.target,
        position,
        isEmpty,
      });
    // A database that the ledger does not know is empty, or else refused: the deltas are read while the server tells.
    const path = pathFrom(position === null);
    const [live, read] = await Promise.all([
      known ?? this.#liveSchema(position),
      path.versions.length === 0 ? [] : readVersions(archive, path, root),
    ]);
    if (position === null && (await live.canonical()).objects.size > 0) pathFrom(false);
    const partial = position?.partial ?? null;
    const drift =
      partial === null && path.from !== null
        ? await this.#standing.drift(path.from, live, terms.acceptDrift)
        : { ids: new Set<string>(), note: null };
    if (drift.note !== null) this.#notes.push(drift.note);
    const base = { live, from: path.from, drift: drift.ids };
    const objects = await decideObjects(this.order, this.session.client, this.target, read);
    const decided = { ...base, versions: read, objects };
    const { outlook } = objects;
    if (read.length === 0 && (outlook === null || outlook.isNothing)) return { ...decided, plan: null };
    this.#notes.push(...objects.notes);
    const from = path.from === null ? null : { version: path.from.key, versionId: path.from.id };
    const plan = makePlan({ from, to: this.target.key, versions: read, partial, objects: outlook?.key });
    if (terms.planId !== undefined && terms.planId !== plan.id) throw this.#otherPlan(plan);
    return { ...decided, plan };
  }

  /** A database that the ledger does not know is mostly one that was just made, which is quicker to see than to dump. */
  async #liveSchema(position: Position | null): Promise<SchemaText> {
    const { settings, database } = this.order;
    if (position === null && (await isAsMade(this.session.client))) return schemaText("", database.schema);
    return readLiveSchema(settings, database);
  }

  #otherPlan(plan: DeployPlan): BlockedError {
    return new BlockedError(
      "OTHER_PLAN",
      `${this.what}: what would be applied now is not the plan that was asked for.`,
      {
        where: `asked for ${this.order.terms.planId}, now ${plan.id}`,
        hint: `The stage or the archive has changed since. Look at the new plan:\n  wov-deploy ${this.order.database.name} --stage ${this.order.stage} --plan`,
      },
    );
  }

  /** What a person says of the version goes before what was left undecided. */
  async #recordBaseline(named: string, deploys: DeployLedger): Promise<void> {
    const { settings, database, terms } = this.order;
    const live = await readLiveSchema(settings, database);
    const { version, versionId } = await this.#standing.baseline(named, live);
    await deploys.giveUpOpen(this.#onServer);
    const ledger = await openLedger(settings);
    try {
      await ledger?.record({
        database: this.#onServer,
        version,
        versionId,
        event: "baseline",
        by: terms.by,
        commit: terms.commit,
      });
    } finally {
      await ledger?.close();
    }
  }

  async #rehearse(plan: DeployPlan, { versions, live, drift, objects }: Decision): Promise<Rehearsal> {
    const { terms, database, settings, progress } = this.order;
    if (terms.rehearse === "never") return { had: false, reason: "--no-rehearse" };
    if (terms.rehearse === "auto" && terms.mode === "apply" && isItsOwnRehearsal(plan))
      return { had: false, reason: "the database is empty, and all of it is one transaction" };
    const { outlook, accepted } = objects;
    const key = `${database.name} ${plan.id} ${live.sha256} ${outlook === null ? "" : rowsOf(outlook)}`;
    const { rehearsals } = this.order;
    const running =
      rehearsals.get(key) ??
      rehearse({ plan, versions, objects: outlook, database, live, settings, progress });
    rehearsals.set(key, running);
    const rehearsal = await running;
    if (rehearsal.had) {
      await this.#standing.refuseOther(
        this.target,
        rehearsal.schema,
        { drift, ...accepted },
        "The rehearsal, on a shadow, does not lead",
      );
      return rehearsal;
    }
    if (terms.rehearse === "always") {
      throw new BlockedError("NO_REHEARSAL", `${this.what} cannot be rehearsed: ${rehearsal.reason}.`, {
        hint: "Deploy without, and rely on the check before the commit:\n  --no-rehearse",
      });
    }
    this.#notes.push(`not rehearsed: ${rehearsal.reason}`);
    return rehearsal;
  }

  async #apply(
    plan: DeployPlan,
    decision: Decision,
    rehearsal: Rehearsal,
    ledger: DeployLedger,
  ): Promise<WoStep[]> {
    const { terms, database, stage, progress } = this.order;
    const { outlook, accepted } = decision.objects;
    // Asked for while nothing is locked yet.
    if (accepted.scripts !== null && !rehearsal.had && plan.from !== null)
      await this.#standing.expect(this.target, accepted.scripts);
    const around =
      outlook === null
        ? null
        : new ObjectsAround(outlook.scripts, { progress: (id) => progress(`${this.what}: ${id}`) });
    const { by, commit, attempts } = terms;
    const record = {
      database: this.#onServer,
      stage,
      plan: plan.id,
      from: plan.from,
      to: plan.to,
      by,
      commit,
    };
    const deploy = await ledger.begin(record);
    const started = performance.now();
    const verify = async (dump: string) => {
      const schema = schemaText(dump, database.schema);
      if (rehearsal.had && schema.sha256 === rehearsal.schema.sha256) return;
      await this.#standing.refuseOther(
        this.target,
        schema,
        { drift: decision.drift, ...accepted },
        `${this.what}: the deltas do not lead`,
      );
    };
    try {
      await applyPlan(
        plan,
        { session: this.session, ledger, deploy, what: this.what, attempts },
        {
          dump: database.schema,
          verify,
          around,
          progress: (doing) => progress(this.#doing(doing, performance.now() - started)),
        },
      );
    } catch (error) {
      await endDeploy(ledger, deploy, error);
      throw error;
    }
    const outcome = around?.outcome ?? null;
    return outlook === null || outcome === null ? [] : shownOutcome(outcome, outlook.scripts.tree);
  }

  #doing({ number, count, version, where, attempt }: ApplyProgress, elapsed: number): string {
    const again = attempt === 1 ? "" : `, attempt ${attempt}`;
    const step = where === null ? "verifying" : where.split(/[\\/]/).at(-1);
    return `${this.what}: version ${number} of ${count} (${version}), ${step}, ${(elapsed / 1000).toFixed(1)} s${again}`;
  }

  #outcome(
    outcome: DatabaseDeploy["outcome"],
    { plan, from, versions }: Decision,
    rehearsed: boolean,
  ): DatabaseDeploy {
    return {
      database: this.order.database.name,
      stage: this.order.stage,
      target: describeConnection(this.order.settings),
      outcome,
      from: from?.key ?? null,
      to: this.target.key,
      plan: plan?.id ?? null,
      versions: versions.flatMap(({ version, includes }) => [...includes.map((one) => one.version), version]),
      transactions: plan?.segments.filter(({ kind }) => kind === "transaction").length ?? 0,
      statements: [],
      objects: [],
      rehearsed,
      recovered: false,
      seconds: 0,
      notes: this.#notes,
      error: null,
    };
  }
}

/** On an empty database a transaction that is not committed takes nothing from anybody, as a shadow would not. */
function isItsOwnRehearsal({ from, segments }: DeployPlan): boolean {
  return from === null && segments.length === 1 && segments[0]?.kind === "transaction";
}

/** What the stage has recorded of its objects, which a rehearsal begins with. */
function rowsOf({ state }: ObjectsOutlook): string {
  return sha256(JSON.stringify([...state.recorded.values()].map(({ id, md5 }) => [id, md5])));
}

/** Writes a failure into the ledger. Where that fails too, the failure says so; the next deploy finds this one unfinished. */
async function endDeploy(ledger: DeployLedger, deploy: string, failure: unknown): Promise<void> {
  const stopped = failure instanceof WovError && failure.exitStatus === 5;
  try {
    await ledger.end(deploy, stopped ? "stopped" : "failed", messageOf(failure));
  } catch (error) {
    if (!(failure instanceof WovError)) throw error;
    failure.addHint(`The ledger could not be told of this: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

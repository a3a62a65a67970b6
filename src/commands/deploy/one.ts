import { Ahead } from "../../ahead.js";
import type { Version } from "../../archive/versions.js";
import { WovError } from "../../errors.js";
import { describeConnection } from "../../postgres/connection.js";
import { refuseReadOnly, type StageSession } from "../../stage/connect.js";
import { type DeployLedger, openDeployLedger } from "../../stage/deploy-ledger.js";
import { deployFailure } from "../../stage/failures.js";
import { openLedger } from "../../stage/ledger.js";
import { lockDatabase } from "../../stage/lock.js";
import type { Position } from "../../stage/position.js";
import { recover } from "../../stage/recover.js";
import { readLiveSchema } from "../live-schema.js";
import type { DatabaseDeploy } from "../results.js";
import { applyDecided } from "./apply.js";
import { type Decision, decide, fromEmpty, type UnderWay } from "./decide.js";
import type { DeployOrder } from "./order.js";
import { targetVersion } from "./path.js";
import { rehearsalOf } from "./rehearsal.js";
import { Standing } from "./standing.js";

/**
 * Brings one database to a version.
 *
 * @throws BlockedError, DatabaseError, ConfigError, ArchiveError, StoppedError
 */
export async function deployOne(order: DeployOrder): Promise<DatabaseDeploy> {
  const started = performance.now();
  const { terms, database } = order;
  const target = targetVersion(order.archive.versions, terms.pver, database.name);
  const what = `${database.name} on ${order.stage}`;
  try {
    const session = await order.openSession();
    try {
      const one = underWay(order, session, target, what);
      const outcome = terms.mode === "apply" ? await run(one) : await plan(one);
      return { ...outcome, seconds: Math.round(performance.now() - started) / 1000 };
    } finally {
      await session.client.end();
    }
  } catch (error) {
    const failure = deployFailure(error, { what, partway: false, attempts: terms.attempts });
    if (failure instanceof WovError) nameDatabase(failure, order);
    throw failure;
  }
}

/** The commands of a hint name the stage. Without more they would go to another database than the one that it is about. */
function nameDatabase(failure: WovError, { isOfStage, settings }: DeployOrder): void {
  if (isOfStage || !/^ {2}wov/m.test(failure.hint ?? "")) return;
  const { host = "HOST", port = 5432, database = "" } = settings;
  const at = host.startsWith("/") ? "HOST" : host;
  failure.addHint(
    `For this database, each of these commands needs its URL besides:\n  --url postgres://USER@${at}:${port}/${encodeURIComponent(database)}`,
  );
}

function underWay(order: DeployOrder, session: StageSession, target: Version, what: string): UnderWay {
  const { database, settings, scripts } = order;
  const standing = new Standing(order, what, async () => {
    if (scripts === null) return [];
    return (await import("./objects.js")).scriptsGivenTo(session.client, scripts);
  });
  return {
    order,
    session,
    target,
    what,
    onServer: settings.database ?? database.name,
    standing,
    fromEmpty: fromEmpty(order, session, target),
    notes: [],
  };
}

/** Decides, and with `dry-run` rehearses. The stage is only read. */
async function plan(one: UnderWay): Promise<DatabaseDeploy> {
  const { archive, terms } = one.order;
  const decision = await decide(one, await readPosition(one));
  if (decision.plan === null) return outcomeOf(one, "nothing", decision, false);
  const rehearsal = terms.mode === "dry-run" ? await rehearsalOf(one, decision.plan, decision) : null;
  const { shownVersions, shownObjects } = await import("./shown.js");
  const statements = await shownVersions(archive, decision.versions, one.session.serverVersion);
  const objects = shownObjects(decision.objects.outlook);
  return { ...outcomeOf(one, "planned", decision, rehearsal?.had === true), statements, objects };
}

async function readPosition({ order, onServer }: UnderWay): Promise<Position | null> {
  const ledger = await openLedger(order.settings);
  try {
    return (await ledger?.positionOf(onServer)) ?? null;
  } finally {
    await ledger?.close();
  }
}

/** Takes the lock, clears up after earlier deploys, decides, rehearses and applies. */
async function run(one: UnderWay): Promise<DatabaseDeploy> {
  const { settings, progress, terms, logInToLedger } = one.order;
  refuseReadOnly(one.session, settings);
  const opening = new Ahead(() => openDeployLedger(settings, logInToLedger));
  opening.begin();
  try {
    await lockDatabase(one.session.client, terms.patience, (holder) =>
      progress(`${one.what}: waiting for ${holder}`),
    );
    // While the ledger is asked.
    if (one.session.looksAsMade) for (const known of Object.values(one.fromEmpty)) known.begin();
    const ledger = await opening.outcome();
    try {
      return await runWith(one, ledger);
    } finally {
      await ledger.close();
    }
  } finally {
    opening.discard((ledger) => ledger.close());
  }
}

async function runWith(one: UnderWay, ledger: DeployLedger): Promise<DatabaseDeploy> {
  const { order, session, onServer, standing } = one;
  if (order.terms.baseline !== undefined) await recordBaseline(one, order.terms.baseline, ledger);
  const { intents, steps } = await recover(session, ledger, onServer, async (meant) =>
    standing.fateByChecksum(meant, await ledger.positionOf(onServer)),
  );
  const recovered = intents + steps > 0;
  const decision = await decide(one, await ledger.positionOf(onServer));
  if (decision.plan === null) return { ...outcomeOf(one, "nothing", decision, false), recovered };
  const rehearsal = await rehearsalOf(one, decision.plan, decision);
  const objects = await applyDecided(one, decision.plan, decision, rehearsal, ledger);
  return { ...outcomeOf(one, "applied", decision, rehearsal.had), recovered, objects };
}

/** What a person says of the version goes before what was left undecided. */
async function recordBaseline(one: UnderWay, named: string, deploys: DeployLedger): Promise<void> {
  const { order, onServer, standing } = one;
  const { by } = order.terms;
  const commit = await order.commit.outcome();
  const live = await readLiveSchema(order.settings, order.database);
  const { version, versionId } = await standing.baseline(named, live);
  await deploys.giveUpOpen(onServer);
  const ledger = await openLedger(order.settings);
  try {
    await ledger?.record({ database: onServer, version, versionId, event: "baseline", by, commit });
  } finally {
    await ledger?.close();
  }
}

function outcomeOf(
  { order, target, notes }: UnderWay,
  outcome: DatabaseDeploy["outcome"],
  { plan, from, versions }: Decision,
  rehearsed: boolean,
): DatabaseDeploy {
  return {
    database: order.database.name,
    stage: order.stage,
    target: describeConnection(order.settings),
    outcome,
    from: from?.key ?? null,
    to: target.key,
    plan: plan?.id ?? null,
    versions: versions.flatMap(({ version, includes }) => [...includes.map((one) => one.version), version]),
    transactions: plan?.segments.filter(({ kind }) => kind === "transaction").length ?? 0,
    statements: [],
    objects: [],
    rehearsed,
    recovered: false,
    seconds: 0,
    notes,
    error: null,
  };
}

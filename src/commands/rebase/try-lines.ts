/** Trying both orders: mine behind theirs, which is archived, and theirs behind mine, which the database gets. */
import { relative } from "node:path";
import type { RebasedVersion } from "../../archive/rebase.js";
import { BlockedError } from "../../errors.js";
import { ShadowServers } from "../../postgres/shadow-servers.js";
import type { SchemaDiff } from "../../schema/index.js";
import { changeLines } from "../change-text.js";
import { compareSchemas } from "../compare.js";
import { archivedSchemaText, type DatabaseState, type LiveDatabase } from "../database-state.js";
import { type SchemaText, schemaText } from "../live-schema.js";
import { changesOf } from "../object-changes.js";
import type { Session } from "../session.js";
import type { VersionDeltas } from "./deltas-run.js";
import type { ReadLines } from "./lines.js";
import { findStart, type LocalPlan, type StartingPoint } from "./local.js";
import { explainClash, type TrialPlace, type TrialStart, trialServer, trySchemas } from "./trial.js";

export interface TryRequest {
  readonly session: Session;
  readonly state: DatabaseState;
  readonly live: LiveDatabase;
  readonly lines: ReadLines;
  /** Where is noted what an unfinished run has done to the database. */
  readonly note: string;
}

/** What the trials gave. */
export interface Tried {
  /** My versions with the schemas that they have behind the other line. */
  readonly mine: readonly RebasedVersion[];
  /** What the database lacks. */
  readonly local: LocalPlan;
}

/** @throws BlockedError `LINES_CLASH`, `ORDER_MATTERS`, `LOCAL_DRIFT`; nothing was changed then */
export async function tryLines(request: TryRequest): Promise<Tried> {
  const { session, state, live, lines } = request;
  const [mine, theirs] = [lines.mine.map(({ deltas }) => deltas), lines.theirs.map(({ deltas }) => deltas)];
  const pending = pendingOf(request);
  const servers = new ShadowServers();
  try {
    const server = await trialServer(servers, live.connection, [...theirs, ...mine, ...pending]);
    const place: TrialPlace = { server, database: state.database };
    const names = namesOf(lines);
    session.progress(`trying ${names.mine} behind ${names.theirs} on a shadow`);
    const clash = {
      message: `${names.mine} does not go behind ${names.theirs}. Nothing was changed.`,
      hint: rewriting(request),
    };
    const end = startAt(request, lines.theirs);
    const behind = await explainClash(clash, () => trySchemas(place, end, [...mine, ...pending]));
    const local = await findLocal(request, place, behind);
    return {
      mine: await Promise.all(lines.mine.map((_, index) => rebased(request, index, behind[index]))),
      local,
    };
  } finally {
    await servers.close();
  }
}

/** `Version 1.1.0` or `The line 1.1.0, 1.2.0`, for messages. */
function namesOf({ mine, theirs }: ReadLines): { mine: string; theirs: string } {
  const list = (line: ReadLines["mine"]) => line.map(({ version }) => version.key).join(", ");
  return { mine: list(mine), theirs: list(theirs) };
}

/** The end of a line as it was archived. */
function startAt({ state }: TryRequest, line: ReadLines["mine"]): TrialStart {
  const last = line.at(-1);
  if (last === undefined) throw new RangeError("there is a version on each line");
  return { name: `${last.version.key}.schema`, schema: schemaText(last.schema, state.database.schema) };
}

/** Pending deltas are in the database already; they stay pending. */
function pendingOf({ session, state }: TryRequest): VersionDeltas[] {
  if (state.pending === null) return [];
  const file = relative(session.project.root, state.database.paths.pendingDeltas);
  return [{ id: "pending", key: "the pending deltas", file, content: state.pending.content }];
}

async function rebased(
  { state, lines }: TryRequest,
  index: number,
  schema: SchemaText | undefined,
): Promise<RebasedVersion> {
  const line = lines.mine[index];
  if (line === undefined || schema === undefined)
    throw new RangeError("there is a schema after each version");
  const { checksum, form } = await schema.canonical();
  return {
    version: line.version,
    deltas: line.deltas.content,
    schema: { text: schema.text, checksum, form, settings: state.database.schema },
  };
}

/**
 * Finds out what the database lacks. It has my line, as its ledger says, unless its owner has taken that back by
 * hand since; then it is looked for at the other places on the way.
 *
 * @param behind the schemas behind the other line: after each version of mine, and after the pending deltas
 */
async function findLocal(
  request: TryRequest,
  place: TrialPlace,
  behind: readonly SchemaText[],
): Promise<LocalPlan> {
  const { session, state, live, lines, note } = request;
  const pending = pendingOf(request);
  const [mine, theirs] = [lines.mine.map(({ deltas }) => deltas), lines.theirs.map(({ deltas }) => deltas)];
  const own = startAt(request, lines.mine.slice(0, lines.reached));
  const [ownAndPending = own.schema] = await trySchemas(place, own, pending);
  const todo = [...theirs, ...mine.slice(lines.reached)];
  const [end, endWithPending] = [at(behind, mine.length - 1), at(behind, behind.length - 1)];
  const ownPoints: StartingPoint[] = [
    { name: "mine and pending", schema: ownAndPending, todo, end: endWithPending },
    { name: "mine", schema: own.schema, todo, end },
  ];
  const points: StartingPoint[] = [
    ...ownPoints,
    { name: "end and pending", schema: endWithPending, todo: [], end: endWithPending },
    { name: "end", schema: end, todo: [], end },
    { name: "theirs", schema: startAt(request, lines.theirs).schema, todo: mine, end },
    {
      name: "parting",
      schema: await archivedSchemaText(state, lines.parting.key),
      todo: [...theirs, ...mine],
      end,
    },
  ];
  const found = await findStart(points, live.schema, {
    settings: live.connection,
    note,
    progress: session.progress,
  });
  if (found === null) throw await drifted(request, ownAndPending);
  if (found.done === 0 && ownPoints.includes(found.start)) {
    const { name } = own;
    await tryOtherOrder(request, place, { name, schema: found.start.schema }, found.start);
  }
  return found;
}

function at(schemas: readonly SchemaText[], index: number): SchemaText {
  const schema = schemas[index];
  if (schema === undefined) throw new RangeError("there is a schema after each version");
  return schema;
}

/** The database has mine already, so that it gets theirs on top. That must come to the same. */
async function tryOtherOrder(
  request: TryRequest,
  place: TrialPlace,
  start: TrialStart,
  { todo, end }: StartingPoint,
): Promise<void> {
  const { session, state, lines, live } = request;
  const names = namesOf(lines);
  const { database } = state;
  session.progress(`trying ${names.theirs} behind ${names.mine} on a shadow`);
  const message = `${database.name} on ${session.stage} has ${names.mine} already, and ${names.theirs} on top of that`;
  const hint = takingBack(request);
  const clash = { message: `${message} does not go. Nothing was changed.`, hint };
  const tried = await explainClash(clash, () => trySchemas(place, start, todo, 1));
  const { differs, diff } = await compareSchemas(end, at(tried, 0), {
    near: live.connection,
    progress: session.progress,
  });
  if (!differs) return;
  throw new BlockedError(
    "ORDER_MATTERS",
    [
      `${message} comes to another schema than the other way round. Nothing was changed.`,
      ...changeLines(changesOf(diff)),
    ].join("\n"),
    { hint: isColumnOrder(diff) ? `${hint}\n${LEAVING_ORDER_OUT}` : hint },
  );
}

const LEAVING_ORDER_OUT =
  'Or let the order of columns be no part of the schema, in wovtools/config.json: "schema": { "columnOrder": false }';

function isColumnOrder({ added, changed, dropped }: SchemaDiff): boolean {
  const details = changed.flatMap((change) => change.details);
  return (
    added.length + dropped.length === 0 &&
    details.every((detail) => detail.startsWith("column order changed"))
  );
}

/** Once the database is where the lines parted, or at the end of theirs, the order in it is the archive's. */
function takingBack({ state, lines }: TryRequest): string {
  const { name } = state.database;
  return `Take back in the database what ${namesOf(lines).mine} did, so that it has the schema of ${lines.parting.key} again, and run this again; it then gets both lines in the archive's order:\n  wov diff ${name}@${lines.parting.key} ${name}\n  wov-db ${name} --rebase`;
}

function rewriting({ state, lines }: TryRequest): string {
  const { name } = state.database;
  return `The deltas of ${namesOf(lines).mine} have to be written anew. Take back the commit that archived them (git revert), and in the database what they did; bring it to ${lines.onto.key}, and archive what goes with that:\n  wov diff ${name}@${lines.parting.key} ${name}\n  wov-db ${name} --wdb-deltas\n  wov-push-db ${name}`;
}

async function drifted({ session, state, live, lines }: TryRequest, own: SchemaText): Promise<BlockedError> {
  const { name } = state.database;
  const { diff } = await compareSchemas(own, live.schema, {
    near: live.connection,
    progress: session.progress,
  });
  return new BlockedError(
    "LOCAL_DRIFT",
    [
      `${name} on ${session.stage} is not as its line has it, ${namesOf(lines).mine}${state.pending === null ? "" : " and the pending deltas"}:`,
      ...changeLines(changesOf(diff)),
    ].join("\n"),
    {
      hint: `Have these changes written into the pending deltas, or take them back:\n  wov-db ${name} --wdb-deltas`,
    },
  );
}

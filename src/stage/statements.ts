/** Running a plan's statements, on the stage as on a shadow. */
import type { Client } from "../postgres/connection.js";
import type { StageSession } from "./connect.js";
import { StatementFailure } from "./failures.js";
import type { OutsideTarget } from "./outside-work.js";
import { type DeployPlan, type Part, type PlannedStatement, type Segment, settingsBefore } from "./plan.js";
import { checkPutOff, mayPutOff } from "./put-off.js";
import { asOne, inQueries, PartsQuery, type Teller } from "./query.js";

/** What is done beside the statements, in their transactions; each finds the session's settings fresh. */
export interface AroundStatements {
  /** Before the statements of a part. */
  before(part: Part, client: Client): Promise<void>;
  /** After the last statement of the plan. */
  after(client: Client): Promise<void>;
}

type Session = Pick<StageSession, "client" | "fresh">;

/** Runs the parts of a transaction that is open, with what belongs around them, up to the point of committing. */
export async function runSegment(
  { segments }: DeployPlan,
  segment: Segment,
  session: Session,
  tell: Teller,
  around: AroundStatements | null,
): Promise<Map<Part, number>> {
  const { client, fresh } = session;
  const took = new Map<Part, number>();
  const checksEach = segment.parts.length > 1 && (await mayPutOff(statementsOf(segment), client));
  // What is done before a part, or at its end, is decided by what is in the database then.
  const isOneByOne = around !== null || checksEach;
  const queries = isOneByOne ? segment.parts.map((part) => [part]) : inQueries(segment.parts);
  for (const parts of queries) {
    const [first] = parts;
    if (around !== null && first !== undefined) {
      await client.query(asOne(fresh));
      await around.before(first, client);
    }
    for (const [part, ms] of await runQuery(parts, session, tell)) took.set(part, ms);
    const last = parts.at(-1);
    if (checksEach && last !== segment.parts.at(-1)) await atEndOf(last, checkPutOff(client));
  }
  // What was put off is checked while it can still be told where.
  await atEndOf(segment.parts.at(-1), client.query(asOne([...fresh, "SET CONSTRAINTS ALL IMMEDIATE"])));
  if (segment === segments.at(-1)) await around?.after(client);
  return took;
}

function statementsOf({ parts }: Segment): PlannedStatement[] {
  return parts.flatMap(({ version, from, to }) => version.statements.slice(from, to));
}

/**
 * Runs parts in a transaction that is open. Their statements go to the server as one query.
 *
 * @returns how long each took, in milliseconds
 * @throws StatementFailure
 */
export async function runQuery(
  parts: readonly Part[],
  { client, fresh }: Session,
  tell: Teller,
): Promise<ReadonlyMap<Part, number>> {
  const query = new PartsQuery(parts, fresh, tell);
  if (query.text === "") return new Map();
  const { connection } = client;
  connection.on("commandComplete", query.completed);
  try {
    await client.query(query.text);
  } catch (reason) {
    throw query.failure(reason);
  } finally {
    connection.off("commandComplete", query.completed);
  }
  return query.ended();
}

/** Waits for a statement; a failure says which one it was. @throws StatementFailure */
export async function asStatement(
  place: StatementFailure["place"],
  running: Promise<unknown>,
): Promise<void> {
  try {
    await running;
  } catch (error) {
    throw new StatementFailure(place, error);
  }
}

/** Waits for what belongs to the end of a part; a failure names its last statement. @throws StatementFailure */
async function atEndOf(part: Part | undefined, running: Promise<unknown>): Promise<void> {
  const version = part?.version;
  const statement = version?.statements.at(-1);
  if (version === undefined || statement === undefined) await running;
  else await asStatement({ version, statement }, running);
}

/** These never hold up anybody's reading or writing, however long they wait themselves. */
const PATIENT: ReadonlySet<OutsideTarget["kind"]> = new Set([
  "createIndex",
  "dropIndex",
  "reindex",
  "detach",
]);

/** Makes the session ready for the statement of a segment outside of transactions. */
export async function prepareOutside(
  { parts: [part] }: Segment,
  { client, fresh }: Session,
): Promise<{ part: Part; statement: PlannedStatement; target: OutsideTarget }> {
  const statement = part?.version.statements[part.from];
  if (part === undefined || !statement?.outside) throw new RangeError("an outside segment has one statement");
  await client.query(asOne([...fresh, ...settingsBefore(part)]));
  if (PATIENT.has(statement.outside.kind)) await client.query("SET lock_timeout = 0");
  return { part, statement, target: statement.outside };
}

/**
 * Carries out a plan on a database that is thrown away: nothing is recorded, nothing tried twice.
 *
 * @throws StatementFailure
 */
export async function tryPlan(
  plan: DeployPlan,
  client: Client,
  tell: Teller,
  around: AroundStatements | null = null,
): Promise<void> {
  const session = { client, fresh: ["RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL"] };
  for (const segment of plan.segments) {
    if (segment.kind === "outside") {
      const { part, statement } = await prepareOutside(segment, session);
      tell(part, part.from);
      await asStatement({ version: part.version, statement }, client.query(statement.text));
      continue;
    }
    await client.query("BEGIN");
    await runSegment(plan, segment, session, tell, around);
    await client.query("COMMIT");
  }
}

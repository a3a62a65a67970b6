/** Running a plan's statements, on the stage as on a shadow. */
import type { Client } from "../postgres/connection.js";
import type { StageSession } from "./connect.js";
import { StatementFailure } from "./failures.js";
import type { OutsideTarget } from "./outside-work.js";
import { type DeployPlan, type Part, type PlannedStatement, type Segment, settingsBefore } from "./plan.js";

/** Told before each statement, by its number in the part's version; null where the schema is verified. */
export type Teller = (part: Part, number: number | null) => void;

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
  for (const part of segment.parts) {
    if (around !== null) {
      await client.query(asOne(fresh));
      await around.before(part, client);
    }
    took.set(part, await runPart(part, session, tell));
  }
  await checkDeferred(segment, session);
  if (segment === segments.at(-1)) await around?.after(client);
  return took;
}

/**
 * Runs a part in a transaction that is open. Its statements go to the server as one query, whose answers tell how
 * far it has come.
 *
 * @returns how long it took, in milliseconds
 * @throws StatementFailure
 */
export async function runPart(part: Part, { client, fresh }: Session, tell: Teller): Promise<number> {
  const started = performance.now();
  const { version, from, to } = part;
  const statements = version.statements.slice(from, to);
  if (statements.length === 0) return 0;
  tell(part, from);
  const before = [...fresh, ...settingsBefore(part)];
  let done = -before.length;
  const { connection } = client;
  const onComplete = () => {
    done += 1;
    if (done > 0 && done < statements.length) tell(part, from + done);
  };
  connection.on("commandComplete", onComplete);
  const texts = [...before, ...statements.map(({ text }) => text)];
  try {
    await client.query(asOne(texts));
  } catch (reason) {
    // A statement of an archived schema, which is one text, is not counted by itself.
    const index = Math.min(Math.max(done, 0), statements.length - 1);
    const statement = statements[index];
    if (statement === undefined) throw reason;
    throw new StatementFailure(
      { version, statement },
      reason,
      lengthOf(asOne([...texts.slice(0, before.length + index), ""])),
    );
  } finally {
    connection.off("commandComplete", onComplete);
  }
  return performance.now() - started;
}

/** A statement may end with a comment, so each semicolon stands in a line of its own. */
function asOne(statements: readonly string[]): string {
  return statements.join("\n;\n");
}

/** In characters, as the server counts. */
function lengthOf(sql: string): number {
  return [...sql].length;
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

/** Constraints that were put off to the end of the transaction are checked while it can still be told where. */
async function checkDeferred({ parts }: Segment, { client, fresh }: Session): Promise<void> {
  const version = parts.at(-1)?.version;
  const statement = version?.statements.at(-1);
  const checking = client.query(asOne([...fresh, "SET CONSTRAINTS ALL IMMEDIATE"]));
  if (version === undefined || statement === undefined) await checking;
  else await asStatement({ version, statement }, checking);
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

/** Running a plan's statements, on the stage as on a shadow. */
import type { Client } from "../postgres/connection.js";
import type { StageSession } from "./connect.js";
import { StatementFailure } from "./failures.js";
import type { OutsideTarget } from "./outside-work.js";
import { type DeployPlan, type Part, type PlannedStatement, type Segment, settingsBefore } from "./plan.js";

/** Told before each statement, by its number in the part's version; null where the schema is verified. */
export type Teller = (part: Part, number: number | null) => void;

type Session = Pick<StageSession, "client" | "fresh">;

/** Runs a part in a transaction that is open. @returns how long it took, in milliseconds */
export async function runPart(part: Part, { client, fresh }: Session, tell: Teller): Promise<number> {
  const started = performance.now();
  const { version, from, to } = part;
  if (to > from) await client.query([fresh, ...settingsBefore(part)].join(";\n"));
  for (let number = from; number < to; number++) {
    const statement = version.statements[number];
    if (statement === undefined) continue;
    tell(part, number);
    await asStatement({ version, statement }, client.query(statement.text));
  }
  return performance.now() - started;
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
export async function checkDeferred({ parts }: Segment, { client, fresh }: Session): Promise<void> {
  const version = parts.at(-1)?.version;
  const statement = version?.statements.at(-1);
  const checking = client.query(`${fresh};\nSET CONSTRAINTS ALL IMMEDIATE`);
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
  for (const sql of [fresh, ...settingsBefore(part)]) await client.query(sql);
  if (PATIENT.has(statement.outside.kind)) await client.query("SET lock_timeout = 0");
  return { part, statement, target: statement.outside };
}

/**
 * Carries out a plan on a database that is thrown away: nothing is recorded, nothing tried twice.
 *
 * @throws StatementFailure
 */
export async function tryPlan(plan: DeployPlan, client: Client, tell: Teller): Promise<void> {
  const session = { client, fresh: "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL" };
  for (const segment of plan.segments) {
    if (segment.kind === "outside") {
      const { part, statement } = await prepareOutside(segment, session);
      tell(part, part.from);
      await asStatement({ version: part.version, statement }, client.query(statement.text));
      continue;
    }
    await client.query("BEGIN");
    for (const part of segment.parts) await runPart(part, session, tell);
    await checkDeferred(segment, session);
    await client.query("COMMIT");
  }
}

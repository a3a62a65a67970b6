/** Bringing the database itself to the line on which mine comes behind theirs. */
import { BlockedError } from "../../errors.js";
import { type ConnectionSettings, withClient } from "../../postgres/connection.js";
import { compareSchemas } from "../compare.js";
import type { SchemaText } from "../live-schema.js";
import { readSegments, runSegment, type VersionDeltas } from "./deltas-run.js";
import { databaseIdentity, type Intent, readIntent, segmentsDone, writeIntent } from "./intent.js";

/** A state that the database may be in, and what leads from there to the end. */
export interface StartingPoint {
  /** For the note of what is done. */
  readonly name: string;
  readonly schema: SchemaText;
  readonly todo: readonly VersionDeltas[];
  /** The schema that the database has to have in the end. */
  readonly end: SchemaText;
}

export interface LocalPlace {
  readonly settings: ConnectionSettings;
  /** Where is noted what is done. */
  readonly note: string;
  readonly progress: (doing: string) => void;
}

/** What is still to be done to the database. */
export interface LocalPlan {
  readonly start: StartingPoint;
  /** Segments that an earlier run has committed. */
  readonly done: number;
}

/**
 * Finds which of some states the database is in: the one that an unfinished run began from, or else the first one
 * whose schema it has.
 *
 * @returns null where it is in none
 */
export async function findStart(
  points: readonly StartingPoint[],
  live: SchemaText,
  { settings, note, progress }: LocalPlace,
): Promise<LocalPlan | null> {
  const intent = await readIntent(note, settings);
  const begun = points.find(({ name, todo }) => name === intent?.from && sameIds(todo, intent.versions));
  if (intent !== null && begun !== undefined) {
    const done = await segmentsDone(intent, note, settings);
    if (done > 0) return { start: begun, done };
  }
  for (const start of points) {
    const options = { near: settings, verdictOnly: true, progress };
    if (!(await compareSchemas(start.schema, live, options)).differs) return { start, done: 0 };
  }
  return null;
}

function sameIds(todo: readonly VersionDeltas[], ids: readonly string[]): boolean {
  return todo.length === ids.length && todo.every(({ id }, index) => id === ids[index]);
}

/**
 * Carries out what is still to be done. A transaction that fails is taken back whole.
 *
 * @throws BlockedError `LINES_CLASH` with the statement that fails
 */
export async function bringThere({ start, done }: LocalPlan, place: LocalPlace): Promise<void> {
  const { settings, note } = place;
  const segments = await readSegments(start.todo);
  const database = await databaseIdentity(settings);
  const noted = (change: Pick<Intent, "done"> & Partial<Intent>): Promise<void> =>
    writeIntent(note, {
      wovtoolsrebase: "1",
      database,
      from: start.name,
      versions: start.todo.map(({ id }) => id),
      xid: null,
      outside: false,
      ...change,
    });
  await withClient(settings, async (client) => {
    for (const [index, segment] of segments.entries()) {
      if (index < done) continue;
      if (!segment.transaction) await noted({ done: index, outside: true });
      const end = async () => {
        if (!segment.transaction) return;
        const { rows } = await client.query<{ xid: string }>(
          "SELECT pg_catalog.pg_current_xact_id()::text AS xid",
        );
        await noted({ done: index, xid: rows[0]?.xid ?? null });
      };
      try {
        await runSegment(client, segment, { end });
      } catch (error) {
        // The server has said no, so it is known that the statement was not done.
        if (error instanceof BlockedError) await noted({ done: index });
        throw error;
      }
      await noted({ done: index + 1 });
    }
  });
}

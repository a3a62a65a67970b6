/** What a deploy applies, as a value. Pure. */
import { sha256 } from "../files.js";
import type { Progress } from "./deploy-ledger.js";
import type { OutsideTarget } from "./outside-work.js";
import type { Partial } from "./position.js";

/** One statement of a plan. */
export interface PlannedStatement {
  readonly text: string;
  /** Where it stands in its file, counted from 1. */
  readonly line: number;
  /** Set where the server refuses it inside a transaction. */
  readonly outside: OutsideTarget | null;
  /** It uses what the server lets nobody use before the transaction is over in which it was made. */
  readonly afterCommit: boolean;
  /** It changes settings of the session, which the rest of its version relies on. */
  readonly setsSession: boolean;
}

/** What is applied for one version, and what is recorded then. */
export interface PlannedVersion {
  readonly version: string;
  readonly versionId: string;
  /** SHA-256 of the deltas; null for a root. */
  readonly deltas: string | null;
  /** Relative to the project, for messages. */
  readonly file: string;
  /** `loaded`: the statements are an archived schema, in one text. */
  readonly how: "applied" | "loaded";
  readonly statements: readonly PlannedStatement[];
  /** Earlier versions that an archived schema brings along, oldest first. */
  readonly includes: readonly {
    readonly version: string;
    readonly versionId: string;
    readonly deltas: string | null;
  }[];
}

/** Some statements of one version, one after another. */
export interface Part {
  readonly version: PlannedVersion;
  /** The number of its first statement, from 0, and of the one after its last. */
  readonly from: number;
  readonly to: number;
}

/** What is carried out at once: in one transaction, or one statement outside of any. */
export interface Segment {
  readonly kind: "transaction" | "outside";
  readonly parts: readonly Part[];
}

export interface DeployPlan {
  /** SHA-256 over what it applies: the same id is the same work on the same state. */
  readonly id: string;
  /** null for an empty database. */
  readonly from: string | null;
  readonly to: string;
  readonly versions: readonly PlannedVersion[];
  readonly segments: readonly Segment[];
}

/**
 * Makes the plan of a deploy.
 *
 * @param request.partial where an earlier deploy stopped within the first version: its statements up to there are
 *   left out
 * @param request.objects what is done about the objects after the last statement, in some words that differ where it
 *   does; it takes a transaction even where there is no version
 */
export function makePlan(request: {
  readonly from: { readonly version: string; readonly versionId: string } | null;
  readonly to: string;
  readonly versions: readonly PlannedVersion[];
  readonly partial: Partial | null;
  readonly objects?: string | null | undefined;
}): DeployPlan {
  const { from, to, versions, partial, objects = null } = request;
  const cut = cutIntoSegments(versions, partial?.statements ?? 0);
  const segments: readonly Segment[] =
    cut.length === 0 && objects !== null ? [{ kind: "transaction", parts: [] }] : cut;
  const shape = segments.map(({ kind, parts }) => [
    kind,
    parts.map((part) => [part.version.versionId, part.version.how, part.from, part.to]),
  ]);
  const about = objects === null ? [] : [objects];
  const id = sha256(`wovtools plan 1\n${JSON.stringify([from?.versionId ?? null, shape, ...about])}`);
  return { id, from: from?.version ?? null, to, versions, segments };
}

/** As few segments as can be: a transaction ends only where a statement forces it to. */
function cutIntoSegments(versions: readonly PlannedVersion[], skip: number): Segment[] {
  const segments: Segment[] = [];
  let open: Part[] = [];
  const close = () => {
    if (open.length > 0) segments.push({ kind: "transaction", parts: open });
    open = [];
  };
  for (const [index, version] of versions.entries()) {
    let from = index === 0 ? skip : 0;
    const upTo = (to: number) => {
      // The end of a version always belongs to a transaction, even where nothing is left to run: it is recorded there.
      if (to > from || to === version.statements.length) open.push({ version, from, to });
      from = to;
    };
    for (const [number, { outside, afterCommit }] of version.statements.entries()) {
      if (number < from) continue;
      if (outside === null && !afterCommit) continue;
      if (number > from) upTo(number);
      close();
      if (outside === null) continue;
      segments.push({ kind: "outside", parts: [{ version, from: number, to: number + 1 }] });
      from = number + 1;
    }
    upTo(version.statements.length);
  }
  close();
  return segments;
}

/** The settings of the session that a part relies on: those that earlier statements of its version have made. */
export function settingsBefore({ version, from }: Part): string[] {
  return version.statements
    .slice(0, from)
    .filter(({ setsSession }) => setsSession)
    .map(({ text }) => text);
}

/**
 * What a segment brings the database.
 *
 * @param took milliseconds by part
 */
export function progressOf(plan: DeployPlan, segment: Segment, took: ReadonlyMap<Part, number>): Progress {
  const completed: Progress["completed"] = [];
  let partial: Partial | null = null;
  for (const part of segment.parts) {
    const { version, versionId, deltas, how, statements, includes } = part.version;
    if (segment.kind === "outside" || part.to < statements.length) {
      partial = { version, versionId, statements: part.to };
      continue;
    }
    for (const earlier of includes) completed.push({ ...earlier, how, tookMs: 0 });
    completed.push({ version, versionId, deltas, how, tookMs: Math.round(took.get(part) ?? 0) });
  }
  return { completed, partial, finishes: segment === plan.segments.at(-1) };
}

/** Writing deltas: what leads from one schema to another, as statements that were seen to work. */
import { asDrawn, remakesColumns, sparingRows, tablesRemade } from "../../deltas/write/careful.js";
import type { OpenDifference, WrittenStatement } from "../../deltas/write/written.js";
import { plainly } from "../../deltas/write/written.js";
import { BlockedError } from "../../errors.js";
import type { ShadowServer } from "../../postgres/shadow.js";
import type { SchemaDiff } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { excerpt } from "../../stage/failures.js";
import type { SchemaText } from "../live-schema.js";
import { Bench } from "./bench.js";
import { Draft } from "./draft.js";
import { planDifference, type RenameCandidate, readFacts } from "./library.js";
import { rebuildAttempt, tablesToRebuild } from "./rebuilds.js";
import { workOff } from "./remainder.js";
import { Standing } from "./standing.js";

export interface WriteRequest {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Statements that are written already: what is written goes behind them. */
  readonly pending: readonly { readonly sql: string }[];
  readonly server: ShadowServer;
  readonly parser: Parser;
  /** Which of the possible renames are meant. */
  readonly chooseRenames: (candidates: readonly RenameCandidate[]) => Promise<readonly RenameCandidate[]>;
  readonly progress: (doing: string) => void;
}

/** What was written. */
export interface Written {
  readonly statements: readonly WrittenStatement[];
  /** Differences that no statement was found for. */
  readonly open: readonly OpenDifference[];
  /** Possible renames that were not taken. */
  readonly renames: readonly RenameCandidate[];
}

/**
 * Writes what leads from one schema to another behind the pending statements.
 *
 * @throws BlockedError `SHADOW_REFUSED` where the server cannot load one of the schemas; `PENDING_REFUSED`
 */
export async function writeDeltas(request: WriteRequest): Promise<Written> {
  const { from, to, pending, server, parser, progress } = request;
  progress("loading both schemas into shadows");
  const sources = { from, to, pending: pending.map(({ sql }) => sql).join(";\n") };
  const bench = await Bench.open(server, sources, parser);
  try {
    return await write(bench, request);
  } finally {
    await bench.close();
  }
}

/**
 * Tables that cannot be altered to what they are to be are known for certain only at the end. Then all begins anew, and
 * they come first, so that nothing is done to them that is not needed.
 */
async function write(bench: Bench, request: WriteRequest): Promise<Written> {
  let rebuilt: ReadonlySet<string> = new Set();
  for (;;) {
    const { written, toRebuild } = await writeOnce(bench, request, rebuilt);
    const more = toRebuild.filter((id) => !rebuilt.has(id));
    if (more.length === 0) return written;
    rebuilt = new Set([...rebuilt, ...more]);
    await bench.startAnew();
  }
}

async function writeOnce(
  bench: Bench,
  { parser, pending, from, to, progress }: WriteRequest,
  rebuilt: ReadonlySet<string>,
): Promise<{ readonly written: Written; readonly toRebuild: readonly string[] }> {
  const draft = new Draft(bench);
  const standing = new Standing(bench, to);
  const rebuild = async () => {
    const attempt = await rebuildAttempt(rebuilt, await standing.look(), standing, parser);
    return attempt !== null && (await draft.add([attempt])) > 0;
  };
  await runPending(bench, pending);
  const isRebuilt = rebuilt.size === 0 || (await rebuild());
  progress("asking what differs");
  const plan = await planDifference(
    await readFacts(bench.work),
    await readFacts(bench.target),
    from.settings,
  );
  const { statements, renames } = plan ?? { statements: [], renames: [] };
  const toRebuild = tablesRemade(statements).filter((id) => !rebuilt.has(id));
  if (toRebuild.length > 0) return { written: NOTHING, toRebuild };
  await draft.add(
    isRebuilt && !remakesColumns(statements)
      ? asDrawn(statements)
      : sparingRows(
          statements,
          isRebuilt ? new Set() : rebuilt,
          { from: (await standing.look()).schema, to: await to.canonical() },
          parser,
        ),
  );
  // What they are made of may have been missing before.
  if (!isRebuilt) await rebuild();
  progress("looking what is left");
  const { left } = await workOff(draft, standing, parser);
  return {
    written: { statements: draft.statements, open: openIn(left, draft.reasons), renames },
    toRebuild: tablesToRebuild(left),
  };
}

const NOTHING: Written = { statements: [], open: [], renames: [] };

/** What a deploy would refuse is refused here. */
async function runPending(bench: Bench, pending: WriteRequest["pending"]): Promise<void> {
  const attempts = pending.map(({ sql }) => ({ about: excerpt(sql), ways: [[plainly(sql)]] }));
  const [first] = (await bench.runInOrder(attempts)).refused;
  if (first === undefined) return;
  throw new BlockedError("PENDING_REFUSED", `A pending statement does not run: ${first.reason}.`, {
    where: first.attempt.about,
    hint: "Mend it, or take it away: what it was to do is written anew.",
  });
}

function openIn(
  { added, changed, dropped }: SchemaDiff,
  reasons: ReadonlyMap<string, string>,
): OpenDifference[] {
  const why = (id: string) => reasons.get(id) ?? null;
  return [
    ...dropped.map(({ id }) => ({ id, change: "dropped" as const, details: [], why: why(id) })),
    ...changed.map(({ after: { id }, details }) => ({
      id,
      change: "changed" as const,
      details,
      why: why(id),
    })),
    ...added.map(({ id }) => ({ id, change: "added" as const, details: [], why: why(id) })),
  ];
}

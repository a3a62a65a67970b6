/** Writing deltas: what leads from one schema to another, as statements that were seen to work. */
import {
  asDrawn,
  type DrawnStatement,
  remakesColumns,
  sparingRows,
  tablesRemade,
} from "../../deltas/write/careful.js";
import { type OpenDifference, onlyBy, plainly, type WrittenStatement } from "../../deltas/write/written.js";
import { BlockedError } from "../../errors.js";
import type { ShadowServer } from "../../postgres/shadow-servers.js";
import type { SchemaDiff } from "../../schema/index.js";
import type { Parser } from "../../schema/parser.js";
import { excerpt } from "../../stage/failures.js";
import type { SchemaText } from "../live-schema.js";
import { Draft } from "./draft.js";
import { type LibraryPlan, planDifference, readFacts } from "./library.js";
import { rebuildAttempts, tablesToRebuild } from "./rebuilds.js";
import { workOff } from "./remainder.js";
import { likelyRenames, type RenameCandidate, RenameChooser, type RenameOptions } from "./renames.js";
import { withSaferWays } from "./safer.js";
import { Standing } from "./standing.js";
import { TrialShadows } from "./trial-shadows.js";

export interface WriteRequest {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Statements that are written already: what is written goes behind them. */
  readonly pending: readonly { readonly sql: string }[];
  readonly server: ShadowServer;
  readonly parser: Parser;
  readonly renames: RenameOptions;
  /** Whether the safer ways are written, which hold up nobody for long. */
  readonly online: boolean;
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
  const shadows = await TrialShadows.open(server, sources, parser);
  try {
    return await write(shadows, request);
  } finally {
    await shadows.close();
  }
}

/**
 * Tables that cannot be altered to what they are to be are known for certain only at the end. Then all begins anew, and
 * they come first, so that nothing is done to them that is not needed.
 */
async function write(shadows: TrialShadows, request: WriteRequest): Promise<Written> {
  const chooser = new RenameChooser(request.renames);
  let rebuilt: ReadonlySet<string> = new Set();
  for (;;) {
    const { written, toRebuild } = await new Writer(shadows, request, chooser, rebuilt).write();
    const more = toRebuild.filter((id) => !rebuilt.has(id));
    if (more.length === 0) return written;
    rebuilt = new Set([...rebuilt, ...more]);
    await shadows.startAnew();
  }
}

interface Outcome {
  readonly written: Written;
  readonly toRebuild: readonly string[];
}

/** One beginning: from the old schema to the new one, with what is known by then. */
class Writer {
  readonly #draft: Draft;
  readonly #standing: Standing;

  constructor(
    private readonly shadows: TrialShadows,
    private readonly request: WriteRequest,
    private readonly chooser: RenameChooser,
    private readonly rebuilt: ReadonlySet<string>,
  ) {
    this.#draft = new Draft(shadows, request.online ? withSaferWays(request.parser) : undefined);
    this.#standing = new Standing(shadows, request.to);
  }

  async write(): Promise<Outcome> {
    const { pending, parser, to, progress } = this.request;
    await runPending(this.shadows, pending);
    const isRebuilt = this.rebuilt.size === 0 || (await this.#rebuild());
    progress("asking what differs");
    const statements = await this.#askLibrary();
    // What would be dropped and made anew is altered, if that goes, where it stands.
    const spared = new Set([...(isRebuilt ? [] : this.rebuilt), ...tablesRemade(statements)]);
    if (spared.size === 0 && !remakesColumns(statements)) await this.#draft.add(asDrawn(statements));
    else {
      const schemas = { from: (await this.#standing.look()).schema, to: await to.canonical() };
      await this.#draft.add(sparingRows(statements, spared, schemas, parser));
      // What the tables are made of may have been missing before.
      if (!isRebuilt) await this.#rebuild();
    }
    progress("looking what is left");
    const { left } = await workOff(this.#draft, this.#standing, parser);
    const written = {
      statements: this.#draft.statements,
      open: openIn(left, this.#draft.reasons),
      renames: this.chooser.declined,
    };
    return { written, toRebuild: tablesToRebuild(left) };
  }

  async #rebuild(): Promise<boolean> {
    const state = await this.#standing.look();
    const attempts = await rebuildAttempts(this.rebuilt, state, this.#standing, this.request.parser);
    if (attempts === null) return false;
    await this.#draft.add(attempts.clearing);
    return (await this.#draft.add([attempts.rebuilding])) > 0;
  }

  /** Renames come first, one after another: what is inside shows only when what is around has its name. */
  async #askLibrary(): Promise<readonly DrawnStatement[]> {
    const { from, parser } = this.request;
    const reading = readFacts(this.shadows.target);
    for (;;) {
      const [now, target] = await Promise.all([readFacts(this.shadows.work), reading]);
      const plan = await planDifference(now, target, from.settings, parser);
      const chosen = await this.chooser.choose(await this.#likely(plan));
      const renames = chosen.map(({ kind, from: name, sql }) => onlyBy(`${kind} ${name}`, sql));
      if (renames.length === 0 || (await this.#draft.add(renames)) === 0) return plan?.statements ?? [];
    }
  }

  /** What the library sees of names is not enough for tables, columns, indexes and enums; the rest need not be read. */
  async #likely(plan: LibraryPlan | null): Promise<readonly RenameCandidate[]> {
    const { from, to, pending } = this.request;
    const { statements, renames } = plan ?? { statements: [], renames: [] };
    const says = (pattern: RegExp) => statements.some(({ sql }) => pattern.test(sql));
    const isAboutIndexes = says(/^DROP INDEX /) && says(/^CREATE (?:UNIQUE )?INDEX /);
    const isAboutTables = renames.some(({ kind }) => kind === "table" || kind === "column");
    const isAboutEnums = says(/^(?:ALTER|CREATE) TYPE /);
    if (plan !== null && !isAboutTables && !isAboutIndexes && !isAboutEnums) return renames;
    const isUntouched = pending.length === 0 && this.#draft.statements.length === 0;
    const now = isUntouched ? await from.canonical() : (await this.#standing.look()).schema;
    return likelyRenames(renames, now, await to.canonical());
  }
}

/** What a deploy would refuse is refused here. */
async function runPending(shadows: TrialShadows, pending: WriteRequest["pending"]): Promise<void> {
  const attempts = pending.map(({ sql }) => ({ about: excerpt(sql), ways: [[plainly(sql)]] }));
  const [first] = (await shadows.runInOrder(attempts)).refused;
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

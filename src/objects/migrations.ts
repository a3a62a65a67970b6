/** Which migrations run, and what has to be dropped around them. Pure. */
import { loadParser } from "../schema/parser.js";
import { isTreeObject, listAt, namesIn, objectAt, stringAt, unwrap } from "../schema/tree.js";
import { refuseTransactions } from "./check-script.js";
import { type DependentsIndex, indexDependents, type Root } from "./dependents.js";
import { dropRuns } from "./drop-sql.js";
import { idOf, type KindType } from "./kinds.js";
import type { DropRun, ObjectsPlan } from "./plan.js";
import { plainRuns } from "./runs.js";
import { readScriptFacts } from "./script.js";
import { columnKey, type Existing, type ObjectsState } from "./state.js";
import type { Script, Tree } from "./tree.js";
import { judge, type Standing } from "./verdicts.js";

type MigrationsPlan = Pick<ObjectsPlan, "before" | "migrations" | "mark"> & { readonly notes: string[] };

/** The migrations that a database lacks, oldest first. None where none was ever recorded: it is made as it is now. */
export function pendingMigrations({ migrations }: Tree, state: ObjectsState): readonly Script[] {
  const last = state.migrations.at(-1);
  return last === undefined ? [] : migrations.filter(({ id }) => id > last);
}

export async function planMigrations(
  tree: Tree,
  state: ObjectsState,
  dependents: DependentsIndex,
  standings: ReadonlyMap<string, Standing>,
): Promise<MigrationsPlan> {
  const pending = pendingMigrations(tree, state);
  const isFirst = state.migrations.length === 0;
  return {
    migrations: await plainRuns(pending),
    mark: isFirst ? (tree.migrations.at(-1)?.id ?? "") : null,
    before: pending.length === 0 ? [] : await dropsAround(pending, tree, state, dependents, standings),
    notes: notesOf(tree, state),
  };
}

/** wo asks for the last migration only, so that one with an earlier name never runs. */
function notesOf({ migrations }: Tree, { migrations: recorded }: ObjectsState): string[] {
  const [first, ...more] = recorded;
  const last = more.at(-1);
  if (first === undefined || last === undefined) return [];
  const missed = migrations.filter(({ id }) => id > first && id < last && !recorded.includes(id));
  return missed.map(
    ({ path }) => `${path} does not run: its name is before that of the last one that did, ${last}`,
  );
}

/** A table that a migration alters in a way that what depends on it may forbid. */
export interface Altered {
  readonly types: readonly KindType[];
  readonly schema: string | null;
  readonly name: string;
  /** Names of columns; null where it is dropped as a whole. */
  readonly columns: readonly string[] | null;
  /** What depends on it is dropped by the statement itself. */
  readonly cascades: boolean;
}

/** What scripts, such as migrations, drop or change the type of. */
export async function alteredBy(scripts: readonly Script[]): Promise<Altered[]> {
  if (scripts.length === 0) return [];
  const parser = await loadParser();
  return scripts.flatMap(({ path, text }) => {
    const facts = readScriptFacts(parser, text);
    refuseTransactions(path, facts);
    return facts.statements.flatMap(({ tree }) => alteredByStatement(tree));
  });
}

const DROPPED: Readonly<Record<string, readonly KindType[]>> = {
  OBJECT_TABLE: ["table"],
  OBJECT_VIEW: ["view"],
  OBJECT_MATVIEW: ["materialized-view"],
  OBJECT_FUNCTION: ["function"],
  OBJECT_ROUTINE: ["function", "procedure", "aggregate"],
  OBJECT_TYPE: ["type", "domain"],
  OBJECT_DOMAIN: ["domain"],
};

function alteredByStatement(statement: unknown): Altered[] {
  const [type, fields] = unwrap(statement);
  if (type === "DropStmt") {
    const types = DROPPED[stringAt(fields, "removeType") ?? ""] ?? [];
    if (types.length === 0) return [];
    const cascades = stringAt(fields, "behavior") === "DROP_CASCADE";
    return listAt(fields, "objects").map((node) => {
      const names = namesOfObject(node);
      return { types, schema: names.at(-2) ?? null, name: names.at(-1) ?? "", columns: null, cascades };
    });
  }
  if (type !== "AlterTableStmt") return [];
  const columns = listAt(fields, "cmds").flatMap((node) => {
    const command = objectAt(node, "AlterTableCmd");
    const subtype = stringAt(command, "subtype");
    return subtype === "AT_AlterColumnType" || subtype === "AT_DropColumn"
      ? [stringAt(command, "name") ?? ""]
      : [];
  });
  if (columns.length === 0) return [];
  const range = objectAt(fields, "relation");
  const schema = stringAt(range, "schemaname") ?? null;
  return [{ types: ["table"], schema, name: stringAt(range, "relname") ?? "", columns, cascades: false }];
}

function namesOfObject(node: unknown): string[] {
  const [type, fields] = unwrap(node);
  if (type === "List") return namesIn(listAt(fields, "items"));
  if (type === "TypeName") return namesIn(listAt(fields, "names"));
  return isTreeObject(fields) ? namesIn(listAt(fields, "objname")) : [];
}

/** The objects of the database that are altered. */
export function existingOf(
  { types, schema, name }: Altered,
  { existing }: ObjectsState,
  searchPath: readonly string[] = ["public"],
): readonly Existing[] {
  for (const place of schema === null ? searchPath : [schema]) {
    const found = types.flatMap((type) => existing.get(idOf({ type, parts: [place, name] })) ?? []);
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * Ids of what scripts that are no migrations of the tree drop themselves, and do not make again.
 *
 * @param state read with `readState` for the same scripts
 */
export async function droppedBy(
  tree: Tree,
  state: ObjectsState,
  scripts: readonly Script[],
  searchPath: readonly string[],
): Promise<string[]> {
  const altered = (await alteredBy(scripts)).filter(({ columns }) => columns === null);
  if (altered.length === 0) return [];
  const gone = new Set(altered.flatMap((one) => existingOf(one, state, searchPath)));
  const parser = await loadParser();
  const makes = scripts.flatMap(({ text }) => readScriptFacts(parser, text).makes);
  const made = new Set(
    makes.map(({ type, schema, name }) => idOf({ type, parts: [schema ?? searchPath[0] ?? "", name] })),
  );
  const standings = [...judge(tree, state).values()].filter(({ existing }) =>
    existing.some((one) => gone.has(one)),
  );
  return standings.map(({ id }) => id).filter((id) => !made.has(id));
}

/** What the server itself makes anew when a column changes, or drops with it. */
function isRebuilt(id: string): boolean {
  return id.startsWith("constraint.") || id.startsWith("index.");
}

/**
 * What has to be dropped before scripts that are no migrations of the tree, such as a project's deltas, can run.
 *
 * @param state read with `readState` for the same scripts
 * @returns nothing where none of them alters what something depends on
 */
export async function planDrops(
  tree: Tree,
  state: ObjectsState,
  scripts: readonly Script[],
  searchPath?: readonly string[],
): Promise<DropRun[]> {
  const standings = judge(tree, state);
  return dropsAround(scripts, tree, state, indexDependents(state, standings), standings, searchPath);
}

/**
 * Only what a script makes again is dropped, and what is to go in any case. Whatever else is in the way, the server names when the migration runs.
 * What the scripts drop by themselves is theirs.
 */
async function dropsAround(
  pending: readonly Script[],
  tree: Tree,
  state: ObjectsState,
  dependents: DependentsIndex,
  standings: ReadonlyMap<string, Standing>,
  searchPath?: readonly string[],
): Promise<DropRun[]> {
  const altered = await alteredBy(pending);
  const roots = altered
    .filter(({ cascades }) => !cascades)
    .flatMap((one) =>
      existingOf(one, state, searchPath).map((existing): Root => {
        const columns = one.columns?.flatMap(
          (column) => state.dependents.columns.get(columnKey(existing, column)) ?? [],
        );
        return { existing, columns };
      }),
    );
  const theirs = new Set(
    altered.filter(({ columns }) => columns === null).flatMap((one) => existingOf(one, state, searchPath)),
  );
  const mayDrop = (id: string) => tree.objects.has(id) || standings.get(id)?.verdict === "drop";
  const { drops } = dependents.below(roots, (id) => mayDrop(id) && !isRebuilt(id));
  const ids = new Map<Existing, string>();
  for (const { id, existing } of standings.values()) for (const one of existing) ids.set(one, id);
  const own = drops.filter((existing) => ids.has(existing) && !theirs.has(existing));
  return dropRuns(own, (existing) => ids.get(existing) ?? idOf(existing.name), tree, state);
}

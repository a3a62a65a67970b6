/** Reading what a decision needs of a database, in a constant number of questions. */
import type { Client } from "../postgres/connection.js";
import { alteredBy, existingOf, pendingMigrations } from "./migrations.js";
import { readDependents } from "./read-dependents.js";
import { type ObjectsState, readBase } from "./state.js";
import type { Script, Tree } from "./tree.js";
import { judge } from "./verdicts.js";

/** Scripts that are no migrations of the tree, and how they look names up. */
export interface ScriptsBefore {
  readonly scripts: readonly Script[];
  readonly searchPath: readonly string[];
}

const NONE: ScriptsBefore = { scripts: [], searchPath: ["public"] };

/**
 * Reads the state of a database, as far as a tree is concerned: what is recorded, what exists, and what depends on
 * the objects that a run may drop. At most ten questions, however many objects there are; four where all is as the
 * scripts say.
 *
 * @param client connected to the database; inside a transaction or not
 * @param before scripts that are to run before the objects are reconciled, the tree's own migrations aside
 */
export async function readState(
  client: Client,
  tree: Tree,
  before: ScriptsBefore = NONE,
): Promise<ObjectsState> {
  return withDependents(client, tree, await readBase(client), before);
}

/** The second half of `readState`, for whoever reads the tree while the server answers the first. */
export async function withDependents(
  client: Client,
  tree: Tree,
  base: ObjectsState,
  before: ScriptsBefore = NONE,
): Promise<ObjectsState> {
  const standings = [...judge(tree, base).values()].filter(
    ({ verdict }) => verdict === "remake" || verdict === "drop",
  );
  const objects = standings.filter(({ name }) => name.type !== "role").flatMap(({ existing }) => existing);
  const scripts = [...pendingMigrations(tree, base), ...before.scripts];
  const tables = (await alteredBy(scripts)).flatMap((one) => existingOf(one, base, before.searchPath));
  const dependents = await readDependents(client, base.bookkeeping, {
    objects: [...objects, ...tables],
    tables,
    roles: standings.filter(({ name }) => name.type === "role").flatMap(({ name }) => name.parts),
    ids: standings.map(({ id }) => id),
  });
  return { ...base, dependents };
}

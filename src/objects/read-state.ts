/** Reading what a decision needs of a database, in a constant number of questions. */
import type { Client } from "../postgres/connection.js";
import { alteredBy, existingOf, pendingMigrations } from "./migrations.js";
import { type ObjectsState, readBase, readDependents } from "./state.js";
import type { Tree } from "./tree.js";
import { judge } from "./verdicts.js";

/**
 * Reads the state of a database, as far as a tree is concerned: what is recorded, what exists, and what depends on
 * the objects that a run may drop. At most eight questions, however many objects there are; four where all is as the
 * scripts say.
 *
 * @param client connected to the database; inside a transaction or not
 */
export async function readState(client: Client, tree: Tree): Promise<ObjectsState> {
  const base = await readBase(client);
  const standings = [...judge(tree, base).values()].filter(
    ({ verdict }) => verdict === "remake" || verdict === "drop",
  );
  const roles = standings.filter(({ name }) => name.type === "role");
  const objects = standings.filter(({ name }) => name.type !== "role").flatMap(({ existing }) => existing);
  const altered = (await alteredBy(pendingMigrations(tree, base))).flatMap((one) => existingOf(one, base));
  const names = roles.flatMap(({ name }) => name.parts);
  return { ...base, dependents: await readDependents(client, [...objects, ...altered], names, altered) };
}

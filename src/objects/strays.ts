/** What somebody made by hand on an object, and what would be lost with it. Pure. */
import type { Outsider } from "./dependents.js";
import { describeName, nameOfId } from "./kinds.js";
import type { Made } from "./made.js";

/**
 * Of what goes along with objects that are dropped, such as the indexes of a materialized view, what none of their
 * scripts makes.
 *
 * @param along ids without scripts of their own
 * @param makes what the scripts of those objects make, the recorded ones and those of the tree
 */
export function straysAmong(along: readonly string[], makes: readonly Made[]): Outsider[] {
  const isMade = (id: string) => {
    const name = nameOfId(id);
    const own = name?.parts.at(-1);
    return makes.some((made) => made.type === name?.type && made.name === own);
  };
  const unmade = along.filter((id) => !isMade(id));
  // Nobody but the server knows how an index without a name is called; it ends the name so.
  const unnamed = makes.filter(({ type, name }) => type === "index" && name === "").length;
  const indexes = unmade.filter((id) => /^index\..*_idx\d*$/.test(id));
  const strays = unmade.filter((id) => indexes.length > unnamed || !indexes.includes(id));
  return strays.map((id) => {
    const name = nameOfId(id);
    return { id, description: `${name === null ? id : describeName(name)}, which no script makes` };
  });
}

/** How each object of the tree and of the bookkeeping stands. Pure, and without a look into any script. */
import { encodePart, idOf, kindOf, nameOfId, type ObjectName } from "./kinds.js";
import type { Existing, ObjectsState } from "./state.js";
import type { Tree } from "./tree.js";

export type Verdict =
  /** As its script says, and recorded so. */
  | "same"
  /** Is not there. */
  | "create"
  /** Is there, and its script changed, or nobody recorded what made it. */
  | "remake"
  /** Is there, is not recorded, and stays as it is, since it holds something or is known to be as its script says. */
  | "adopt"
  /** Its script changed, and migrations are to have changed it: a table. */
  | "prove"
  /** Its script changed, which changes nothing by itself: a type. */
  | "tell"
  /** Its script is gone, and so must it go. */
  | "drop"
  /** Its script is gone, and it stays until a migration drops it: a table. */
  | "gone"
  /** Its script is gone, and so is it; only the bookkeeping has it. */
  | "forget";

export interface Standing {
  readonly id: string;
  readonly name: ObjectName;
  readonly verdict: Verdict;
  /** What exists under its name; several overloads of a function. */
  readonly existing: readonly Existing[];
}

/** @returns the standing of every object of the tree and of the bookkeeping, by id */
export function judge(tree: Tree, state: ObjectsState): Map<string, Standing> {
  const finder = new Finder(tree, state);
  const standings = new Map<string, Standing>();
  for (const { id, name, md5 } of tree.objects.values()) {
    const existing = finder.find(id, name);
    const recorded = state.recorded.get(id);
    const { change, adopts } = kindOf(name.type);
    const verdict =
      existing.length === 0
        ? "create"
        : recorded === undefined
          ? adopts || name.type === "role" || state.asScripted.has(id)
            ? "adopt"
            : "remake"
          : recorded.md5 === md5
            ? "same"
            : change;
    standings.set(id, { id, name, verdict, existing });
  }
  for (const id of state.recorded.keys()) {
    if (tree.objects.has(id)) continue;
    const name = nameOfId(id);
    if (name === null) continue;
    const existing = finder.find(id, name);
    const verdict = existing.length === 0 ? "forget" : kindOf(name.type).drops ? "drop" : "gone";
    standings.set(id, { id, name, verdict, existing });
  }
  return standings;
}

/** A file's name may leave open whether a letter is a capital, and wo 2.2.1 knows fewer kinds of objects. */
class Finder {
  #folded: Map<string, { readonly id: string; readonly existing: readonly Existing[] }[]> | undefined;

  constructor(
    private readonly tree: Tree,
    private readonly state: ObjectsState,
  ) {}

  find(id: string, name: ObjectName): readonly Existing[] {
    const exact = this.state.existing.get(id);
    if (exact !== undefined) return exact;
    const other = this.#ofOtherKind(name);
    return other.length > 0 ? other : this.#inOtherCase(id);
  }

  /** wo has domains among the types, procedures and aggregates among the functions. */
  #ofOtherKind({ type, parts }: ObjectName): readonly Existing[] {
    const types =
      type === "type"
        ? (["domain"] as const)
        : type === "function"
          ? (["procedure", "aggregate"] as const)
          : [];
    const ids = types.map((other) => idOf({ type: other, parts }));
    return ids.flatMap((id) => (this.#isClaimed(id) ? [] : (this.state.existing.get(id) ?? [])));
  }

  #inOtherCase(id: string): readonly Existing[] {
    this.#folded ??= foldAll(this.state.existing);
    const found = (this.#folded.get(id) ?? []).filter((one) => !this.#isClaimed(one.id));
    return found.length === 1 ? (found[0]?.existing ?? []) : [];
  }

  #isClaimed(id: string): boolean {
    return this.tree.objects.has(id) || this.state.recorded.has(id);
  }
}

function foldAll(existing: ObjectsState["existing"]) {
  const folded = new Map<string, { readonly id: string; readonly existing: readonly Existing[] }[]>();
  for (const [id, all] of existing) {
    const [first] = all;
    if (first === undefined) continue;
    const { type, parts } = first.name;
    const key = [type, ...parts.map((part) => encodePart(part.toLowerCase()))].join(".");
    if (key === id) continue;
    const same = folded.get(key);
    if (same === undefined) folded.set(key, [{ id, existing: all }]);
    else same.push({ id, existing: all });
  }
  return folded;
}

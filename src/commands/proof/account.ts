/** What deltas miss, and what they do that the database has not had: told from three schemas. Pure. */
import type { PartChange, Schema, SchemaDiff, SchemaObject } from "../../schema/index.js";
import { diffSchemas } from "../../schema/index.js";
import { changesOf } from "../object-changes.js";
import type { ObjectChange } from "../results.js";

export interface Account {
  /** Changes of the database that the deltas do not make. */
  readonly missed: readonly ObjectChange[];
  /** Changes that the deltas make and the database lacks. */
  readonly surplus: readonly ObjectChange[];
}

/**
 * Says of each difference whose it is: the deltas have done nothing about it where the parent has it as they leave
 * it, and have done too much where the parent has it as the database does. Where all three differ, it is missed.
 *
 * @param parent what the deltas begin with
 * @param result what they lead to
 * @param live what they should lead to
 * @example account(orders, ordersWithNota, ordersWithNote)
 * // missed: table orders, column note added; surplus: table orders, column nota added
 */
export function account(parent: Schema, result: Schema, live: Schema): Account {
  const [missing, overdone] = [diffSchemas(result, live), diffSchemas(live, result)];
  const isUntouched = (id: string, part: string) =>
    same(partOf(parent.objects.get(id), part), partOf(result.objects.get(id), part));
  const isBack = (id: string, part: string) =>
    same(partOf(parent.objects.get(id), part), partOf(live.objects.get(id), part));
  return {
    missed: changesOf({
      added: missing.added.filter(({ id }) => !parent.objects.has(id)),
      changed: only(missing, (id, part) => isUntouched(id, part) || !isBack(id, part)),
      dropped: missing.dropped.filter(({ id }) => parent.objects.has(id)),
    }),
    surplus: changesOf({
      added: overdone.added.filter(({ id }) => !parent.objects.has(id)),
      changed: only(overdone, (id, part) => isBack(id, part) && !isUntouched(id, part)),
      dropped: overdone.dropped.filter(({ id }) => parent.objects.has(id)),
    }),
  };
}

/** The changes within objects, without the parts that are not meant. */
function only(
  { changed }: SchemaDiff,
  isMeant: (id: string, part: string) => boolean,
): SchemaDiff["changed"] {
  return changed.flatMap((change) => {
    const kept = change.parts.map(({ part }: PartChange) => isMeant(change.after.id, part));
    if (!kept.includes(true)) return [];
    const meant = <T>(list: readonly T[]) => list.filter((_, index) => kept[index]);
    return [{ ...change, parts: meant(change.parts), details: meant(change.details) }];
  });
}

function partOf(object: SchemaObject | undefined, name: string): string | undefined {
  return object?.parts.find((part) => part.name === name)?.canonical;
}

function same(a: string | undefined, b: string | undefined): boolean {
  return a === b;
}

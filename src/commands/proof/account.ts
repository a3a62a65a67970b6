/** What deltas miss, and what they do that the database has not had: told from schemas. Pure. */
import { diffSchemas, type Schema, type SchemaDiff, type SchemaObject } from "../../schema/index.js";
import { changesOf } from "../object-changes.js";
import type { ObjectChange } from "../results.js";

export interface Account {
  /** Changes of the database that the deltas do not make. */
  readonly missed: readonly ObjectChange[];
  /** Changes that the deltas make and the database lacks. */
  readonly surplus: readonly ObjectChange[];
}

/** The schemas that a proof is about. */
export interface ProofSchemas {
  /** What was archived. */
  readonly parent: Schema;
  /** The parent as the shadow's server prints it before the deltas: another version may print it in another way. */
  readonly before: Schema;
  /** What the deltas lead to from there. */
  readonly result: Schema;
  readonly live: Schema;
  /** Result and live schema as one server prints them that has loaded both; as they are where none was asked. */
  readonly printed: { readonly result: Schema; readonly live: Schema };
}

/**
 * Says of each difference between the result and the live schema whose it is. What the database has as its parent
 * has it, it has not changed: then the deltas have, or else it is no difference, and only printed otherwise. The
 * rest the database has changed, and the deltas not in the same way.
 *
 * @example account({ parent: orders, before: orders, result: withNota, live: withNote, printed: … })
 * // missed: table orders, column note added; surplus: table orders, column nota added
 */
export function account({ parent, before, result, live, printed }: ProofSchemas): Account {
  const isUnchanged = same(parent, live);
  const isUndone = same(before, result);
  const isPrintedAlike = same(printed.result, printed.live);
  return {
    missed: changesOf(
      only(diffSchemas(result, live), (...of) => !isUnchanged(...of) && !isPrintedAlike(...of)),
    ),
    surplus: changesOf(
      only(
        diffSchemas(live, result),
        (...of) => isUnchanged(...of) && !isUndone(...of) && !isPrintedAlike(...of),
      ),
    ),
  };
}

/** A question about a part of an object, or with null about the object as such. */
type Question = (id: string, part: string | null) => boolean;

/** Whether two schemas have the same. */
function same(a: Schema, b: Schema): Question {
  return (id, part) => partOf(a, id, part) === partOf(b, id, part);
}

function partOf({ objects }: Schema, id: string, part: string | null): string | undefined {
  const object = objects.get(id);
  return part === null ? object && id : object?.parts.find(({ name }) => name === part)?.canonical;
}

/** The part of a difference that is meant. */
function only({ added, changed, dropped }: SchemaDiff, isMeant: Question): SchemaDiff {
  const whole = ({ id }: SchemaObject) => isMeant(id, null);
  return {
    added: added.filter(whole),
    changed: changed.flatMap((change) => {
      const kept = change.parts.map(({ part }) => isMeant(change.after.id, part));
      const meant = <T>(list: readonly T[]) => list.filter((_, index) => kept[index]);
      return kept.includes(true)
        ? [{ ...change, parts: meant(change.parts), details: meant(change.details) }]
        : [];
    }),
    dropped: dropped.filter(whole),
  };
}

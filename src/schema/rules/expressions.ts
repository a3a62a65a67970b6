/** Expressions that change their look without changing. */
import { isTreeObject, listAt, objectAt, without } from "../tree.js";
import type { Rule } from "./context.js";

/**
 * `(ARRAY['a'::varchar, 'b'::varchar])::text[]` is what `x IN ('a', 'b')` prints as, and it is read back as
 * `ARRAY[('a'::varchar)::text, ('b'::varchar)::text]`: PostgreSQL's parser gives the cast to each element.
 * Bridges a database and the one restored from its dump, in every version.
 */
export const castOfArray: Rule = (cast) => {
  const elements = listAt(objectAt(objectAt(cast, "arg"), "A_ArrayExpr"), "elements");
  const typeName = objectAt(cast, "typeName");
  if (elements.length === 0 || listAt(typeName, "arrayBounds").length !== 1) return undefined;
  const elementType = without(typeName, "arrayBounds");
  const inner = elements.map((element) =>
    // An array in an array gets the array's type, not the element's.
    isTreeObject(element) && "A_ArrayExpr" in element
      ? { TypeCast: { ...cast, arg: element } }
      : { TypeCast: { arg: element, typeName: elementType } },
  );
  return { A_ArrayExpr: { elements: inner } };
};

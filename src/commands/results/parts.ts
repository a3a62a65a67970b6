/** What results are made of. */
import * as v from "valibot";

export const text = v.string();
export const maybeText = v.nullable(v.string());

/** What writes deltas. */
import * as v from "valibot";
import { ObjectChange } from "./check.js";
import { maybeText, text } from "./parts.js";

const WrittenStatement = v.object({
  sql: text,
  notes: v.pipe(v.array(text), v.description("What a reader has to know of it; comments in the file.")),
  destructive: v.pipe(maybeText, v.description("The data that is gone afterwards.")),
});

/** What writing deltas came to. */
const DeltasWritten = {
  outcome: v.pipe(
    v.picklist(["nothing", "proven", "open", "unproven"]),
    v.description(
      "nothing: there is no difference. proven: the statements lead from the one to the other. open: some differences have no statement. unproven: nobody could say whether the statements lead there.",
    ),
  ),
  sql: v.pipe(text, v.description("The deltas as text.")),
  statements: v.array(WrittenStatement),
  open: v.pipe(
    v.array(v.object({ ...ObjectChange.entries, why: maybeText })),
    v.description("Differences that no statement was found for; a place is held for each in the text."),
  ),
  renames: v.pipe(
    v.array(v.object({ kind: text, from: text, to: text })),
    v.description("Possible renames that were not taken: what is dropped and what is added are alike."),
  ),
  reasons: v.pipe(v.array(text), v.description("Why it could not be proven.")),
  warnings: v.array(text),
};

export const DeltasResult = v.pipe(
  v.object({ from: text, to: text, file: maybeText, ...DeltasWritten }),
  v.title("wov deltas"),
);
export type DeltasResult = v.InferOutput<typeof DeltasResult>;

export const PendingResult = v.pipe(
  v.object({
    database: text,
    stage: text,
    from: v.pipe(text, v.description("The version that the deltas lead from.")),
    file: text,
    before: v.pipe(v.number(), v.description("How many statements the file held already.")),
    ...DeltasWritten,
  }),
  v.title("wov-db --wdb-deltas"),
);
export type PendingResult = v.InferOutput<typeof PendingResult>;

export const EditResult = v.pipe(
  v.object({
    database: text,
    file: text,
    statements: v.number(),
    suggested: v.pipe(v.number(), v.description("How many statements were written for the editor to show.")),
    notes: v.array(text),
  }),
  v.title("wov-db --wdb-edit"),
);
export type EditResult = v.InferOutput<typeof EditResult>;

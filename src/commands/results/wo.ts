/** What applies a tree of object scripts. */
import * as v from "valibot";
import { maybeText, text } from "./parts.js";

export const WoStep = v.object({
  action: v.pipe(
    v.picklist(["create", "replace", "remake", "drop", "grant", "adopt", "record", "forget"]),
    v.description(
      "replace: with OR REPLACE, and as remake where the server refuses that; remake: dropped and made; grant: a role's script without what makes the role; adopt: entered as it is; record: its changed script is entered; forget: taken out of the bookkeeping.",
    ),
  ),
  id: v.pipe(text, v.description("As in wo_objects, e.g. view.public.view0.")),
  object: v.pipe(text, v.description("In words, e.g. view public.view0.")),
  file: maybeText,
  why: text,
  certain: v.pipe(
    v.boolean(),
    v.description("Otherwise only if another step has dropped the object, or made what is granted."),
  ),
  drops: v.pipe(
    v.array(text),
    v.description(
      "Ids of what is dropped before it, since it depends on it; for replace, only where the server refuses.",
    ),
  ),
});
export type WoStep = v.InferOutput<typeof WoStep>;

export const WoMigrateResult = v.pipe(
  v.object({
    database: text,
    target: v.pipe(text, v.description("user@host:port/database, never the password.")),
    created: v.pipe(
      v.boolean(),
      v.description("Whether the database was made; with wo plan, whether it would be."),
    ),
    applied: v.pipe(v.boolean(), v.description("false with wo plan, and where there was nothing to do.")),
    plan: v.pipe(
      maybeText,
      v.description("The id of the plan, for --plan-id; null where there was nothing to do."),
    ),
    create: v.pipe(v.array(text), v.description("Scripts that make the database.")),
    initial: v.array(text),
    migrations: v.array(text),
    recordedMigration: v.pipe(maybeText, v.description("Recorded without being run; null for none.")),
    steps: v.array(WoStep),
    final: v.array(text),
    blockers: v.pipe(
      v.array(v.object({ code: text, message: text, where: maybeText, hint: maybeText })),
      v.description("Why the plan cannot be applied as it is."),
    ),
    notes: v.array(text),
  }),
  v.title("wo plan, wo migrate"),
);
export type WoMigrateResult = v.InferOutput<typeof WoMigrateResult>;

export const WoInitResult = v.pipe(v.object({ dir: text, created: v.array(text) }), v.title("wo init"));
export type WoInitResult = v.InferOutput<typeof WoInitResult>;

export const WoImportResult = v.pipe(
  v.object({
    source: text,
    dir: v.pipe(text, v.description("The tree.")),
    checksum: v.pipe(text, v.description("Of the schema; a database migrated from the tree has it too.")),
    written: v.pipe(v.array(text), v.description("Paths of scripts inside the tree.")),
    unchanged: v.pipe(v.number(), v.description("How many scripts were there already just so.")),
    unknown: v.pipe(
      v.array(text),
      v.description("Paths of scripts that were in the tree, of nothing that the schema has."),
    ),
    warnings: v.pipe(v.array(text), v.description("What could not be brought into the tree as it is.")),
  }),
  v.title("wo import"),
);
export type WoImportResult = v.InferOutput<typeof WoImportResult>;

export const WoDropResult = v.pipe(
  v.object({
    database: text,
    target: text,
    dropped: v.pipe(v.boolean(), v.description("false where the database was not there.")),
    roles: v.array(text),
    objects: v.pipe(v.array(text), v.description("Ids of wo_objects.")),
    scripts: v.array(text),
    notes: v.array(text),
  }),
  v.title("wo drop"),
);
export type WoDropResult = v.InferOutput<typeof WoDropResult>;

/** What holds a database against its archive, and archives. */
import * as v from "valibot";
import { BLOCKER_STATES } from "../blockers.js";
import { maybeText, text } from "./parts.js";

/** One object that differs between two schemas. */
export const ObjectChange = v.object({
  change: v.picklist(["added", "changed", "dropped"]),
  type: v.pipe(text, v.description("PostgreSQL's word for the kind of object: table, view, function, …")),
  name: v.pipe(text, v.description("The name as SQL writes it, with its schema.")),
  details: v.pipe(v.array(text), v.description("What changed within it: columns, constraints.")),
});
export type ObjectChange = v.InferOutput<typeof ObjectChange>;

export const Blocker = v.object({
  state: v.picklist([...BLOCKER_STATES, "unreachable", "interrupted", "deltasInvalid", "forked"]),
  message: text,
  where: maybeText,
  hint: v.pipe(text, v.description("What mends it; commands stand on lines of their own.")),
});
export type Blocker = v.InferOutput<typeof Blocker>;

export const States = v.object({
  schemaDiffers: v.boolean(),
  pendingDeltas: v.boolean(),
  uncommittedChanges: v.boolean(),
  pverArchived: v.boolean(),
  archiveUncommitted: v.boolean(),
});

export const DatabaseCheck = v.object({
  database: text,
  states: v.pipe(v.nullable(States), v.description("null where the database could not be read.")),
  version: v.pipe(maybeText, v.description("The version that the database is at, as far as can be told.")),
  expected: v.pipe(maybeText, v.description("The version that its schema is held against.")),
  behind: v.pipe(v.array(text), v.description("Versions that the database lacks, oldest first.")),
  changes: v.array(ObjectChange),
  byScripts: v.pipe(
    v.array(ObjectChange),
    v.description("What differs from the archived schema because of object scripts, which blocks nothing."),
  ),
  unapplied: v.pipe(
    v.array(ObjectChange),
    v.description("What the object scripts would change in the database as it is, which blocks nothing."),
  ),
  warnings: v.array(text),
  blockers: v.array(Blocker),
});
export type DatabaseCheck = v.InferOutput<typeof DatabaseCheck>;

export const CheckResult = v.pipe(
  v.object({
    pver: text,
    stage: text,
    blocked: v.boolean(),
    uncommitted: v.pipe(
      v.array(text),
      v.description("Changed paths, the archive and the pending deltas aside."),
    ),
    databases: v.array(DatabaseCheck),
  }),
  v.title("wov-push-db --check"),
);
export type CheckResult = v.InferOutput<typeof CheckResult>;

export const PushDbResult = v.pipe(
  v.object({
    pver: text,
    stage: text,
    databases: v.array(
      v.object({
        database: text,
        archived: v.pipe(
          maybeText,
          v.description("The version that was archived; null where there was nothing to archive."),
        ),
        parent: maybeText,
        proven: v.pipe(
          v.nullable(v.boolean()),
          v.description("Whether it was proven that the deltas lead to the schema; false after --no-proof."),
        ),
        commit: maybeText,
        pushed: v.boolean(),
        resumed: v.pipe(v.boolean(), v.description("An earlier run had begun it.")),
        warnings: v.array(text),
      }),
    ),
  }),
  v.title("wov-push-db"),
);
export type PushDbResult = v.InferOutput<typeof PushDbResult>;

const VersionEntry = v.object({
  version: text,
  parent: maybeText,
  archived: text,
  checksum: text,
  id: text,
  deltas: v.pipe(maybeText, v.description("SHA-256 of the deltas; null for a snapshot.")),
  proven: v.pipe(
    v.nullable(v.boolean()),
    v.description("Whether it was proven before it was archived; null where that was never written down."),
  ),
});

export const LogResult = v.pipe(
  v.object({ databases: v.array(v.object({ database: text, versions: v.array(VersionEntry) })) }),
  v.title("wov-push-db --log"),
);
export type LogResult = v.InferOutput<typeof LogResult>;

export const HookResult = v.pipe(
  v.object({
    hook: text,
    blocked: v.boolean(),
    check: v.nullable(CheckResult),
    problems: v.array(v.object({ where: text, message: text, hint: text })),
    notes: v.array(text),
  }),
  v.title("wov hook"),
);
export type HookResult = v.InferOutput<typeof HookResult>;

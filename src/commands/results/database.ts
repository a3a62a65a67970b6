/** What `wov-db` does with a database and its ledger. */
import * as v from "valibot";
import { maybeText, text } from "./parts.js";

const onServer = v.pipe(text, v.description("What the server calls the database."));

export const LedgerInitResult = v.pipe(
  v.object({ stage: text, created: v.boolean() }),
  v.title("wov-db --wdb-init"),
);

export const LedgerVersionResult = v.pipe(
  v.object({
    stage: text,
    databases: v.array(v.object({ database: text, onServer, version: maybeText, since: maybeText })),
  }),
  v.title("wov-db --wdb-ver"),
);
export type LedgerVersionResult = v.InferOutput<typeof LedgerVersionResult>;

export const LedgerLogResult = v.pipe(
  v.object({
    stage: text,
    entries: v.array(
      v.object({
        database: text,
        onServer,
        version: text,
        event: text,
        by: text,
        at: text,
        commit: maybeText,
      }),
    ),
  }),
  v.title("wov-db --wdb-log"),
);
export type LedgerLogResult = v.InferOutput<typeof LedgerLogResult>;

export const InstanceResult = v.pipe(
  v.object({ database: text, stage: text, created: v.boolean(), version: maybeText }),
  v.title("wov-db --wdb-createinstance"),
);
export type InstanceResult = v.InferOutput<typeof InstanceResult>;

export const RebaseResult = v.pipe(
  v.object({
    database: text,
    stage: text,
    onto: v.pipe(maybeText, v.description("What the line follows now; null where there was nothing to do.")),
    rebased: v.pipe(
      v.array(v.object({ from: text, to: text })),
      v.description("Versions by their old key and their new one, oldest first."),
    ),
    applied: v.pipe(
      v.array(text),
      v.description("Versions whose deltas the database got, in their order; it had the others."),
    ),
    commit: maybeText,
    pushed: v.boolean(),
    resumed: v.pipe(maybeText, v.description("A version whose archiving an earlier run had begun.")),
    warnings: v.array(text),
  }),
  v.title("wov-db --rebase"),
);
export type RebaseResult = v.InferOutput<typeof RebaseResult>;

export const SqlResult = v.pipe(
  v.object({
    results: v.array(
      v.object({
        command: text,
        count: v.nullable(v.number()),
        columns: v.array(text),
        rows: v.array(v.array(v.unknown())),
      }),
    ),
    version: v.pipe(
      maybeText,
      v.description("The version that the ledger has been told of, for a file of archived deltas."),
    ),
  }),
  v.title("wov-db -c, wov-db -f"),
);
export type SqlResult = v.InferOutput<typeof SqlResult>;

export const ServerResult = v.pipe(
  v.object({ running: v.boolean(), changed: v.boolean(), connection: maybeText, dataDir: text }),
  v.title("wov-db --postgres-start, --postgres-stop"),
);
export type ServerResult = v.InferOutput<typeof ServerResult>;

/**
 * What the commands return and `--json` prints. Each shape is a valibot schema, from which the published JSON
 * Schemas are made; fields are only ever added.
 */
import * as v from "valibot";
import { BLOCKER_STATES } from "./blockers.js";

const text = v.string();
const maybeText = v.nullable(v.string());

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

const SchemaSettings = v.object({
  owners: v.boolean(),
  tablespaces: v.boolean(),
  subscriptions: v.boolean(),
  columnOrder: v.boolean(),
  ignoreSchemas: v.array(text),
  ignoreTables: v.array(text),
});

export const HashResult = v.pipe(
  v.object({
    source: text,
    checksum: text,
    form: v.pipe(v.number(), v.description("The number of the canonical form.")),
    settings: v.pipe(SchemaSettings, v.description("What counts as schema, as in wovtools/config.json.")),
    objects: v.array(v.object({ type: text, name: text, checksum: text })),
    warnings: v.array(text),
  }),
  v.title("wov hash"),
);
export type HashResult = v.InferOutput<typeof HashResult>;

const DiffLine = v.object({ sign: v.picklist(["+", "-", " "]), text });

export const DiffResult = v.pipe(
  v.object({
    from: text,
    to: text,
    differs: v.boolean(),
    byServer: v.pipe(v.boolean(), v.description("Whether a server was asked what text could not decide.")),
    changes: v.array(v.object({ ...ObjectChange.entries, lines: v.array(DiffLine) })),
    warnings: v.array(text),
  }),
  v.title("wov diff"),
);
export type DiffResult = v.InferOutput<typeof DiffResult>;

export const StatusResult = v.pipe(
  v.object({
    root: text,
    pver: text,
    stage: text,
    branch: maybeText,
    uncommitted: v.number(),
    databases: v.array(
      v.object({
        database: text,
        newest: v.pipe(maybeText, v.description("The newest version in the archive.")),
        versions: v.number(),
        heads: v.array(text),
        strays: v.array(text),
        unproven: v.pipe(v.array(text), v.description("Versions that were archived with --no-proof.")),
        pending: v.pipe(v.nullable(v.number()), v.description("How many statements wait; null for none.")),
        archiveUncommitted: v.boolean(),
        scriptsUncommitted: v.pipe(
          v.array(text),
          v.description("Object scripts that are not as HEAD has them, by path."),
        ),
        interrupted: v.boolean(),
        stages: v.array(
          v.object({
            stage: text,
            reachable: v.boolean(),
            problem: maybeText,
            version: maybeText,
            ledger: v.pipe(v.boolean(), v.description("Whether the stage's ledger knows the database.")),
            drift: v.pipe(
              v.nullable(v.boolean()),
              v.description(
                "null where it cannot be told: unreachable, or a deploy stopped within a version.",
              ),
            ),
            behind: v.array(text),
            stopped: v.pipe(
              v.nullable(v.object({ version: text, statements: v.number() })),
              v.description("Where a deploy stopped, and how many statements of that version are applied."),
            ),
            unapplied: v.pipe(
              v.array(ObjectChange),
              v.description(
                "What the object scripts would change in a database that is at the newest version.",
              ),
            ),
          }),
        ),
      }),
    ),
  }),
  v.title("wov status"),
);
export type StatusResult = v.InferOutput<typeof StatusResult>;

export const InitResult = v.pipe(
  v.object({
    root: text,
    created: v.array(text),
    changed: v.array(text),
    hooks: v.object({ manager: text, created: v.array(text), notes: v.array(text) }),
    database: maybeText,
    next: v.array(text),
  }),
  v.title("wov init"),
);
export type InitResult = v.InferOutput<typeof InitResult>;

export const DatabaseInfo = v.object({
  database: text,
  stage: text,
  connection: v.pipe(text, v.description("user@host:port/database, never the password.")),
  source: v.pipe(text, v.description("What the connection was taken from.")),
  server: maybeText,
  size: v.pipe(v.nullable(v.number()), v.description("Bytes on the server.")),
  version: maybeText,
  ledger: v.boolean(),
  problem: maybeText,
});
export const InfoResult = v.pipe(v.object({ databases: v.array(DatabaseInfo) }), v.title("wov-db --info"));
export type InfoResult = v.InferOutput<typeof InfoResult>;

export const SchemaResult = v.pipe(
  v.object({ databases: v.array(v.object({ database: text, schema: text })) }),
  v.title("wov-db --schema"),
);
export type SchemaResult = v.InferOutput<typeof SchemaResult>;
export const ChecksumResult = v.pipe(
  v.object({ databases: v.array(HashResult) }),
  v.title("wov-push-db --checksum"),
);
export const LedgerInitResult = v.pipe(
  v.object({ stage: text, created: v.boolean() }),
  v.title("wov-db --wdb-init"),
);
export const LedgerVersionResult = v.pipe(
  v.object({
    stage: text,
    databases: v.array(v.object({ database: text, version: maybeText, since: maybeText })),
  }),
  v.title("wov-db --wdb-ver"),
);
export type LedgerVersionResult = v.InferOutput<typeof LedgerVersionResult>;
export const LedgerLogResult = v.pipe(
  v.object({
    stage: text,
    entries: v.array(
      v.object({ database: text, version: text, event: text, by: text, at: text, commit: maybeText }),
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

const PlannedStatement = v.object({
  line: v.number(),
  sql: text,
  kind: v.pipe(
    v.nullable(v.picklist(["metadata", "scan", "rewrite", "data"])),
    v.description("The heaviest work that it does; null for an archived schema, which is loaded as a whole."),
  ),
  locks: v.array(v.object({ mode: text, object: text })),
  destructive: v.pipe(maybeText, v.description("The data that is gone afterwards.")),
  outsideTransaction: v.boolean(),
  unclear: v.pipe(v.array(text), v.description("What only the server can decide.")),
  hazards: v.pipe(
    v.array(v.object({ rule: text, message: text, help: maybeText })),
    v.description("What squawk says is dangerous on a database in use; empty where it is not installed."),
  ),
});

const PlannedVersion = v.object({
  version: text,
  how: v.pipe(
    v.picklist(["applied", "loaded"]),
    v.description("loaded: the archived schema, which brings the versions before it along."),
  ),
  file: text,
  statements: v.array(PlannedStatement),
});

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

/** What a deploy of one database came to. */
export const DatabaseDeploy = v.object({
  database: text,
  stage: text,
  target: v.pipe(text, v.description("user@host:port/database, never the password.")),
  outcome: v.picklist(["applied", "nothing", "planned", "failed"]),
  from: v.pipe(maybeText, v.description("null for an empty database.")),
  to: maybeText,
  plan: v.pipe(maybeText, v.description("The plan's id: the same id is the same work on the same state.")),
  versions: v.pipe(v.array(text), v.description("Versions applied, or to be applied, oldest first.")),
  transactions: v.pipe(v.number(), v.description("How many transactions it takes; 1 is all or nothing.")),
  statements: v.pipe(v.array(PlannedVersion), v.description("With --plan and --dry-run only.")),
  objects: v.pipe(
    v.array(WoStep),
    v.description("What is done about the objects by their scripts, or was done, after the deltas."),
  ),
  rehearsed: v.boolean(),
  recovered: v.pipe(
    v.boolean(),
    v.description("An earlier deploy was interrupted, and was cleared up first."),
  ),
  seconds: v.number(),
  notes: v.array(text),
  error: v.nullable(
    v.object({
      code: text,
      message: text,
      where: maybeText,
      hint: maybeText,
      exitStatus: v.number(),
    }),
  ),
});
export type DatabaseDeploy = v.InferOutput<typeof DatabaseDeploy>;

export const DeployResult = v.pipe(
  v.object({ stage: text, databases: v.array(DatabaseDeploy) }),
  v.title("wov-deploy"),
);
export type DeployResult = v.InferOutput<typeof DeployResult>;

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

export const ErrorResult = v.pipe(
  v.object({
    error: v.object({ code: text, message: text, where: v.optional(text), hint: v.optional(text) }),
    exitStatus: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5)),
  }),
  v.title("An error, of any command"),
);

/** The shapes by the name of their published JSON Schema. */
export const RESULTS = {
  check: CheckResult,
  "push-db": PushDbResult,
  log: LogResult,
  hash: HashResult,
  checksum: ChecksumResult,
  diff: DiffResult,
  status: StatusResult,
  init: InitResult,
  info: InfoResult,
  schema: SchemaResult,
  "ledger-init": LedgerInitResult,
  "ledger-version": LedgerVersionResult,
  "ledger-log": LedgerLogResult,
  instance: InstanceResult,
  rebase: RebaseResult,
  deltas: DeltasResult,
  pending: PendingResult,
  edit: EditResult,
  sql: SqlResult,
  server: ServerResult,
  hook: HookResult,
  deploy: DeployResult,
  "wo-migrate": WoMigrateResult,
  "wo-init": WoInitResult,
  "wo-drop": WoDropResult,
  "wo-import": WoImportResult,
  error: ErrorResult,
} as const;

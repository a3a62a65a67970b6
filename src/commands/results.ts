/**
 * What the commands return and `--json` prints. Each shape is a valibot schema, from which the published JSON
 * Schemas are made; fields are only ever added.
 */
import * as v from "valibot";
import { CheckResult, HookResult, LogResult, PushDbResult } from "./results/check.js";
import {
  InstanceResult,
  LedgerInitResult,
  LedgerLogResult,
  LedgerVersionResult,
  RebaseResult,
  ServerResult,
  SqlResult,
} from "./results/database.js";
import { DeltasResult, EditResult, PendingResult } from "./results/deltas.js";
import { DeployResult } from "./results/deploy.js";
import { text } from "./results/parts.js";
import { InfoResult, InitResult, StatusResult } from "./results/project.js";
import { ChecksumResult, DiffResult, HashResult, SchemaResult } from "./results/schema.js";
import { WoDropResult, WoImportResult, WoInitResult, WoMigrateResult } from "./results/wo.js";

export * from "./results/check.js";
export * from "./results/database.js";
export * from "./results/deltas.js";
export * from "./results/deploy.js";
export * from "./results/project.js";
export * from "./results/schema.js";
export * from "./results/wo.js";

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

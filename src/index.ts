/**
 * wovtools as a library: what the command line does, as typed functions that return data and print nothing.
 *
 * @example
 * import { check, diff, pushDb } from "wovtools";
 *
 * const { blocked } = await check({ cwd: "/path/to/project" });
 * const { changes } = await diff("shopdb@head", "shopdb");
 * if (!blocked) await pushDb({ databases: ["shopdb"] });
 */
export { ARCHIVING_STEPS, type ArchivingStep } from "./archive/apply.js";
export { type CheckOptions, check } from "./commands/check.js";
export { type PendingOptions, writePending } from "./commands/db/deltas.js";
export { type EditOptions, editDeltas } from "./commands/db/edit.js";
export { info, schemaOf } from "./commands/db/info.js";
export {
  createInstance,
  type DatabaseOptions,
  initLedger,
  ledgerLog,
  ledgerVersions,
} from "./commands/db/ledger.js";
export { startLocalServer, stopLocalServer } from "./commands/db/server.js";
export { runSql, type SqlOptions } from "./commands/db/sql.js";
export { type DeltasOptions, deltas, type WritingOptions } from "./commands/deltas.js";
export { type DeployOptions, deploy } from "./commands/deploy.js";
export { diff } from "./commands/diff.js";
export { hash } from "./commands/hash.js";
export { type HookName, type HookOptions, hook } from "./commands/hook.js";
export { type InitOptions, init } from "./commands/init.js";
export { log } from "./commands/log.js";
export { type PushDbOptions, pushDb } from "./commands/push-db.js";
export type {
  Blocker,
  CheckResult,
  DatabaseCheck,
  DatabaseDeploy,
  DeltasResult,
  DeployResult,
  DiffResult,
  HashResult,
  HookResult,
  InfoResult,
  InitResult,
  ObjectChange,
  PendingResult,
  PushDbResult,
  StatusResult,
  WoDropResult,
  WoImportResult,
  WoInitResult,
  WoMigrateResult,
  WoStep,
} from "./commands/results.js";
export type { CommandOptions } from "./commands/session.js";
export { type StatusOptions, status } from "./commands/status.js";
export { type WoDropOptions, woDrop } from "./commands/wo/drop.js";
export { type WoImportOptions, woImport } from "./commands/wo/import.js";
export { woInit } from "./commands/wo/init.js";
export { type WoMigrateOptions, woMigrate } from "./commands/wo/migrate.js";
export type { WoOptions } from "./commands/wo/settings.js";
export {
  ArchiveError,
  BlockedError,
  ConfigError,
  DatabaseError,
  type ExitStatus,
  StoppedError,
  WovError,
} from "./errors.js";

/** What a deploy plans and does. */
import * as v from "valibot";
import { maybeText, text } from "./parts.js";
import { WoStep } from "./wo.js";

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

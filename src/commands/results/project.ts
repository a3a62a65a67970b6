/** What shows and sets up a project. */
import * as v from "valibot";
import { ObjectChange } from "./check.js";
import { maybeText, text } from "./parts.js";

export const StatusResult = v.pipe(
  v.object({
    root: text,
    pver: text,
    stage: text,
    branch: maybeText,
    uncommitted: v.number(),
    hooks: v.pipe(v.boolean(), v.description("Whether git calls the hooks of wov init in this clone.")),
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
            onServer: v.pipe(
              maybeText,
              v.description("The database's name on the server, where the stage has several by a pattern."),
            ),
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

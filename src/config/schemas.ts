/** The shapes of `wovtools/config.json` and of the secrets files. The published JSON Schemas are made from these. */
import * as v from "valibot";
import { record, strict } from "../json.js";
import { databaseNameProblem, nameProblem } from "./names.js";

const problemMessage =
  (problem: (name: string) => string | null) =>
  ({ input }: { readonly input: unknown }) =>
    `the name ${JSON.stringify(input)} ${problem(String(input)) ?? "is refused"}`;

const DatabaseName = v.pipe(
  v.string(),
  v.check((name) => databaseNameProblem(name) === null, problemMessage(databaseNameProblem)),
);
const StageName = v.pipe(
  v.string(),
  v.check((name) => nameProblem(name) === null, problemMessage(nameProblem)),
  v.description("The stage that a command means when it is not told one. Default: local."),
);

const flag = (text: string) => v.optional(v.pipe(v.boolean(), v.description(text)));
const patterns = (text: string) =>
  v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.nonEmpty("a pattern must not be empty"))), v.description(text)),
  );
const path = (text: string) =>
  v.pipe(v.string(), v.nonEmpty("the path must not be empty"), v.description(text));

const SchemaOptions = strict({
  owners: flag("Whether a change of owner is a change of schema. Default: false."),
  tablespaces: flag("Whether a change of tablespace is a change of schema. Default: false."),
  subscriptions: flag("Whether subscriptions belong to the schema. Default: false."),
  columnOrder: flag("Whether the order of a table's columns is part of the schema. Default: true."),
  ignoreSchemas: patterns("Schemas to leave out, by name; * stands for any characters, ? for one."),
  ignoreTables: patterns(
    "Tables to leave out, as name or schema.name; * stands for any characters, ? for one. Meant for partitions that a job makes.",
  ),
});

const PgDump = v.pipe(
  v.string(),
  v.nonEmpty("the path must not be empty"),
  v.description(
    "Which pg_dump reads schemas: bundled (the package's own, default), system (the one on PATH), or a path.",
  ),
);

const Objects = strict({
  path: v.optional(
    path(
      "The folder, relative to the project's root. Default: objects in the database's folder of the archive. Used where it exists.",
    ),
  ),
  rolePrefix: v.optional(
    v.pipe(v.string(), v.description("What {wo_role_prefix} stands for in the scripts. Default: nothing.")),
  ),
  searchPath: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.nonEmpty("a schema's name must not be empty"))),
      v.description("Schemas in which the scripts' unqualified names are looked up. Default: public."),
    ),
  ),
});

const Database = strict({
  ledger: v.optional(
    v.pipe(
      v.picklist(["database", "schema"]),
      v.description(
        "Where the ledger of this database's servers lies: in a database of its own, wovtool (default), or, where none may be made, in a schema of that name inside the database.",
      ),
    ),
  ),
  objects: v.optional(
    v.pipe(
      v.union(
        [path("The folder alone."), Objects],
        "expected a folder, or an object with path, rolePrefix, searchPath",
      ),
      v.description("This database's object scripts; the folder alone may be given as it is."),
    ),
  ),
  pgDump: v.optional(PgDump),
  schema: v.optional(
    v.pipe(SchemaOptions, v.description("What counts as this database's schema, over the defaults for all.")),
  ),
});

const Archive = strict({
  path: v.optional(
    path(
      "The archive's folder, relative to the project's root: inside the project, or another repository such as ../shop-archive. Default: wovtools/db.",
    ),
  ),
  push: flag(
    "Whether an archiving is pushed after its commit. Default: true where the archive is a repository of its own, else false.",
  ),
  commitPrefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[^\r\n]*$/, "the prefix must be of one line"),
      v.description(
        'What the messages of wovtools\' own commits begin with, where a hook asks for a form, e.g. "chore: ". Default: "wovtools: ".',
      ),
    ),
  ),
});

const Hook = strict({
  unreachable: v.optional(
    v.pipe(
      v.picklist(["block", "warn"]),
      v.description("What the pre-push hook does when a database cannot be reached. Default: block."),
    ),
  ),
  uncommitted: v.optional(
    v.pipe(
      v.picklist(["report", "block"]),
      v.description("What the pre-push hook does about uncommitted changes. Default: report."),
    ),
  ),
});

/** `wovtools/config.json` as it stands on disk. */
export const ConfigFile = v.pipe(
  strict({
    $schema: v.optional(v.pipe(v.string(), v.description("The JSON Schema of this file, for editors."))),
    databases: v.pipe(
      record(DatabaseName, Database),
      v.description("The project's databases by name; {} where nothing is out of the ordinary."),
    ),
    stage: v.optional(StageName),
    pver: v.optional(
      v.pipe(
        v.picklist(["package.json", "commits"]),
        v.description(
          "Where the project version comes from: the version in package.json (default) or the number of commits.",
        ),
      ),
    ),
    archive: v.optional(v.pipe(Archive, v.description("Where the version history lies."))),
    hook: v.optional(v.pipe(Hook, v.description("What the git hooks do."))),
    pgDump: v.optional(PgDump),
    schema: v.optional(v.pipe(SchemaOptions, v.description("What counts as schema in every database."))),
  }),
  v.title("wovtools/config.json"),
  v.description("The settings of a wovtools project."),
);
export type ConfigFile = v.InferOutput<typeof ConfigFile>;

/** Whether a number is a TCP port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
const PORT_PROBLEM = "must be a number from 1 to 65535, or a string that becomes one";

const text = (description: string) => v.optional(v.pipe(v.string(), v.description(description)));

const ConnectionSecrets = strict({
  url: text("A connection URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE. In place of host and port."),
  host: text("A host name, an address, or a folder of Unix sockets."),
  port: v.optional(
    v.pipe(
      v.union([v.number(), v.string()], PORT_PROBLEM),
      v.check((port) => typeof port === "string" || isPort(port), PORT_PROBLEM),
      v.description(`The port, a number or a string such as \${SHOPDB_PORT}.`),
    ),
  ),
  database: text("The database's name on the server. Default: its name in the project."),
  username: text("The role to log in as."),
  password: text("Its password."),
  sslmode: text("As libpq's sslmode: disable, allow, prefer, require, verify-ca, verify-full."),
  sslrootcert: text("The path of the certificate authority's file."),
  options: text("Options for the session, as PGOPTIONS."),
});
export type ConnectionSecrets = v.InferOutput<typeof ConnectionSecrets>;

/** A file of `wovtools/secrets/`, shared or of one stage. */
export const SecretsFile = v.pipe(
  record(DatabaseName, ConnectionSecrets),
  v.title("wovtools/secrets/DATABASE.json and DATABASE_STAGE.json"),
  v.description(
    `How to reach a database. \${NAME} in a string is replaced from the environment; $\${ stands for \${ itself.`,
  ),
);
export type SecretsFile = v.InferOutput<typeof SecretsFile>;

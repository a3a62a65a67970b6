import type { Argv } from "yargs";
import type { ArgumentsOf, GlobalArguments } from "../../verb.js";
import { ONLINE, RENAMES } from "../deltas.js";

const flag = (describe: string) => ({ describe, type: "boolean" as const, default: false });

const lower = (text: string) => `${text.charAt(0).toLowerCase()}${text.slice(1)}`;

/** What `wov-db` can be told. */
export const dbOptions = (yargs: Argv<GlobalArguments>) =>
  yargs
    .positional("database", {
      describe: "The database; may be left out where the project has one",
      type: "string",
    })
    .option("schema", flag("Print the schema as the archive stores it"))
    .option("schema-hash", flag("Print the checksum of the schema"))
    .option("schema-diff", {
      describe: "Show what differs from an archived version (the newest unless given)",
      type: "string",
    })
    .option("info", flag("Print how the database is reached, its server, size and version"))
    .option("rebase", {
      describe:
        "End a fork: put your line of versions behind the other (named by its last version where several are)",
      type: "string",
    })
    .option("wdb-init", flag("Make the ledger: the database wovtool on the server"))
    .option(
      "wdb-createinstance",
      flag("Make the database from the archive where it is missing, and enter it in the ledger"),
    )
    .option("wdb-ver", flag("Print the version that the ledger gives the database"))
    .option("wdb-log", flag("Print what the ledger knows of the database, oldest first"))
    .option("wdb-deltas", flag("Write the SQL that the pending deltas lack"))
    .option("renames", {
      ...RENAMES,
      describe: `With --wdb-deltas or --wdb-edit: ${lower(RENAMES.describe)}`,
    })
    .option("online", { ...ONLINE, describe: `With --wdb-deltas or --wdb-edit: ${lower(ONLINE.describe)}` })
    .option("wdb-edit", flag("Open the pending deltas in $VISUAL or $EDITOR, with what they lack at the end"))
    .option("command", { alias: "c", describe: "Run SQL", type: "string", requiresArg: true })
    .option("file", {
      alias: "f",
      describe: "Run a file of SQL, in one transaction",
      type: "string",
      requiresArg: true,
    })
    .option("lwdb", flag("Go to the ledger: psql, or with -c or -f run that there (also -lwdb)"))
    .option("postgres-start", flag("Start the embedded server as the secrets describe it"))
    .option("postgres-stop", flag("Stop it; the data stay"))
    .example("wov-db shopdb --schema-diff", "what has changed since the newest archived version")
    .example("wov-db shopdb --wdb-deltas", "write pending deltas for what was done to the database")
    .example("wov-db shopdb --rebase", "two branches have archived: yours is put behind the other")
    .example('wov-db shopdb -c "SELECT count(*) FROM orders"', "run SQL");

export type DbArguments = ArgumentsOf<typeof dbOptions>;

import type { WoImportResult } from "../../commands/results.js";
import { woImport } from "../../commands/wo/import.js";
import type { Colors } from "../output.js";
import { commandOptions, verb } from "../verb.js";

export const woImportVerb = verb({
  command: "import [source]",
  describe: "Make a tree of object scripts from a database",
  options: (yargs) =>
    yargs
      .positional("source", {
        describe:
          "What to read, the database of WO_CONNECTION_STRING unless given: shopdb, prod:shopdb, shopdb@1.2.0, postgres://… or path/file.sql",
        type: "string",
      })
      .option("dir", { describe: "The tree's folder, instead of WO_DIR", type: "string", requiresArg: true })
      .option("without", {
        describe: "tables: leave out what deltas make, which is tables and what they are made of",
        choices: ["tables"],
        requiresArg: true,
      })
      .option("overwrite", {
        describe: "Write over scripts that say something else",
        type: "boolean",
        default: false,
      })
      .example("wo import", "the database of WO_CONNECTION_STRING, into WO_DIR")
      .example("wo import shopdb@head --dir objects", "the newest archived version, into objects/"),
  run: async (args, output) => {
    const { source, dir, overwrite } = args;
    const withoutTables = args.without === "tables";
    const result = await woImport({ ...commandOptions(args, output), source, dir, withoutTables, overwrite });
    for (const warning of result.warnings) output.note(`warning: ${warning}`);
    output.result(result, (colors) => importText(result, colors));
    return 0;
  },
});

/** How many scripts went to each folder, and what comes next. */
function importText({ source, dir, written, unchanged }: WoImportResult, colors: Colors): string {
  if (written.length === 0) return `${dir} is as ${source} is: nothing to write`;
  const folders = written.map((path) => path.split("/")[0] ?? "");
  const counts = [...new Set(folders)].map(
    (folder) => `${folders.filter((one) => one === folder).length} ${colors.dim(`${folder}/`)}`,
  );
  const scripts = written.length === 1 ? "1 script" : `${written.length} scripts`;
  const same = unchanged === 0 ? "" : `, ${unchanged} were there just so`;
  return [
    `${colors.green("imported")} ${colors.bold(source)} into ${dir}: ${scripts}${same}`,
    ...counts.map((count) => `  ${count}`),
  ].join("\n");
}

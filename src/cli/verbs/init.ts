import { init } from "../../commands/init.js";
import type { InitResult } from "../../commands/results.js";
import { ConfigError } from "../../errors.js";
import type { Colors } from "../output.js";
import { commandOptions, verb } from "../verb.js";

export const initVerb = verb({
  command: "init",
  describe: "Make a project of this repository, or add a database to it",
  options: (yargs) =>
    yargs
      .option("database", { describe: "The database's name", type: "string", requiresArg: true })
      .option("from", {
        describe: "The URL of a database that exists; its settings become the secrets",
        type: "string",
        requiresArg: true,
      })
      .example("$0 init --database shopdb", "with a server of the package's own")
      .example("$0 init --from postgres://me@localhost/shopdb", "with a database that exists"),
  run: async (args, output) => {
    const { database, from } = args;
    if (args.url !== undefined) {
      throw new ConfigError(
        "INIT_USAGE",
        "--url reaches a database for one command, and init writes it down.",
        {
          hint: "For a database that exists:\n  wov init --from postgres://USER@HOST:PORT/DATABASE",
        },
      );
    }
    const result = await init({ ...commandOptions(args, output), database, from });
    output.result(result, (colors) => initText(result, colors));
    return 0;
  },
});

function initText({ created, changed, hooks, next }: InitResult, colors: Colors): string {
  const files = [
    ...created.map((path) => `${colors.green("made   ")} ${path}`),
    ...changed.map((path) => `${colors.yellow("changed")} ${path}`),
    ...hooks.created.map((path) => `${colors.green("hook   ")} ${path}`),
  ];
  const done = files.length === 0 ? ["nothing to do: all is there"] : files;
  const callers = {
    husky: "husky",
    lefthook: "lefthook",
    folder: "this repository's hooks folder",
    git: "git's core.hooksPath",
  };
  const caller = Object.entries(callers).find(([manager]) => manager === hooks.manager)?.[1] ?? hooks.manager;
  return [
    ...done,
    `the hooks are called by ${caller}`,
    ...hooks.notes.map((note) => colors.yellow(note)),
    "",
    "next:",
    ...next.map((command) => `  ${command}`),
  ].join("\n");
}

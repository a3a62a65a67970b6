import { HOOK_NAMES } from "../../commands/hook.js";
import { verb } from "../verb.js";
import { runHook } from "./hook-run.js";

export const hookVerb = verb({
  command: "hook <name> [args..]",
  describe: "What the git hooks call",
  options: (yargs) =>
    yargs
      .positional("name", { describe: "The hook", choices: HOOK_NAMES, demandOption: true })
      .positional("args", { describe: "What git gives the hook", type: "string", array: true, default: [] })
      .example("$0 hook pre-push < refs", "refs: what git writes to the hook's standard input"),
  run: (args, output) => runHook(args.name, args.args, args, output),
});

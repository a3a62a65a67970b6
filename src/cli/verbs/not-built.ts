import { ConfigError } from "../../errors.js";
import { type RegisteredVerb, verb } from "../verb.js";

/** A command whose name is taken and whose work is not built yet: it says so and does nothing. */
export function notBuilt(command: string, describe: string): RegisteredVerb {
  return verb({
    command,
    describe: `${describe} (not built yet)`,
    options: (yargs) => yargs.strict(false),
    run: async () => {
      throw new ConfigError("NOT_BUILT", `${command.split(" ")[0]} is not built yet.`, {
        hint: "It comes with a later version of wovtools. Nothing was done.",
      });
    },
  });
}

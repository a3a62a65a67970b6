import { verb } from "../verb.js";
import { actionOf } from "./db/actions.js";
import { dbOptions } from "./db/options.js";

export const dbVerb = verb({
  command: "db [database]",
  describe: "Look into a database, its ledger and its pending deltas; run SQL; the embedded server",
  options: dbOptions,
  run: (args, output) => actionOf(args)(args, output),
});
